use super::{Format, GraphCommand};
use crate::cli::testing::{folder, printed};
use crate::cli::{Output, Terminal};

const SHOP: &str = r#"
application: shop
commit_interval: 1s
feeds:
  shop-queue: {type: sqs, queue_url: "https://sqs.example/1/shop", topic: feed.orders}
sources:
  orders: {topic: feed.orders}
  returns: {topic: feed.returns, on_error: drop}
tables:
  customers: {topic: reference.customers}
processors:
  clean: {type: redact, from: orders, fields: [token]}
  by-customer: {type: repartition, from: [clean, returns], key: = event.customer, topic: shop.by-customer}
  once: {type: dedupe, from: by-customer, id: = event.id, window: 7d}
  known: {type: enrich, from: once, with: {customer: {table: customers, key: = event.customer}}, missing: pass}
sinks:
  large: {from: known, where: = event.total > 1000, topic: "shop.large-{country}", parameters: {country: {value: = event.country, enum: [at, de]}}}
  rest: {from: known, otherwise: true, topic: shop.rest}
  audit: {from: once, topic: shop.audit}
dead_letters: {topic: shop.dead-letters}
"#;

fn drawn(format: Format, width: usize) -> String {
    let folder = folder(&[("topology.yaml", SHOP)]);
    let command = GraphCommand {
        path: folder.path().to_owned(),
        format,
        output: Output::Text,
    };
    printed(|terminal: &mut Terminal<'_>| {
        terminal.width = width;
        command.run(terminal)
    })
}

/// The first line is empty, so that the drawing can begin at the margin.
fn assert_drawn(found: &str, expected: &str) {
    assert_eq!(found, expected.trim_start_matches('\n'), "\n{found}");
}

#[test]
fn the_terminal_shows_boxes_trees_stores_tables_and_routes() {
    assert_drawn(
        &drawn(Format::Terminal, 80),
        r#"
shop: exactly once, a commit every 1s

╭─ orders and 1 more ──────────────────────────────────────────────────────────╮
│ ≋ feed.orders                    source orders                               │
│ └─ clean                         redact                                      │
│    └─ ▸ by-customer                                                          │
│ ≋ feed.returns                   source returns                              │
│ └─ ▸ by-customer                                                             │
│ ▸ by-customer                    repartition                                 │
│ └─ ≋ shop.by-customer                                                        │
╰──────────────────────────────────────────────────────────────────────────────╯

╭─ by-customer ────────────────────────────────────────────────────────────────╮
│ ≋ shop.by-customer               from by-customer                            │
│ └─ once                          dedupe ▣ store once (ids for 7d)            │
│    ├─ known                      enrich ▤ customers                          │
│    │  ├─ ≋ shop.large-{country}  where event.total > 1000                    │
│    │  └─ ≋ shop.rest             otherwise                                   │
│    └─ ≋ shop.audit                                                           │
╰──────────────────────────────────────────────────────────────────────────────╯

feed shop-queue (sqs) ≋ feed.orders
table customers ≋ reference.customers
dead letters ≋ shop.dead-letters
Fine
"#,
    );
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    for width in [0, 60, 72, 100, 10_000] {
        let widest = drawn(Format::Terminal, width)
            .lines()
            .map(|line| line.chars().count())
            .max();
        assert!(
            widest.is_some_and(|widest| widest <= width.clamp(60, 120)),
            "{width}: {widest:?}"
        );
    }
}

#[test]
fn a_long_chain_goes_on_below_and_nothing_is_left_out() {
    let processors: String = (0..40)
        .map(|n| {
            let from = if n == 0 { "s".to_owned() } else { format!("p{}", n - 1) };
            format!("  p{n}: {{type: redact, from: {from}, fields: [x]}}\n")
        })
        .collect();
    let text = format!(
        "application: long\nsources: {{s: {{topic: s}}}}\nprocessors:\n{processors}sinks: {{o: {{from: p39, topic: o}}}}\ndead_letters: {{topic: d}}\n"
    );
    let folder = folder(&[("topology.yaml", &text)]);
    let command = GraphCommand {
        path: folder.path().to_owned(),
        format: Format::Terminal,
        output: Output::Text,
    };
    let drawing = printed(|terminal| command.run(terminal));
    let drawn = drawing.lines().filter(|line| line.contains(" redact ")).count();
    assert_eq!(drawn, 40, "{drawing}");
}

#[test]
fn mermaid_has_a_subgraph_for_each_sub_topology() {
    assert_drawn(
        &drawn(Format::Mermaid, 80),
        r#"
flowchart LR
  subgraph s0 ["orders and 1 more"]
    p0["clean<br/>redact"]
    p1["by-customer<br/>repartition"]
  end
  subgraph s1 ["by-customer"]
    p2["once<br/>dedupe"]
    p2 --- p2s0[("store once (ids for 7d)")]
    p3["known<br/>enrich"]
  end
  f0(["shop-queue<br/>sqs"]) --> t0
  t0 --> p0
  t1 --> p1
  p0 --> p1
  p1 --> t2
  t2 --> p2
  p2 --> p3
  p2 --> t3
  p3 -->|"where event.total #62; 1000"| t4
  p3 -->|"otherwise"| t5
  t6 -.-> p3
  s0 -.->|"what fails"| t7
  s1 -.->|"what fails"| t7
  t0>"feed.orders"]
  t1>"feed.returns"]
  t6>"reference.customers"]
  t3>"shop.audit"]
  t2>"shop.by-customer"]
  t7>"shop.dead-letters"]
  t4>"shop.large-{country}"]
  t5>"shop.rest"]
Fine
"#,
    );
}

#[test]
fn dot_has_a_cluster_for_each_sub_topology() {
    assert_drawn(
        &drawn(Format::Dot, 80),
        r#"
digraph "shop" {
  rankdir=LR;
  compound=true;
  graph [fontname="sans-serif"];
  node [fontname="sans-serif"];
  edge [fontname="sans-serif"];
  subgraph cluster_0 {
    label="orders and 1 more"; style=rounded;
    "processor clean" [shape=box, label="clean\nredact"];
    "processor by-customer" [shape=box, label="by-customer\nrepartition"];
  }
  subgraph cluster_1 {
    label="by-customer"; style=rounded;
    "processor once" [shape=box, label="once\ndedupe"];
    "processor known" [shape=box, label="known\nenrich"];
    "store once" [shape=cylinder, label="store once (ids for 7d)"];
    "processor once" -> "store once" [dir=none];
  }
  "feed shop-queue" [shape=oval, label="shop-queue\nsqs"];
  "feed shop-queue" -> "topic feed.orders";
  "topic feed.orders" -> "processor clean";
  "topic feed.returns" -> "processor by-customer";
  "processor clean" -> "processor by-customer";
  "processor by-customer" -> "topic shop.by-customer";
  "topic shop.by-customer" -> "processor once";
  "processor once" -> "processor known";
  "processor once" -> "topic shop.audit";
  "processor known" -> "topic shop.large-{country}" [label="where event.total > 1000"];
  "processor known" -> "topic shop.rest" [label="otherwise"];
  "topic reference.customers" -> "processor known" [style=dashed];
  "processor clean" -> "topic shop.dead-letters" [style=dotted, label="what fails", ltail=cluster_0];
  "processor once" -> "topic shop.dead-letters" [style=dotted, label="what fails", ltail=cluster_1];
  "topic feed.orders" [shape=cds, label="feed.orders"];
  "topic feed.returns" [shape=cds, label="feed.returns"];
  "topic reference.customers" [shape=cds, label="reference.customers"];
  "topic shop.audit" [shape=cds, label="shop.audit"];
  "topic shop.by-customer" [shape=cds, label="shop.by-customer"];
  "topic shop.dead-letters" [shape=cds, label="shop.dead-letters"];
  "topic shop.large-{country}" [shape=cds, label="shop.large-{country}"];
  "topic shop.rest" [shape=cds, label="shop.rest"];
}
Fine
"#,
    );
}

#[test]
fn a_kept_table_and_an_aggregate_are_drawn_in_every_format() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/topologies/accounts");
    for (format, wanted) in [
        (Format::Terminal, "table ≋ accounts.latest"),
        (Format::Terminal, "aggregate ▣ store totals (values by key)"),
        (Format::Mermaid, "p0[\"keep<br/>table\"]"),
        (Format::Mermaid, "p0 --> t2"),
        (Format::Dot, "\"processor keep\" -> \"topic accounts.latest\";"),
        (Format::Json, r#""keeps":"accounts.latest""#),
        (Format::Json, r#""changelog":"accounts-totals-changelog""#),
    ] {
        let command = GraphCommand {
            path: path.clone(),
            format,
            output: Output::Text,
        };
        let drawn = printed(|terminal: &mut Terminal<'_>| {
            terminal.width = 100;
            command.run(terminal)
        });
        assert!(drawn.contains(wanted), "{wanted}:\n{drawn}");
    }
}

#[test]
fn json_says_everything_as_data() {
    let printed = drawn(Format::Json, 80);
    let document: serde_json::Value = serde_json::from_str(printed.trim_end_matches("Fine\n")).unwrap();
    assert_eq!(document["group"], "shop");
    let subs = document["subtopologies"].as_array().unwrap();
    let names: Vec<_> = subs.iter().map(|sub| sub["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["orders", "by-customer"]);
    assert_eq!(subs[1]["stores"][0]["changelog"], "shop-once-changelog");
    assert_eq!(subs[1]["sinks"][0]["condition"], "where event.total > 1000");
    assert_eq!(
        subs[1]["sinks"][0]["topics"],
        serde_json::json!(["shop.large-at", "shop.large-de"])
    );
}
