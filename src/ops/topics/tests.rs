//! On a broker in memory.

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::topology::load_text;
use std::path::Path;

const SHOP: &str = "
application: shop
sources: {orders: {topic: orders}}
tables: {customers: {topic: customers}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: shop.by-customer}
  once: {type: dedupe, from: by-customer, id: = event.id, window: 1d}
  known: {type: enrich, from: once, with: {customer: {table: customers, key: = event.customer}}}
sinks: {out: {from: known, topic: shop.orders}}
dead_letters: {topic: shop.dead-letters}
";
const WISHES: Wishes = Wishes {
    partitions: 3,
    replication: None,
};

fn shop() -> Topology {
    load_text(SHOP, Path::new("no-such-folder"), &|_| None).unwrap()
}

fn shown(planned: &[Planned]) -> Vec<String> {
    let line = |planned: &Planned| {
        let name = &planned.topic.name;
        match &planned.step {
            Step::There { partitions } => format!("{name} there {partitions}"),
            Step::Create(state) => format!("{name} create {}", state.partitions),
            Step::ByHand(wrong) => format!(
                "{name} by hand {}",
                wrong.iter().map(|wrong| wrong.what).collect::<String>()
            ),
        }
    };
    planned.iter().map(line).collect()
}

#[test]
fn what_is_missing_is_created_as_wide_as_what_it_comes_from_and_the_second_time_nothing_is_done() {
    let broker = MemoryBroker::new(0);
    let topology = shop();
    let planned = plan(&broker, &topology, WISHES).unwrap();
    let create = [
        "orders create 3",
        "customers create 3",
        "shop.by-customer create 3",
        "shop-once-changelog create 3",
        "shop.orders create 3",
        "shop.dead-letters create 3",
    ];
    assert_eq!(shown(&planned), create);
    apply(&broker, &planned, WISHES).unwrap();
    let there = create.map(|line| line.replace("create", "there"));
    let planned = plan(
        &broker,
        &topology,
        Wishes {
            partitions: 9,
            ..WISHES
        },
    )
    .unwrap();
    assert_eq!(shown(&planned), there);
    apply(&broker, &planned, WISHES).unwrap();
    let mut admin = broker.admin().unwrap();
    let table = admin.describe(&["customers".to_owned()]).unwrap();
    assert!(
        table[0]
            .settings
            .contains(&("cleanup.policy".to_owned(), "compact".to_owned()))
    );
}

#[test]
fn what_only_a_person_can_mend_is_said_and_the_rest_is_done() {
    let broker = MemoryBroker::new(0);
    let topology = shop();
    broker.create_topic("orders", 2).unwrap();
    broker.create_topic("shop.by-customer", 2).unwrap();
    broker.create_topic("shop-once-changelog", 5).unwrap();
    let planned = plan(&broker, &topology, WISHES).unwrap();
    let lines = shown(&planned);
    assert!(lines.contains(&"orders there 2".to_owned()), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("shop-once-changelog by hand partitions")),
        "{lines:?}"
    );
    assert!(lines.contains(&"shop.orders create 2".to_owned()), "{lines:?}");
    apply(&broker, &planned, WISHES).unwrap();
    let mut admin = broker.admin().unwrap();
    assert_eq!(admin.partitions("shop.orders").unwrap(), Some(2));
    assert_eq!(
        admin.partitions("shop-once-changelog").unwrap(),
        Some(5),
        "never changed"
    );
}
