//! `schema_registry:`, as it is read.

use crate::registry::{Auth, Settings, TIMEOUT, Tls};
use crate::yaml::{Fields, Kind, Mistakes, Node, Origin, Secret, boolean, duration, one_or_many, text};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Longer than any registry takes, and short enough that somebody notices.
const LONGEST: Duration = Duration::from_secs(120);

/// Relative files are in `folder`, the topology's. `None`: there is nothing, or it is wrong.
pub(super) fn read(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Settings> {
    if node.kind == Kind::Null {
        // so a variant does without the one of the file that it extends
        return None;
    }
    let mut fields = Fields::of("a schema registry", &node.place, node, mistakes)?;
    let urls = fields.required("url", one_or_many(url));
    let auth = fields.optional("auth", auth);
    let read_tls = fields.optional("tls", |node, mistakes| tls(node, folder, mistakes));
    let timeout = fields.optional("timeout", timeout);
    let auto_register = fields.optional("auto_register", boolean);
    let urls = urls?;
    if read_tls.is_some() && urls.iter().all(|url| url.starts_with("http://")) {
        let place = fields.key_place("tls").clone();
        fields.wrong(
            &place,
            "`tls` is of no use where every `url` begins with http://",
            "write https:// there, or remove `tls`",
        );
    }
    fields.finish();
    Some(Settings {
        urls,
        auth,
        tls: read_tls.unwrap_or_default(),
        timeout: timeout.unwrap_or(TIMEOUT),
        auto_register: auto_register.unwrap_or(false),
    })
}

/// `http://` or `https://`, a host, and perhaps a path.
fn url(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    const HELP: &str = "write it with https:// (or http://), as in https://registry:8081";
    let url = text(node, mistakes)?;
    if node.from == Origin::Unset {
        return Some(url);
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next());
    match host {
        // not shown: what stands before the host is a password
        _ if url.contains('@') => {
            mistakes.add(
                &node.place,
                "a URL with a name or a password can't stand here",
                "write `auth: {basic: {username: \"${USER}\", password: \"${PASSWORD}\"}}` beside it",
            );
            None
        }
        Some(host) if !host.is_empty() && !url.contains(|c: char| c.is_whitespace() || c == '?' || c == '#') => {
            Some(url)
        }
        _ => {
            mistakes.add(&node.place, format!("{} is not the URL of a host", node.shown()), HELP);
            None
        }
    }
}

fn auth(node: &Node, mistakes: &mut Mistakes) -> Option<Auth> {
    const HELP: &str =
        "write `{basic: {username: \"${USER}\", password: \"${PASSWORD}\"}}` or `{bearer: \"${TOKEN}\"}`";
    let mut fields = Fields::of("a registry's auth", &node.place, node, mistakes)?;
    let mut ways = Vec::new();
    if let Some(node) = fields.find("basic") {
        ways.push(basic(node, fields.mistakes));
    }
    if let Some(node) = fields.find("bearer") {
        ways.push(secret(node, fields.mistakes).map(Auth::Bearer));
    }
    fields.finish();
    if ways.len() == 1 {
        return ways.pop()?;
    }
    mistakes.add(
        &node.place,
        "a registry is shown one thing, not none and not several",
        HELP,
    );
    None
}

fn basic(node: &Node, mistakes: &mut Mistakes) -> Option<Auth> {
    let mut fields = Fields::of("a registry's basic", &node.place, node, mistakes)?;
    let username = fields.required("username", |node, mistakes| {
        let name = text(node, mistakes)?;
        let right = !name.contains(|c: char| c == ':' || c.is_control());
        if !right {
            mistakes.add(
                &node.place,
                "this can't be a user's name",
                "leave out `:` and control characters",
            );
        }
        right.then(|| Secret::new(name))
    });
    let password = fields.required("password", secret);
    fields.finish();
    Some(Auth::Basic {
        username: username?,
        password: password?,
    })
}

/// Files are shown to many and kept for long: a secret in one is none.
fn secret(node: &Node, mistakes: &mut Mistakes) -> Option<Secret> {
    let secret = text(node, mistakes)?;
    if node.from == Origin::File {
        let help = "take it from a variable, as in \"${REGISTRY_PASSWORD}\"";
        mistakes.add(&node.place, "a secret can't be in the file", help);
        return None;
    }
    if secret.contains(char::is_control) {
        let help = "it has no control characters: is there a line break at its end?";
        mistakes.add(&node.place, "this secret can't come in a header", help);
        return None;
    }
    Some(Secret::new(secret))
}

fn tls(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<Tls> {
    let file = |node: &Node, mistakes: &mut Mistakes| -> Option<PathBuf> {
        text(node, mistakes).map(|name| folder.join(name))
    };
    let mut fields = Fields::of("a registry's tls", &node.place, node, mistakes)?;
    let ca = fields.optional("ca", file);
    let certificate = fields.optional("certificate", file);
    let key = fields.optional("key", file);
    if certificate.is_some() != key.is_some() {
        let help = "name both, `certificate` and `key`, or neither";
        fields.wrong(&node.place, "a certificate is shown with its key", help);
    }
    fields.finish();
    Some(Tls {
        ca,
        client: certificate.zip(key),
    })
}

fn timeout(node: &Node, mistakes: &mut Mistakes) -> Option<Duration> {
    let read = duration(node, mistakes)?;
    if (Duration::from_millis(100)..=LONGEST).contains(&read) {
        return Some(read);
    }
    let message = format!("{} is no time for an answer", node.shown());
    mistakes.add(&node.place, message, "write one from 100ms to 120s");
    None
}
