//! The command over the broker in memory: what it prints, asks and refuses.

use super::*;
use crate::broker::memory::MemoryBroker;
use crate::cli::connection::Connection;
use crate::cli::testing::{folder, printed};
use std::path::Path;

const SHOP: &str = "
application: shop
sources: {orders: {topic: orders}}
processors:
  by-customer: {type: repartition, from: orders, key: = event.customer, topic: by-customer}
  new: {type: dedupe, from: by-customer, id: = event.id, window: 1d}
sinks: {out: {from: new, topic: out}}
dead_letters: {topic: dead}
";

fn command(state: &Path) -> ResetCommand {
    ResetCommand {
        cluster: Cluster {
            topology: PathBuf::new(),
            connection: Connection {
                brokers: String::new(),
                properties: Vec::new(),
            },
        },
        to: None,
        offsets: None,
        state_dir: state.to_owned(),
        instance: None,
        consent: Consent {
            dry_run: false,
            yes: false,
        },
        output: Output::Text,
    }
}

/// After a first start.
fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new(1);
    for topic in ["orders", "by-customer", "shop-new-changelog", "out", "dead"] {
        broker.create_topic(topic, 2).unwrap();
    }
    broker
}

fn state() -> tempfile::TempDir {
    let state = tempfile::tempdir().unwrap();
    let instance = state.path().join("shop/a");
    std::fs::create_dir_all(instance.join("by-customer-0")).unwrap();
    std::fs::write(instance.join("lock"), "").unwrap();
    state
}

/// What the command prints, asked at a terminal where there is an answer.
fn run(command: &ResetCommand, broker: &MemoryBroker, answer: Option<&str>) -> String {
    let topology = folder(&[("topology.yaml", SHOP)]);
    let topology = crate::topology::load(topology.path(), &|_| None).unwrap();
    let mut asking = Asking {
        is_terminal: answer.is_some(),
        answers: &mut answer.unwrap_or_default().as_bytes(),
    };
    let session = Duration::from_secs(45);
    let prefix = format!("{}/", command.state_dir.display());
    printed(|terminal| command.with(&topology, broker, session, &mut asking, terminal)).replace(&prefix, "STATE/")
}

fn is_untouched(broker: &MemoryBroker, state: &Path) -> bool {
    broker.topics().len() == 5
        && broker.committed_offset("shop", "orders", 0).is_none()
        && state.join("shop/a/by-customer-0").is_dir()
}

#[test]
fn a_dry_run_says_exactly_what_would_be_done_and_does_nothing() {
    let (broker, state) = (broker(), state());
    let mut command = command(state.path());
    command.consent.dry_run = true;
    let expected = "offsets of group shop would be set
  orders partition 0: none → 0
  orders partition 1: none → 0
topics would be deleted, and created anew by the next start
  by-customer (through, by-customer)
  shop-new-changelog (changelog, new)
state would be deleted
  STATE/shop/a
topics left as they are
  orders (source, orders)
  out (sink, out)
  dead (dead letters, dead_letters)
! note: state that other machines keep is not reached from here: delete it there before the next start
Fine
";
    assert_eq!(run(&command, &broker, None), expected);
    assert!(is_untouched(&broker, state.path()));
}

#[test]
fn without_a_terminal_it_wants_yes_and_with_one_it_asks() {
    let (broker, state) = (broker(), state());
    let mut command = command(state.path());
    let refused = run(&command, &broker, None);
    assert!(refused.contains("--yes") && refused.ends_with("Failed\n"), "{refused}");
    for answer in ["n\n", "\n", ""] {
        let declined = run(&command, &broker, Some(answer));
        assert!(
            declined.contains("Set 2 offsets, delete 2 topics and the state of shop? [y/N]"),
            "{declined}"
        );
        assert!(declined.ends_with("nothing was done\nFailed\n"), "{declined}");
    }
    assert!(is_untouched(&broker, state.path()));
    let agreed = run(&command, &broker, Some("y\n"));
    assert!(agreed.contains("\ndone\n") && agreed.ends_with("Fine\n"), "{agreed}");
    assert_eq!(broker.topics(), ["dead", "orders", "out"]);
    assert_eq!(broker.committed_offset("shop", "orders", 1), Some(0));
    assert!(!state.path().join("shop/a/by-customer-0").exists());
    command.consent.yes = true;
    let again = run(&command, &broker, None);
    assert!(
        again.contains("\ndone\n") && again.contains("there is no state of shop"),
        "{again}"
    );
}

#[test]
fn programs_get_one_document() {
    let (broker, state) = (broker(), state());
    let mut command = command(state.path());
    command.output = Output::Json;
    for (yes, dry_run, done) in [(false, false, false), (true, true, false), (true, false, true)] {
        (command.consent.yes, command.consent.dry_run) = (yes, dry_run);
        let text = run(&command, &broker, None);
        let document: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(document["done"], done, "{text}");
        assert_eq!(document["offsets"][1]["to"], 0);
        assert_eq!(document["delete"][0]["topic"], "by-customer");
        assert_eq!(document["delete_state"].as_array().unwrap().len(), 1);
        assert_eq!(document["leave"][2]["role"], "dead letters");
    }
}

#[test]
fn offsets_come_from_the_command_line_or_from_a_file() {
    let (broker, state) = (broker(), state());
    for _ in 0..3 {
        let record = crate::broker::Outgoing {
            topic: "orders",
            partition: Some(1),
            key: None,
            value: Some(b"{}"),
            headers: &[],
            timestamp: None,
        };
        broker.produce(&record).unwrap();
    }
    let file = state.path().join("offsets");
    std::fs::write(&file, "orders:0=0\norders:1=2\n").unwrap();
    let mut command = command(state.path());
    command.consent.dry_run = true;
    for offsets in ["orders:0=0,orders:1=2", file.to_str().unwrap()] {
        command.offsets = Some(offsets.to_owned());
        assert!(run(&command, &broker, None).contains("orders partition 1: none → 2"));
    }
    for (offsets, why) in [
        ("nowhere", "nor a file that can be read"),
        ("orders:0=9", "from 0 to 0"),
    ] {
        command.offsets = Some(offsets.to_owned());
        let text = run(&command, &broker, None);
        assert!(text.contains(why) && text.ends_with("Failed\n"), "{text}");
    }
}

#[test]
fn state_of_a_running_process_is_refused_before_anything_is_changed() {
    let (broker, state) = (broker(), state());
    let mut command = command(state.path());
    command.consent.yes = true;
    let held = Stopped::open(state.path(), "shop", "a").unwrap();
    let text = run(&command, &broker, None);
    assert!(text.contains("stop it first") && text.ends_with("Failed\n"), "{text}");
    assert!(is_untouched(&broker, state.path()));
    drop(held);
}
