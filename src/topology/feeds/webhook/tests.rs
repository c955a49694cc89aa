//! What a webhook's settings may be, and what is said of those that may not.

use super::*;
use crate::topology::{Topology, load_text};

const AUTH: &str = "{api_key: \"${KEY}\"}";

/// A topology with one feed, and these settings beside its type and topic.
fn topology(settings: &str) -> String {
    with_feeds(&format!("  hook: {{type: webhook, topic: orders, {settings}}}\n"))
}

fn with_feeds(feeds: &str) -> String {
    format!(
        "application: shop\nfeeds:\n{feeds}sources: {{in: {{topic: orders}}}}\nsinks: {{out: {{from: in, topic: all}}}}\n\
         dead_letters: {{topic: dead}}\n"
    )
}

fn load(yaml: &str) -> Result<Topology, Vec<String>> {
    let environment = |name: &str| match name {
        "KEY" => Some("s3cret-key".to_owned()),
        "OLD" => Some("0ld-key".to_owned()),
        "EMPTY" => Some(String::new()),
        "LINES" => Some("key-from-a-file\n".to_owned()),
        _ => None,
    };
    load_text(yaml, Path::new("no-such-folder"), &environment).map_err(|mistakes| {
        let line = |mistake: &crate::yaml::Mistake| {
            let (place, help) = (&mistake.place, mistake.help.as_deref().unwrap_or("-"));
            format!("{}:{} {} | {help}", place.line, place.column, mistake.message)
        };
        mistakes.iter().map(line).collect()
    })
}

fn right(settings: &str) -> Webhook {
    let topology = load(&topology(settings)).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"));
    match topology.feeds.into_iter().next().expect("a feed").kind {
        FeedKind::Webhook(webhook) => webhook,
        _ => panic!("another type"),
    }
}

/// The only mistake, without its place.
fn wrong(settings: &str) -> String {
    let mistakes = load(&topology(settings)).err().expect("this must be refused");
    assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
    mistakes[0].split_once(' ').expect("a place").1.to_owned()
}

#[test]
fn a_webhook_needs_a_path_and_who_may_post() {
    let webhook = right(&format!("path: /in, auth: {AUTH}"));
    assert_eq!(webhook.listen, DEFAULT_LISTEN);
    assert_eq!((webhook.max_body, webhook.max_pending), (1_000_000, 1000));
    assert_eq!(webhook.timeout, Duration::from_secs(4));
    assert!(webhook.tls.is_none());
    let mistakes = load(&with_feeds("  hook: {type: webhook, topic: orders}\n"))
        .err()
        .expect("mistakes");
    assert_eq!(
        mistakes,
        [
            "3:3 feed `hook` has no `auth` | add `auth:`",
            "3:3 feed `hook` has no `path` | add `path:`"
        ]
    );
}

#[test]
fn every_setting_of_a_webhook_is_taken() {
    let webhook = right(
        "path: /in, auth: none, listen: \"127.0.0.1:1\", max_body: 2MB, max_pending: 5, timeout: 2s, \
         tls: {certificate: /a.crt, key: /a.key}",
    );
    assert!(matches!(webhook.auth, WebhookAuth::Nothing));
    assert_eq!(
        (webhook.listen.port(), webhook.max_body, webhook.max_pending),
        (1, 2_000_000, 5)
    );
    let tls = webhook.tls.expect("tls");
    assert_eq!((tls.certificate, tls.key), ("/a.crt".into(), "/a.key".into()));
}

#[test]
fn there_are_three_ways_to_know_who_posts() {
    let shown = |auth: &str| format!("{:?}", right(&format!("path: /in, auth: {auth}")).auth);
    assert_eq!(shown(AUTH), r#"ApiKey { header: "x-api-key", keys: [(secret)] }"#);
    assert_eq!(
        shown("{api_key: [\"${KEY}\", \"${OLD}\"], header: X-Mine}"),
        r#"ApiKey { header: "x-mine", keys: [(secret), (secret)] }"#
    );
    assert_eq!(
        shown("{basic: {user: eventbridge, password: \"${KEY}\"}}"),
        "Basic { user: (secret), passwords: [(secret)] }"
    );
    let oauth2 =
        shown("{oauth2: {jwks_url: \"https://id.example/jwks\", issuer: \"https://id.example\", audience: hook}}");
    assert!(
        oauth2.starts_with(r#"Oauth2 { jwks_url: "https://id.example/jwks", issuer"#),
        "{oauth2}"
    );
}

#[test]
fn a_secret_comes_from_a_variable_and_is_never_shown() {
    assert_eq!(
        wrong("path: /in, auth: {api_key: plain-text}"),
        "a secret can't be in the file | take it from a variable, as in \"${WEBHOOK_KEY}\""
    );
    assert_eq!(
        wrong("path: /in, auth: {basic: {user: a, password: plain-text}}"),
        "a secret can't be in the file | take it from a variable, as in \"${WEBHOOK_KEY}\""
    );
    assert_eq!(
        wrong("path: /in, auth: {api_key: \"${LINES}\"}"),
        "this secret can't come in a header | a key is made of printed ASCII characters without spaces: is there a line break at its end?"
    );
    assert_eq!(
        wrong("path: /in, auth: {basic: {user: a, password: \"${LINES}\"}}"),
        "this secret can't come in a header | a password has no control characters: is there a line break at its end?"
    );
}

#[test]
fn an_empty_secret_is_refused_and_so_are_three() {
    assert_eq!(
        wrong("path: /in, auth: {api_key: \"${EMPTY}\"}"),
        "this text is empty | write something"
    );
    assert_eq!(
        wrong("path: /in, auth: {api_key: [\"${KEY}\", \"${EMPTY}\"]}"),
        "this text is empty | write something"
    );
    assert_eq!(
        wrong("path: /in, auth: {api_key: []}"),
        "this list is empty | name at least one"
    );
    assert_eq!(
        wrong("path: /in, auth: {api_key: [\"${KEY}\", \"${OLD}\", \"${KEY}\"]}"),
        "more than two secrets are right at a time | keep two: the one in use, and the one to come after it"
    );
}

#[test]
fn who_may_post_is_said_once_and_in_one_way() {
    assert!(wrong("path: /in, auth: nobody").starts_with("`nobody` says not who may post | write `auth: {api_key:"));
    assert!(wrong("path: /in, auth: {}").starts_with("this says not who may post |"));
    assert!(
        wrong("path: /in, auth: {api_key: \"${KEY}\", basic: {user: a, password: \"${KEY}\"}}")
            .starts_with("a webhook has one way to know who posts, not several |")
    );
    assert_eq!(
        wrong("path: /in, auth: {basic: {user: a, password: \"${KEY}\"}, header: x}"),
        "only an `api_key` has a header of its choice | remove it"
    );
    assert_eq!(
        wrong("path: /in, auth: {api_key: \"${KEY}\", header: \"two words\"}"),
        "`two words` is no header's name | write one as x-api-key"
    );
    assert_eq!(
        wrong("path: /in, auth: {basic: {user: \"a:b\", password: \"${KEY}\"}}"),
        "this can't be a user's name | leave out `:` and control characters"
    );
}

#[test]
fn keys_of_an_issuer_come_by_https_only() {
    let auth = |url: &str| format!("path: /in, auth: {{oauth2: {{jwks_url: \"{url}\", issuer: i, audience: a}}}}");
    assert_eq!(
        wrong(&auth("http://id.example/jwks")),
        "`http://id.example/jwks` is no address to take keys from | write one that begins with https://"
    );
    right(&auth("http://127.0.0.1:9/jwks"));
}

#[test]
fn addresses_paths_sizes_and_times_that_can_not_work_are_told() {
    let wrong = |settings: &str| wrong(&format!("auth: {AUTH}, {settings}"));
    assert_eq!(
        wrong("path: /in, listen: \"8480\""),
        "`8480` is no address to listen on | write IP and port, as in 0.0.0.0:8480 or [::]:8480"
    );
    assert!(wrong("path: in").starts_with("`in` is no path | begin it with `/`"));
    assert!(wrong("path: \"/{any}\"").starts_with("`/{any}` is no path |"));
    assert!(wrong("path: /in, max_body: 1GB").starts_with("`1GB` is no size for a request | write one up to 16MB"));
    assert!(wrong("path: /in, timeout: 2m").starts_with("`2m` is no time for an answer | write one from 100ms to 60s"));
    assert!(wrong("path: /in, max_pending: 0").contains("write a whole number from 1 to 100000"));
    assert_eq!(
        wrong("path: /in, tls: {certificate: a.crt, key: /a.key}"),
        "`a.crt` depends on where the program is started | write the whole path, as in /etc/millstream/tls.crt"
    );
}

#[test]
fn two_webhooks_can_not_listen_on_one_address() {
    let feeds = |one: &str, other: &str| {
        let feed = |name: &str, listen: &str| {
            format!("  {name}: {{type: webhook, topic: orders, path: /in, auth: none{listen}}}\n")
        };
        load(&with_feeds(&(feed("one", one) + &feed("other", other)))).err()
    };
    let help = "give each webhook a `listen` of its own, as in 0.0.0.0:8481";
    let expected =
        |place: &str, listen: &str| Some(vec![format!("{place} `one` listens on {listen} already | {help}")]);
    assert_eq!(feeds("", ""), expected("4:3", "0.0.0.0:8480"));
    assert_eq!(
        feeds("", ", listen: \"127.0.0.1:8480\""),
        expected("4:64", "0.0.0.0:8480")
    );
    assert_eq!(feeds("", ", listen: \"0.0.0.0:8481\""), None);
    assert_eq!(
        feeds(", listen: \"127.0.0.1:8480\"", ", listen: \"127.0.0.2:8480\""),
        None
    );
}
