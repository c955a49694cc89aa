//! A topology of one's own: the one of the README, word for word, on a real broker.

use crate::harness::client::Message;
use crate::harness::compare::assert_same_multiset;
use crate::harness::millstream::TestTopology;
use crate::pipeline::Pipeline;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

/// The first block of YAML below the README's heading.
fn readme_topology() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).expect("README.md");
    let (_, section) = readme
        .split_once("\n## Your first topology")
        .expect("the README's section on a first topology");
    let (_, block) = section.split_once("```yaml\n").expect("a block of YAML");
    let (yaml, _) = block.split_once("\n```").expect("the block's end");
    yaml.to_owned()
}

#[test]
fn the_readmes_first_topology_filters_and_routes() {
    let yaml = readme_topology();
    assert!(
        yaml.lines().count() <= 30,
        "about 25 lines, not {}",
        yaml.lines().count()
    );
    let pipeline = Pipeline::of(TestTopology::of("own", &yaml));
    pipeline.create(&["orders"], 2, &[]);
    let order = |id: u32, rest: &str| {
        Message::new(
            &pipeline.topic("orders"),
            Some(&format!("o-{id}")),
            format!("{{\"id\": {id}, \"customer\": \"c{id}\", {rest}}}"),
        )
    };
    pipeline.produce(&[
        order(1, r#""status": "paid", "total": 250, "region": "eu""#),
        order(2, r#""status": "paid", "total": 20, "region": "eu""#),
        order(3, r#""status": "paid", "total": 99.5, "region": "us""#),
        order(4, r#""status": "open", "total": 500, "region": "eu""#),
        order(5, r#""status": "paid", "total": 5, "region": "moon""#),
        Message::new(&pipeline.topic("orders"), None, "no JSON"),
    ]);
    let mut instance = pipeline.start("a");
    instance.wait_ready();
    pipeline
        .client
        .wait_committed(&pipeline.topic("orders.large"), 1, LIMIT);
    pipeline.client.wait_committed(&pipeline.topic("orders.eu"), 1, LIMIT);
    pipeline.client.wait_committed(&pipeline.topic("orders.us"), 1, LIMIT);
    pipeline
        .client
        .wait_committed(&pipeline.topic("orders.dead-letters"), 2, LIMIT);
    assert!(instance.terminate().success());

    let mut actual = Vec::new();
    for topic in ["orders.large", "orders.eu", "orders.us"] {
        let records = pipeline.committed(topic);
        actual.extend(records.iter().map(|record| {
            format!(
                "{topic} {:?} {}",
                record.key_text().unwrap_or_default(),
                record.value_text()
            )
        }));
    }
    let expected = [
        r#"orders.large "c1" {"customer":"c1","order":"1","region":"eu","total":250}"#,
        r#"orders.eu "c2" {"customer":"c2","order":"2","region":"eu","total":20}"#,
        r#"orders.us "c3" {"customer":"c3","order":"3","region":"us","total":99.5}"#,
    ];
    assert_same_multiset("the README's topology", expected.map(str::to_owned), actual);
    let dead = pipeline.committed("orders.dead-letters");
    assert_same_multiset(
        "dead letters",
        [
            "no JSON".to_owned(),
            r#"{"id": 5, "customer": "c5", "status": "paid", "total": 5, "region": "moon"}"#.to_owned(),
        ],
        dead.iter().map(super::harness::client::Delivered::value_text),
    );
}
