//! The settings of a RabbitMQ feed.

use super::{load_text, right, wrong};
use crate::topology::{FeedKind, QueueType, Rabbitmq, inspect};
use std::path::Path;

fn shop(settings: &str) -> String {
    format!(
        "\
application: shop
feeds:
  ecomm: {{type: rabbitmq, topic: feed.orders, {settings}}}
sources: {{orders: {{topic: feed.orders}}}}
sinks: {{out: {{from: orders, topic: out}}}}
dead_letters: {{topic: dead}}
"
    )
}

fn settings(settings: &str) -> Rabbitmq {
    let topology = right(&shop(settings));
    match topology.feeds.into_iter().next().map(|feed| feed.kind) {
        Some(FeedKind::Rabbitmq(settings)) => settings,
        _ => panic!("no feed of RabbitMQ"),
    }
}

#[test]
fn a_url_alone_is_enough() {
    let read = settings("url: \"amqp://rabbit\"");
    let urls: Vec<&str> = read.urls.iter().map(|url| url.reveal()).collect();
    assert_eq!(urls, ["amqp://rabbit"]);
    assert_eq!(
        (read.exchange.as_str(), read.bindings.as_slice()),
        ("ecomm", &["user.#".to_owned()][..])
    );
    assert_eq!((read.queue_type, read.prefetch), (QueueType::Quorum, 2_000));
    assert!(read.declare && read.single_active_consumer && read.ca.is_none());
}

#[test]
fn a_queue_without_a_name_has_that_of_the_application_and_the_feed() {
    assert_eq!(settings("url: \"amqp://rabbit\"").queue("shop", "ecomm"), "shop.ecomm");
    let named = settings("url: \"amqp://rabbit\", queue: mine");
    assert_eq!(named.queue("shop", "ecomm"), "mine");
}

#[test]
fn everything_can_be_set() {
    let read = settings(
        "url: [\"amqps://u:p@a:5671/qa\", \"amqp://b/%2F\"], exchange: shop, bindings: [\"order.*\", \"#\"], queue_type: classic, \
         declare: false, prefetch: 65535, single_active_consumer: false, ca: /etc/ca.pem",
    );
    assert_eq!(
        (read.urls.len(), read.exchange.as_str(), read.bindings.len()),
        (2, "shop", 2)
    );
    assert_eq!((read.queue_type, read.prefetch), (QueueType::Classic, 65_535));
    assert!(!read.declare && !read.single_active_consumer);
    assert_eq!(read.ca.as_deref(), Some(Path::new("/etc/ca.pem")));
}

#[test]
fn a_url_that_leads_nowhere_is_refused_without_a_word_of_it() {
    let help = "write amqp://USER:PASSWORD@HOST:PORT/VIRTUAL_HOST, or amqps://; what is no letter or digit in a name or password is \
                written as %2F, %40";
    for url in [
        "http://u:secret@rabbit",
        "rabbit",
        "amqp:secret",
        "amqp://u:secret@rabbit:port",
    ] {
        assert_eq!(
            wrong(&shop(&format!("url: \"{url}\""))),
            [format!("3:52 this is not the URL of a RabbitMQ | {help}")],
            "{url}"
        );
    }
    assert_eq!(
        wrong(&shop("url: [\"amqp://rabbit\", \"amqp://u:secret@rabbit/\"]")),
        [
            "3:70 this URL ends with `/`, which stands for a virtual host without a name | for the virtual host `/` leave that out, or end \
          it with `/%2F`"
        ]
    );
    assert_eq!(
        wrong(&shop("url: \"amqp://u:secret@[::1]:5672\"")),
        ["3:52 an address of IPv6 can't stand in this URL | write the host's name"]
    );
}

#[test]
fn a_url_shows_nothing_of_itself() {
    let read = settings("url: \"amqp://u:hush@rabbit\"");
    let shown = format!("{read:?}");
    assert!(!shown.contains("hush") && !shown.contains("rabbit\""), "{shown}");
}

#[test]
fn checking_needs_no_url() {
    let text = shop("url: \"${RABBITMQ_URL}\"");
    let url = |name: &str| (name == "RABBITMQ_URL").then(|| "amqp://rabbit".to_owned());
    assert!(load_text(&text, Path::new("no-such-folder"), &url).is_ok());
    let bad = |name: &str| (name == "RABBITMQ_URL").then(|| "rabbit".to_owned());
    assert!(load_text(&text, Path::new("no-such-folder"), &bad).is_err());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("topology.yaml");
    std::fs::write(&file, text).unwrap();
    let (_, unset) = inspect(&file, &|_| None).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    assert!(unset.contains("RABBITMQ_URL"));
}

#[test]
fn wrong_values_are_refused_with_their_places() {
    assert_eq!(wrong(&shop("queue: q")), ["3:3 feed `ecomm` has no `url` | add `url:`"]);
    let found = wrong(&shop(
        "url: \"amqp://rabbit\", queue_type: quorom, prefetch: 0, declare: maybe, bindings: []",
    ));
    assert_eq!(
        found,
        [
            "3:81 `quorom` is not known here | did you mean `quorum`? it can be: quorum, classic",
            "3:99 `0` is not a whole number from 1 to 65535 | write a whole number from 1 to 65535",
            "3:111 `true` or `false` is needed here, and this is a text | write one of them, without quotes",
            "3:128 this list is empty | name at least one",
        ]
    );
    let found = wrong(&shop(&format!("url: \"amqp://rabbit\", exchange: {}", "x".repeat(256))));
    assert_eq!(found, ["3:79 this name has 256 bytes | RabbitMQ takes 255 at most"]);
    let found = wrong(&shop("url: \"amqp://rabbit\", prefetsch: 5"));
    assert!(found[0].contains("did you mean `prefetch`?"), "{found:?}");
}
