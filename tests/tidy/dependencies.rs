//! What is depended on: licences, sources and versions, as `deny.toml` says. It holds everything of that file that can be known
//! without asking somebody; advisories can't, and are `cargo deny check`'s.

use super::{report, root};
use serde_json::Value;
use std::process::Command;

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn dependencies_are_as_deny_toml_allows() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).expect("deny.toml");
    let allowed = allowed(&deny);
    let mut findings = Vec::new();
    for package in packages() {
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        let licence = text(&package["license"]);
        if !is_allowed(licence, &allowed) {
            findings.push(format!(
                "{name}: its licence `{licence}` is not among those of deny.toml: {}",
                allowed.join(", ")
            ));
        }
        match package["source"].as_str() {
            Some(source) if source != CRATES_IO => {
                findings.push(format!("{name}: comes from {source}, not from crates.io"));
            }
            Some(_) => {}
            // our own
            None => {
                let dependencies = package["dependencies"].as_array().into_iter().flatten();
                for dependency in dependencies.filter(|dependency| dependency["req"] == "*") {
                    findings.push(format!(
                        "{name}: any version of `{}` would do: say which",
                        text(&dependency["name"])
                    ));
                }
            }
        }
    }
    report(&findings);
}

/// The crates of `Cargo.lock`, for every platform, as cargo knows them.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages").clone();
    assert!(packages.len() > 100, "only {} packages: is this all?", packages.len());
    packages
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The list `allow` under `[licenses]`.
fn allowed(deny: &str) -> Vec<String> {
    let (_, section) = deny.split_once("[licenses]").expect("[licenses] in deny.toml");
    let (_, list) = section.split_once("allow = [").expect("`allow` under [licenses]");
    let (list, _) = list.split_once(']').expect("the end of `allow`");
    let names = list.split(',').map(|name| name.trim().trim_matches('"').to_owned());
    names.filter(|name| !name.is_empty()).collect()
}

/// Whether an SPDX expression can be satisfied by allowed licences. `AND` binds closer than `OR`; a slash is an old `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any(&mut rest, allowed) && rest.is_empty()
}

fn any(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut holds = all(rest, allowed);
    while take("OR", rest) {
        holds |= all(rest, allowed);
    }
    holds
}

fn all(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut holds = one(rest, allowed);
    while take("AND", rest) {
        holds &= one(rest, allowed);
    }
    holds
}

fn one(rest: &mut &[&str], allowed: &[String]) -> bool {
    if take("(", rest) {
        let holds = any(rest, allowed);
        return take(")", rest) && holds;
    }
    let Some((name, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    let mut name = (*name).to_owned();
    if take("WITH", rest)
        && let Some((exception, after)) = rest.split_first()
    {
        *rest = after;
        name = format!("{name} WITH {exception}");
    }
    allowed.contains(&name)
}

fn take(word: &str, rest: &mut &[&str]) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[test]
fn a_licence_is_allowed_where_one_way_to_satisfy_it_is() {
    let allowed = allowed("[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Unicode-3.0\"]\n");
    for licence in [
        "MIT",
        "GPL-3.0 OR MIT",
        "MIT/GPL-3.0",
        "(GPL-3.0 OR Apache-2.0) AND Unicode-3.0",
        "GPL-3.0 OR MIT AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception OR MIT",
    ] {
        assert!(is_allowed(licence, &allowed), "{licence}");
    }
    for licence in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Apache-2.0) AND GPL-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "(MIT",
        "MIT Apache-2.0",
    ] {
        assert!(!is_allowed(licence, &allowed), "{licence}");
    }
}
