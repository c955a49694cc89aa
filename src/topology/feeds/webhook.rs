//! `type: webhook`: events that are posted, as by an API destination of EventBridge.

#[cfg(test)]
mod tests;

use super::{Feed, FeedKind};
use crate::yaml::{Fields, Kind, Mistakes, Node, Origin, Place, Secret, duration, integer, one_or_many, size, text};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Of each secret, as many are right at a time: the new one and the old one while keys are changed.
const MOST_SECRETS: usize = 2;
const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 8480);

/// Where it listens, and who may post.
#[derive(Debug)]
pub struct Webhook {
    pub listen: SocketAddr,
    /// `/feeds/eventbridge`
    pub path: String,
    pub auth: WebhookAuth,
    /// Bytes of the largest request.
    pub max_body: usize,
    /// Events that may be under way to Kafka at a time.
    pub max_pending: usize,
    /// From the head of a request until its answer.
    pub timeout: Duration,
    pub tls: Option<WebhookTls>,
    pub listen_place: Place,
}

/// What a request must show.
#[derive(Debug)]
pub enum WebhookAuth {
    Nothing,
    /// Any of the keys, in this header.
    ApiKey {
        header: String,
        keys: Vec<Secret>,
    },
    /// The user with any of the passwords.
    Basic {
        user: Secret,
        passwords: Vec<Secret>,
    },
    /// A bearer token that a key of this set signed, of this issuer for this audience.
    Oauth2 {
        jwks_url: String,
        issuer: String,
        audience: String,
    },
}

/// Files in PEM, read again when they change.
#[derive(Debug)]
pub struct WebhookTls {
    /// With the chain.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Webhook> {
    let listen = fields.optional("listen", address);
    let listen_place = fields.key_place("listen").clone();
    let path = fields.required("path", path);
    let auth = fields.required("auth", auth);
    let max_body = fields.optional("max_body", body_size);
    let max_pending = fields.optional("max_pending", integer(1..=100_000));
    let timeout = fields.optional("timeout", timeout);
    let tls = fields.optional("tls", tls);
    Some(Webhook {
        listen: listen.unwrap_or(DEFAULT_LISTEN),
        path: path?,
        auth: auth?,
        max_body: max_body.unwrap_or(1_000_000),
        max_pending: max_pending.and_then(|most| usize::try_from(most).ok()).unwrap_or(1000),
        timeout: timeout.unwrap_or(Duration::from_secs(4)),
        tls,
        listen_place,
    })
}

/// Two can't listen on one address.
pub(super) fn check(feeds: &[Feed], mistakes: &mut Mistakes) {
    let mut earlier: Vec<(&Feed, &Webhook)> = Vec::new();
    for feed in feeds {
        let FeedKind::Webhook(webhook) = &feed.kind else {
            continue;
        };
        let same = earlier.iter().find(|(_, other)| collide(other.listen, webhook.listen));
        if let Some((other, at)) = same {
            mistakes.add(
                &webhook.listen_place,
                format!("`{}` listens on {} already", other.name, at.listen),
                "give each webhook a `listen` of its own, as in 0.0.0.0:8481",
            );
        }
        earlier.push((feed, webhook));
    }
}

fn collide(one: SocketAddr, other: SocketAddr) -> bool {
    let all = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (all || one.ip() == other.ip())
}

fn address(node: &Node, mistakes: &mut Mistakes) -> Option<SocketAddr> {
    if node.from == Origin::Unset {
        return Some(DEFAULT_LISTEN);
    }
    let address = text(node, mistakes)?;
    let read = address.parse().ok();
    if read.is_none() {
        let message = format!("{} is no address to listen on", node.shown());
        mistakes.add(
            &node.place,
            message,
            "write IP and port, as in 0.0.0.0:8480 or [::]:8480",
        );
    }
    read
}

fn path(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let path = text(node, mistakes)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "/-._~".contains(c);
    if node.from == Origin::Unset || (path.starts_with('/') && path.chars().all(legal)) {
        return Some(path);
    }
    let help = "begin it with `/`; letters, digits and -._~ may follow, as in /feeds/eventbridge";
    mistakes.add(&node.place, format!("{} is no path", node.shown()), help);
    None
}

fn body_size(node: &Node, mistakes: &mut Mistakes) -> Option<usize> {
    const MOST: u64 = 16_000_000;
    let bytes = size(node, mistakes)?;
    if (1..=MOST).contains(&bytes) || node.from == Origin::Unset {
        return usize::try_from(bytes.min(MOST)).ok();
    }
    let message = format!("{} is no size for a request", node.shown());
    mistakes.add(
        &node.place,
        message,
        "write one up to 16MB: Kafka takes 1 MB a record, unless it is told otherwise",
    );
    None
}

fn timeout(node: &Node, mistakes: &mut Mistakes) -> Option<Duration> {
    let read = duration(node, mistakes)?;
    if (Duration::from_millis(100)..=Duration::from_secs(60)).contains(&read) {
        return Some(read);
    }
    let help = "write one from 100ms to 60s; EventBridge waits for 5 s";
    mistakes.add(&node.place, format!("{} is no time for an answer", node.shown()), help);
    None
}

fn tls(node: &Node, mistakes: &mut Mistakes) -> Option<WebhookTls> {
    let mut fields = Fields::of("a webhook's tls", &node.place, node, mistakes)?;
    let certificate = fields.required("certificate", file);
    let key = fields.required("key", file);
    fields.finish();
    Some(WebhookTls {
        certificate: certificate?,
        key: key?,
    })
}

/// Whole, so that it is the same file wherever the program is started.
fn file(node: &Node, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let path = text(node, mistakes)?;
    if Path::new(&path).is_absolute() || node.from == Origin::Unset {
        return Some(PathBuf::from(path));
    }
    let message = format!("{} depends on where the program is started", node.shown());
    mistakes.add(
        &node.place,
        message,
        "write the whole path, as in /etc/millstream/tls.crt",
    );
    None
}

fn auth(node: &Node, mistakes: &mut Mistakes) -> Option<WebhookAuth> {
    const HELP: &str =
        "write `auth: {api_key: \"${KEY}\"}`, or with `basic` or `oauth2`, or `auth: none` where nobody else can post";
    if node.kind == Kind::String("none".to_owned()) {
        return Some(WebhookAuth::Nothing);
    }
    let Kind::Map(_) = node.kind else {
        mistakes.add(&node.place, format!("{} says not who may post", node.shown()), HELP);
        return None;
    };
    let mut fields = Fields::of("a webhook's auth", &node.place, node, mistakes)?;
    let mut ways = Vec::new();
    let keys = fields.find("api_key");
    let header_node = fields.find("header");
    if let Some(node) = keys {
        let header = header_node.map_or(Some("x-api-key".to_owned()), |node| header(node, fields.mistakes));
        let keys = secrets(api_key, node, fields.mistakes);
        ways.push(
            header
                .zip(keys)
                .map(|(header, keys)| WebhookAuth::ApiKey { header, keys }),
        );
    } else if let Some(node) = header_node {
        fields.wrong(&node.place, "only an `api_key` has a header of its choice", "remove it");
    }
    if let Some(node) = fields.find("basic") {
        ways.push(basic(node, fields.mistakes));
    }
    if let Some(node) = fields.find("oauth2") {
        ways.push(oauth2(node, fields.mistakes));
    }
    fields.finish();
    if ways.len() == 1 {
        return ways.pop()?;
    }
    let message = if ways.is_empty() {
        "this says not who may post"
    } else {
        "a webhook has one way to know who posts, not several"
    };
    mistakes.add(&node.place, message, HELP);
    None
}

fn basic(node: &Node, mistakes: &mut Mistakes) -> Option<WebhookAuth> {
    let mut fields = Fields::of("a webhook's basic", &node.place, node, mistakes)?;
    let user = fields.required("user", user);
    let passwords = fields.required("password", |node, mistakes| secrets(password, node, mistakes));
    fields.finish();
    Some(WebhookAuth::Basic {
        user: user?,
        passwords: passwords?,
    })
}

fn user(node: &Node, mistakes: &mut Mistakes) -> Option<Secret> {
    let user = text(node, mistakes)?;
    if !user.contains(':') && is_printable(&user) {
        return Some(Secret::new(user));
    }
    mistakes.add(
        &node.place,
        "this can't be a user's name",
        "leave out `:` and control characters",
    );
    None
}

fn oauth2(node: &Node, mistakes: &mut Mistakes) -> Option<WebhookAuth> {
    let mut fields = Fields::of("a webhook's oauth2", &node.place, node, mistakes)?;
    let jwks_url = fields.required("jwks_url", jwks_url);
    let issuer = fields.required("issuer", text);
    let audience = fields.required("audience", text);
    fields.finish();
    Some(WebhookAuth::Oauth2 {
        jwks_url: jwks_url?,
        issuer: issuer?,
        audience: audience?,
    })
}

/// Whoever can change the answer on its way can sign for anybody.
fn jwks_url(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let url = text(node, mistakes)?;
    let here = ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"];
    if url.starts_with("https://") || here.iter().any(|start| url.starts_with(start)) || node.from == Origin::Unset {
        return Some(url);
    }
    let message = format!("{} is no address to take keys from", node.shown());
    mistakes.add(&node.place, message, "write one that begins with https://");
    None
}

fn header(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = text(node, mistakes)?.to_ascii_lowercase();
    let legal = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.chars().all(legal) {
        return Some(name);
    }
    mistakes.add(
        &node.place,
        format!("{} is no header's name", node.shown()),
        "write one as x-api-key",
    );
    None
}

/// One secret or, while it is changed, two.
fn secrets(
    each: fn(&Node, &mut Mistakes) -> Option<Secret>,
    node: &Node,
    mistakes: &mut Mistakes,
) -> Option<Vec<Secret>> {
    let secrets = one_or_many(each)(node, mistakes)?;
    if secrets.len() > MOST_SECRETS {
        mistakes.add(
            &node.place,
            "more than two secrets are right at a time",
            "keep two: the one in use, and the one to come after it",
        );
        return None;
    }
    Some(secrets)
}

fn api_key(node: &Node, mistakes: &mut Mistakes) -> Option<Secret> {
    let help = "a key is made of printed ASCII characters without spaces: is there a line break at its end?";
    secret(node, mistakes, help, |key| key.chars().all(|c| c.is_ascii_graphic()))
}

fn password(node: &Node, mistakes: &mut Mistakes) -> Option<Secret> {
    let help = "a password has no control characters: is there a line break at its end?";
    secret(node, mistakes, help, is_printable)
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// Files are shown to many and kept for long: a secret in one is none.
fn secret(node: &Node, mistakes: &mut Mistakes, help: &str, legal: impl Fn(&str) -> bool) -> Option<Secret> {
    let secret = text(node, mistakes)?;
    if node.from == Origin::File {
        let help = "take it from a variable, as in \"${WEBHOOK_KEY}\"";
        mistakes.add(&node.place, "a secret can't be in the file", help);
        return None;
    }
    if !legal(&secret) {
        mistakes.add(&node.place, "this secret can't come in a header", help);
        return None;
    }
    Some(Secret::new(secret))
}
