//! What is printed, and how it ends.

use super::*;
use crate::cli::testing::{folder, printed};
use crate::ops::schemas::testing::{Fake, of, schema};
use crate::registry::Registry;

fn run(wanted: Vec<Wanted>, registry: &Fake, is_apply: bool, output: Output) -> String {
    let what = What {
        topology: PathBuf::new(),
        output,
    };
    printed(|terminal| what.with(wanted, Some(registry), is_apply, terminal))
}

fn registry() -> Fake {
    let registry = Fake {
        level: Some(Level::Full { transitive: true }),
        ..Fake::default()
    };
    for subject in ["a", "b", "c"] {
        registry.register(subject, &schema("1")).unwrap();
    }
    registry
}

#[test]
fn a_plan_says_of_each_schema_what_would_become_of_it() {
    let wanted = vec![of("a", "1"), of("b", "2"), of("c", "breaks"), of("d", "1")];
    assert_eq!(
        run(wanted, &registry(), false, Output::Text),
        "\
a (out): the same: version 1, id 1
b (out): changed, and compatible with version 1 (FULL_TRANSITIVE)
c (out): changed, and NOT compatible with version 1 (FULL_TRANSITIVE)
  the registry: something at /fields/0
d (out): new
! error: 1 schema can't be registered, so nothing would be registered
Failed
"
    );
}

#[test]
fn what_is_applied_is_said_with_its_id_and_nothing_the_second_time() {
    let registry = registry();
    let wanted = || vec![of("b", "2"), of("d", "1")];
    assert_eq!(
        run(wanted(), &registry, true, Output::Text),
        "b (out): changed, and compatible with version 1 (FULL_TRANSITIVE); registered with id 4\nd (out): new; registered with id 5\nFine\n"
    );
    assert_eq!(
        run(wanted(), &registry, true, Output::Text),
        "b (out): the same: version 2, id 4\nd (out): the same: version 1, id 5\nFine\n"
    );
}

#[test]
fn as_json_it_is_one_document_whatever_becomes_of_it() {
    let registry = registry();
    let document = |wanted, is_apply, outcome: &str| -> serde_json::Value {
        let printed = run(wanted, &registry, is_apply, Output::Json);
        assert!(printed.ends_with(&format!("{outcome}\n")), "{printed}");
        serde_json::from_str(printed.lines().next().unwrap()).unwrap()
    };
    let found = document(vec![of("c", "breaks"), of("d", "1")], true, "Failed");
    assert_eq!(
        (&found["ok"], &found["schemas"][0]["is"]),
        (&json!(false), &json!("incompatible"))
    );
    assert_eq!(
        found["schemas"][0]["breaks"],
        json!(["the registry: something at /fields/0"])
    );
    assert_eq!(found["schemas"][1]["registered"], json!(false));
    let found = document(vec![of("d", "1")], true, "Fine");
    assert_eq!(
        found,
        json!({"ok": true, "schemas": [{"subject": "d", "sinks": ["out"], "is": "new", "version": null, "level": null, "id": 4,
               "registered": true, "breaks": []}]})
    );
}

#[test]
fn one_that_fails_half_way_says_what_was_done() {
    let registry = Fake::default();
    assert_eq!(
        run(vec![of("a", "1"), of("b", "late")], &registry, true, Output::Text),
        "a (out): new; registered with id 1\nb (out): new\n! error: the schema registry refused it: 409: too late; what is registered \
         stays, and running it again goes on\nFailed\n"
    );
}

#[test]
fn a_topology_that_needs_no_registry_says_so_and_one_that_lacks_it_too() {
    const PLAIN: &str = "application: shop\nsources: {orders: {topic: orders}}\nsinks: {out: {from: orders, topic: out}}\ndead_letters: {topic: dead}\n";
    let planned = |text: &str| {
        let folder = folder(&[("topology.yaml", text), ("order.json", "{\"title\": \"Order\"}")]);
        let what = What {
            topology: folder.path().to_owned(),
            output: Output::Text,
        };
        let command = SchemasCommand {
            command: Command::Plan(Plan { what }),
        };
        printed(|terminal| command.run(terminal))
    };
    let nothing = planned(PLAIN);
    assert!(
        nothing.starts_with("! note: this topology registers nothing") && nothing.ends_with("Fine\n"),
        "{nothing}"
    );
    let framed = PLAIN.replace("topic: out}", "topic: out, codec: json_schema, schema: order.json}");
    let lacks = planned(&framed);
    assert!(
        lacks.contains("needs a schema registry") && lacks.ends_with("Failed\n"),
        "{lacks}"
    );
}
