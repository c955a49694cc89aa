//! Mistakes of how the parts fit together.

use super::{RIGHT, right, with, wrong};

/// As [`RIGHT`], with these processors and sinks.
fn topology(processors: &str, sinks: &str) -> String {
    format!(
        "application: shop\nsources: {{orders: {{topic: feed.orders}}}}\nprocessors:\n{processors}sinks:\n{sinks}dead_letters: {{topic: shop.dead}}\n"
    )
}

#[test]
fn a_name_that_is_not_there_is_told_with_the_one_that_was_meant() {
    assert_eq!(
        wrong(&with("from: orders", "from: order")),
        ["5:31 no source or processor is named `order` | did you mean `orders`?"]
    );
    assert_eq!(
        wrong(&with("from: clean", "from: [clean, elsewhere]")),
        ["7:23 no source or processor is named `elsewhere` | there are: clean, orders"]
    );
}

#[test]
fn tables_and_sinks_have_nothing_to_take() {
    let found = wrong(&format!(
        "tables: {{rows: {{topic: rows}}}}\n{}",
        with("from: orders", "from: [orders, rows, out]")
    ));
    assert_eq!(
        found,
        [
            "1:10 nobody looks up the table `rows` | look it up with an `enrich` processor, or remove it",
            "6:40 `rows` is a table, and nothing flows out of a table | look it up with an `enrich` processor, or read its topic as a source, too",
            "6:46 `out` is a sink, and nothing flows out of a sink | name the processor or source that the sink takes from",
        ]
    );
}

#[test]
fn a_name_serves_once() {
    assert_eq!(
        wrong(&with("  out:", "  orders:")),
        [
            "7:3 the name `orders` is taken already, in line 3 | feeds, sources, tables, processors and sinks share one set of names: choose another"
        ]
    );
}

#[test]
fn a_ring_of_processors_is_printed() {
    let text = topology(
        "  a: {type: redact, from: [orders, c], fields: [x]}\n  b: {type: redact, from: a, fields: [x]}\n  c: {type: redact, from: b, fields: [x]}\n",
        "  out: {from: c, topic: out}\n",
    );
    assert_eq!(
        wrong(&text),
        ["4:36 records would go round for ever: a → b → c → a | remove one of these from a `from`"]
    );
    let text = topology(
        "  a: {type: redact, from: [orders, a], fields: [x]}\n",
        "  out: {from: a, topic: out}\n",
    );
    assert_eq!(
        wrong(&text),
        ["4:36 records would go round for ever: a → a | remove one of these from a `from`"]
    );
}

#[test]
fn a_ring_that_nothing_flows_into_is_one_mistake() {
    let text = topology(
        "  a: {type: redact, from: b, fields: [x]}\n  b: {type: redact, from: a, fields: [x]}\n",
        "  out: {from: b, topic: out}\n",
    );
    assert_eq!(
        wrong(&text),
        ["4:27 records would go round for ever: a → b → a | remove one of these from a `from`"]
    );
}

#[test]
fn two_rings_are_told_both() {
    let text = topology(
        "  a: {type: redact, from: [orders, b], fields: [x]}\n  b: {type: redact, from: a, fields: [x]}\n  c: {type: redact, from: [b, d], fields: [x]}\n  d: {type: redact, from: c, fields: [x]}\n",
        "  out: {from: d, topic: out}\n",
    );
    let found = wrong(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("4:36 records would go round for ever: a → b → a"),
        "{found:?}"
    );
    assert!(
        found[1].starts_with("6:31 records would go round for ever: c → d → c"),
        "{found:?}"
    );
}

#[test]
fn processors_come_after_what_they_read_and_else_as_in_the_file() {
    let topology = right(&topology(
        "  z: {type: redact, from: m, fields: [x]}\n  b: {type: redact, from: orders, fields: [x]}\n  m: {type: redact, from: a, fields: [x]}\n  a: {type: redact, from: orders, fields: [x]}\n",
        "  out: {from: [z, b], topic: out}\n",
    ));
    let names: Vec<_> = topology.processors.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "m", "z"]);
    let from: Vec<_> = topology.sinks[0]
        .from
        .iter()
        .map(|input| topology.input_name(*input))
        .collect();
    assert_eq!(from, ["z", "b"]);
    assert_eq!(topology.input_name(topology.processors[2].from[0]), "a");
}

#[test]
fn what_nobody_takes_is_told() {
    let text = with("from: clean, topic", "from: orders, topic");
    assert_eq!(
        wrong(&text),
        ["5:3 nobody takes what comes out of `clean` | name it in the `from` of a processor or sink, or remove it"]
    );
    let text = with(
        "  orders: {topic: feed.orders}\n",
        "  orders: {topic: feed.orders}\n  more: {topic: feed.more}\n",
    );
    assert_eq!(
        wrong(&text),
        ["4:3 nobody reads the source `more` | name it in the `from` of a processor or sink, or remove it"]
    );
}

#[test]
fn two_sinks_that_nothing_separates_are_refused() {
    let text = with("sinks:\n", "sinks:\n  first: {from: clean, topic: first}\n");
    let found = wrong(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("8:15 the sinks `first` and `out` both take what comes out of `clean`, and nothing separates them | give each a `where:`"),
        "{found:?}"
    );
    let text = with(
        "sinks:\n",
        "sinks:\n  first: {from: clean, topic: first, otherwise: true}\n",
    )
    .replace("shop.orders}", "shop.orders, otherwise: true}");
    assert_eq!(
        wrong(&text),
        [
            "8:15 the sinks `first` and `out` both take the rest of what comes out of `clean` | give one of them a `where:` in place of `otherwise: true`"
        ]
    );
}

#[test]
fn a_condition_is_one_thing_or_the_other() {
    assert_eq!(
        wrong(&with("topic: shop.orders", "topic: shop.orders, otherwise: false")),
        ["7:42 `otherwise: false` says nothing | remove it, or write `otherwise: true`"]
    );
    assert_eq!(
        wrong(&with("topic: shop.orders", "topic: shop.orders, where: event.a == 1")),
        ["7:49 an expression is needed here, and this is a text | begin it with `= `, as in `= event.id`"]
    );
    assert_eq!(
        wrong(&with("topic: shop.orders", "topic: shop.orders, key: event.id")),
        ["7:47 an expression is needed here, and this is a text | begin it with `= `, as in `= event.id`"]
    );
}

#[test]
fn an_expression_is_told_at_its_own_place() {
    let sink = |more: &str| wrong(&with("shop.orders}", &format!("shop.orders, {more}}}")));
    assert_eq!(
        sink("where: = evnt.a == 1"),
        ["7:51 `evnt` is not known here | did you mean `event`?"]
    );
    // whatever is said, it is said there
    let places = |more: &str| -> Vec<String> {
        let place = |line: &String| line.split(' ').next().unwrap_or_default().to_owned();
        sink(more).iter().map(place).collect()
    };
    assert_eq!(places("where: '= event.a == nobody'"), ["7:63"]);
    assert_eq!(places("key: = event.id +"), ["7:59"]);
    assert_eq!(places("headers: {a: = frist(event.a), b: x, c: 5}"), ["7:57", "7:82"]);
}

#[test]
fn a_secret_leaves_by_no_key_and_no_header() {
    let text = with(
        "shop.orders}",
        "shop.orders, key: = event.token, headers: {a: = event.Token.a, b: x}}",
    );
    let help = "a secret leaves only in a message whose mapping `reveals` it: take another member";
    assert_eq!(
        wrong(&format!("secrets: [token]\n{text}")),
        [
            format!("8:55 `token` is a secret, and this reads it | {help}"),
            format!("8:83 `Token` is a secret, and this reads it | {help}"),
        ]
    );
}

#[test]
fn a_topics_parameters_are_known_used_and_limited() {
    let sink = |topic: &str, parameters: &str| {
        with(
            "topic: shop.orders",
            &format!("topic: \"{topic}\", parameters: {parameters}"),
        )
    };
    assert_eq!(
        wrong(&with("shop.orders", "\"shop.{env}\"")),
        ["7:35 the parameter `env` is not known | add it under `parameters:`, with `value:` and `enum:`"]
    );
    assert_eq!(
        wrong(&with("shop.orders", "\"shop.{env\"")),
        ["7:35 `{` has no `}` | write a parameter as {name}"]
    );
    assert_eq!(
        wrong(&sink("shop.{evn}", "{env: {value: 5, enum: [a b, 7, c, c]}}")),
        [
            "7:35 the parameter `evn` is not known | did you mean `{env}`?",
            "7:56 the topic has no `{env}` in it | write `{env}` where it belongs in the topic, or remove the parameter",
            "7:69 an expression is needed here, and this is a number | begin it with `= `, as in `= event.id`",
            "7:79 `a b` can't be part of a topic's name | use letters, digits, `.`, `_` and `-`",
            "7:84 a text is needed here, and this is a number | put it in quotes: \"7\"",
        ]
    );
    assert_eq!(
        wrong(&sink("shop.{env}", "{env: {enum: []}}")),
        [
            "7:56 a topic's parameter has no `value` | add `value:`",
            "7:68 this list is empty | name every value that the topic may have here",
        ]
    );
}

#[test]
fn a_topic_serves_one_purpose() {
    let text = with(
        "  orders: {topic: feed.orders}\n",
        "  orders: {topic: feed.orders}\n  more: {topic: feed.orders}\n",
    )
    .replace("from: orders", "from: [orders, more]");
    assert_eq!(
        wrong(&text),
        [
            "4:17 the topic of source `more` is also the one of source `orders`, in line 3 | read it once, and name `orders` in every `from` that needs it"
        ]
    );
    assert_eq!(
        wrong(&with("shop.dead-letters", "shop.orders")),
        [
            "8:23 the topic of the dead letters is also the one of sink `out`, in line 7 | dead letters are raw records of all kinds, and need a topic of their own"
        ]
    );
    assert_eq!(
        wrong(&with(
            "type: redact, from: orders, fields: [token]",
            "type: repartition, from: orders, topic: shop.orders"
        )),
        [
            "7:29 the topic of sink `out` is also the one that `clean` passes its records through, in line 5 | a topic in the middle of a topology belongs to it alone: choose another name"
        ]
    );
    assert_eq!(
        wrong(&with("topic: shop.orders", "topic: shop-dead-letters-replayed")),
        [
            "8:23 the topic in which replayed dead letters are marked is also the one of sink `out`, in line 7 | a topic in the middle of a topology belongs to it alone: choose another name"
        ]
    );
    assert_eq!(
        wrong(&with("shop.dead-letters", "shop_orders")),
        [
            "8:23 the topic of the dead letters differs from the one of sink `out` (line 7) only in `.` and `_` | Kafka refuses one of the two, as their metrics have the same names: choose another"
        ]
    );
}

#[test]
fn records_that_come_back_to_where_they_were_are_told_with_their_way() {
    assert_eq!(
        wrong(&with("topic: shop.orders", "topic: feed.orders")),
        [
            "7:29 records would go round for ever through this topic: orders → clean → out → orders | write to another topic"
        ]
    );
    // over a second source and back
    let text = RIGHT
        .replace("  orders:", "  again: {topic: shop.orders}\n  orders:")
        .replace("sinks:\n", "sinks:\n  back: {from: again, topic: feed.orders}\n");
    let found = wrong(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with(
            "8:30 records would go round for ever through this topic: orders → clean → again → back → orders"
        ),
        "{found:?}"
    );
}

#[test]
fn a_sink_may_feed_a_source_that_does_not_come_back() {
    let text = RIGHT
        .replace("  orders:", "  again: {topic: shop.orders}\n  orders:")
        .replace("sinks:\n", "sinks:\n  on: {from: again, topic: further}\n");
    assert_eq!(right(&text).graph().subtopologies.len(), 2);
}

#[test]
fn every_mistake_is_told_at_once_and_in_order() {
    let text = "\
aplication: shop
commit_interval: soon
sources:
  orders: {topic: feed orders, codec: avor}
  unused: {topic: feed.unused}
processors:
  clean: {type: redakt, from: order}
  other: {type: redact, from: clean}
sinks:
  out: {from: clean, topic: \"shop.{env}\", otherwise: maybe}
dead_letters: {}
";
    let places: Vec<_> = wrong(text)
        .iter()
        .map(|line| line.split(' ').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        places,
        [
            "1:1", "1:1", "2:18", "4:19", "4:39", "7:17", "7:31", "8:3", "10:35", "10:54", "11:15"
        ]
    );
}

#[test]
fn the_shipped_topology_and_its_variants_are_right() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("topology/customer-events");
    for file in ["topology.yaml", "fused.yaml", "feeds.yaml"] {
        let environment = |name: &str| match name {
            "RABBITMQ_URL" => Some("amqp://guest:guest@localhost:5672/%2f".to_owned()),
            "EVENTBRIDGE_KEY" => Some("a-key".to_owned()),
            _ => None,
        };
        let loaded = crate::topology::load(&folder.join(file), &environment);
        assert!(loaded.is_ok(), "{file}: {:#?}", loaded.err());
    }
}
