//! Where the schema registry is.

use super::{lines, wrong};
use crate::registry::{Auth, Settings, Tls};
use crate::topology::{Topology, load, load_text};
use crate::yaml::{Mistake, Secret};
use std::path::{Path, PathBuf};
use std::time::Duration;

const SHOP: &str = "\
application: shop
sources: {orders: {topic: orders}}
sinks: {out: {from: orders, topic: out}}
dead_letters: {topic: dead}
";

fn environment(name: &str) -> Option<String> {
    match name {
        "PASSWORD" => Some("hunter2".to_owned()),
        "BROKEN" => Some("hunter2\n".to_owned()),
        "URL" => Some("https://ann:hunter2@registry".to_owned()),
        _ => None,
    }
}

fn read(section: &str) -> Result<Topology, Vec<Mistake>> {
    load_text(
        &format!("{SHOP}schema_registry: {section}\n"),
        Path::new("folder"),
        &environment,
    )
}

fn settings(section: &str) -> Settings {
    let topology = read(section).unwrap_or_else(|mistakes| panic!("{:#?}", lines(&mistakes)));
    topology.schema_registry.unwrap()
}

fn refused(section: &str) -> Vec<String> {
    lines(&read(section).err().expect("it is refused"))
}

#[test]
fn an_address_is_enough_and_registers_nothing_by_itself() {
    assert_eq!(
        settings("{url: \"http://registry:8081\"}"),
        Settings::of("http://registry:8081")
    );
    let topology = read("~").unwrap_or_else(|mistakes| panic!("{:#?}", lines(&mistakes)));
    assert!(topology.schema_registry.is_none());
}

#[test]
fn everything_that_can_be_said_is_read_and_files_lie_beside_the_topology() {
    let read = settings(
        "{url: [\"https://a:8081/apis/ccompat/v7\", \"http://b\"], auth: {basic: {username: ann, password: \"${PASSWORD}\"}}, \
         tls: {ca: certs/ca.pem, certificate: client.pem, key: /etc/client.key}, timeout: 3s, auto_register: true}",
    );
    let file = |name: &str| PathBuf::from(name);
    assert_eq!(
        read,
        Settings {
            urls: vec!["https://a:8081/apis/ccompat/v7".to_owned(), "http://b".to_owned()],
            auth: Some(Auth::Basic {
                username: Secret::new("ann".to_owned()),
                password: Secret::new("hunter2".to_owned()),
            }),
            tls: Tls {
                ca: Some(file("folder/certs/ca.pem")),
                client: Some((file("folder/client.pem"), file("/etc/client.key"))),
            },
            timeout: Duration::from_secs(3),
            auto_register: true,
        }
    );
    let bearer = settings("{url: \"http://b\", auth: {bearer: \"${PASSWORD}\"}}").auth;
    assert_eq!(bearer, Some(Auth::Bearer(Secret::new("hunter2".to_owned()))));
}

#[test]
fn names_and_passwords_are_in_no_url_and_secrets_in_no_file() {
    for section in ["{url: \"https://ann:hunter2@registry\"}", "{url: \"${URL}\"}"] {
        assert_eq!(
            refused(section),
            [
                "5:24 a URL with a name or a password can't stand here | write `auth: {basic: {username: \"${USER}\", password: \
              \"${PASSWORD}\"}}` beside it"
            ]
        );
    }
    assert_eq!(
        refused("{url: \"http://b\", auth: {bearer: hunter2}}"),
        ["5:51 a secret can't be in the file | take it from a variable, as in \"${REGISTRY_PASSWORD}\""]
    );
    assert_eq!(
        refused("{url: \"http://b\", auth: {bearer: \"${BROKEN}\"}}"),
        ["5:51 this secret can't come in a header | it has no control characters: is there a line break at its end?"]
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        ("{}", "5:18 a schema registry has no `url`"),
        ("{url: registry}", "5:24 `registry` is not the URL of a host"),
        ("{url: \"http://\"}", "5:24 `http://` is not the URL of a host"),
        (
            "{url: \"http://b?a=b\"}",
            "5:24 `http://b?a=b` is not the URL of a host",
        ),
        ("{url: []}", "5:24 this list is empty"),
        (
            "{url: \"http://b\", auth: {}}",
            "5:42 a registry is shown one thing, not none and not several",
        ),
        (
            "{url: \"http://b\", tls: {ca: x}}",
            "5:36 `tls` is of no use where every `url` begins with http://",
        ),
        (
            "{url: \"https://b\", tls: {key: x}}",
            "5:42 a certificate is shown with its key",
        ),
        ("{url: \"http://b\", timeout: 1h}", "5:45 `1h` is no time for an answer"),
        ("{url: \"http://b\", retries: 3}", "5:36 unknown key `retries`"),
        ("[]", "5:18 a schema registry must be a map"),
    ];
    for (section, wanted) in cases {
        let found = refused(section);
        assert!(found.len() == 1 && found[0].starts_with(wanted), "{section}: {found:?}");
    }
    assert!(wrong(&format!("{SHOP}schema_registri: {{}}\n"))[0].contains("did you mean `schema_registry`?"));
}

#[test]
fn a_variant_has_a_registry_of_its_own_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write(
        "topology.yaml",
        &format!("{SHOP}schema_registry: {{url: \"http://a\", auto_register: true}}\n"),
    );
    write(
        "b.yaml",
        "extends: topology.yaml\nschema_registry: {url: \"http://b\"}\n",
    );
    write("none.yaml", "extends: topology.yaml\nschema_registry: ~\n");
    let of = |name: &str| {
        load(&folder.path().join(name), &environment)
            .ok()
            .unwrap()
            .schema_registry
    };
    assert_eq!(of("b.yaml"), Some(Settings::of("http://b")));
    assert_eq!(of("none.yaml"), None);
}

#[test]
fn what_is_framed_needs_a_registry() {
    let framed = SHOP.replace("{topic: orders}", "{topic: orders, codec: avro}");
    let told = lines(
        &load_text(&framed, Path::new("folder"), &environment)
            .err()
            .expect("it is refused"),
    );
    assert_eq!(
        told,
        [
            "2:11 `codec: avro` needs a schema registry | add `schema_registry: {url: https://registry:8081}` to the topology, or use `avro_raw` or `json`"
        ]
    );
    let with = format!("{framed}schema_registry: {{url: http://localhost:8081}}\n");
    assert!(load_text(&with, Path::new("folder"), &environment).is_ok());
}
