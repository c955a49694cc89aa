//! What is planned and done, against a registry that a test makes.

use super::testing::{Fake, of, schema};
use super::*;
use crate::registry::Registry;

fn verdicts(wanted: Vec<Wanted>, registry: &Fake) -> Vec<Verdict> {
    let planned = plan(wanted, registry).unwrap();
    planned.into_iter().map(|planned| planned.verdict).collect()
}

fn applied(wanted: Vec<Wanted>, registry: &Fake) -> (Vec<u32>, Result<(), RegistryError>) {
    let mut ids = Vec::new();
    let planned = plan(wanted, registry).unwrap();
    let outcome = apply(&planned, registry, &mut |_, id| ids.push(id));
    (ids, outcome)
}

#[test]
fn each_schema_is_new_the_same_compatible_or_breaks_something() {
    let level = Level::Backward { transitive: false };
    let registry = Fake {
        level: Some(level),
        ..Fake::default()
    };
    for subject in ["a", "b", "c"] {
        registry.register(subject, &schema("1")).unwrap();
    }
    let wanted = vec![
        of("a", "1"),
        of("b", "2"),
        of("c", "breaks"),
        of("d", "1"),
        of("e", "unreadable"),
    ];
    assert_eq!(
        verdicts(wanted, &registry),
        [
            Verdict::Same { version: 1, id: 1 },
            Verdict::Compatible { version: 1, level },
            Verdict::Breaks {
                version: 1,
                level,
                words: vec!["the registry: something at /fields/0".to_owned()],
            },
            Verdict::New,
            Verdict::Refused("422: it can't be read".to_owned()),
        ]
    );
}

#[test]
fn nothing_is_registered_while_one_of_them_would_break_something() {
    let registry = Fake::default();
    registry.register("c", &schema("1")).unwrap();
    assert_eq!(
        applied(vec![of("a", "1"), of("c", "breaks")], &registry),
        (vec![], Ok(()))
    );
    assert!(registry.of("a").is_empty());
}

#[test]
fn what_is_registered_once_is_the_same_from_then_on() {
    let registry = Fake::default();
    let wanted = || vec![of("a", "1"), of("b", "1")];
    assert_eq!(applied(wanted(), &registry), (vec![1, 2], Ok(())));
    assert_eq!(applied(wanted(), &registry), (vec![], Ok(())));
}

#[test]
fn what_failed_half_way_is_finished_by_doing_it_again() {
    let registry = Fake::default();
    let (ids, outcome) = applied(vec![of("a", "1"), of("b", "late"), of("c", "1")], &registry);
    assert_eq!((ids, outcome.is_err()), (vec![1], true));
    assert_eq!(
        applied(vec![of("a", "1"), of("b", "2"), of("c", "1")], &registry),
        (vec![2, 3], Ok(()))
    );
}

#[test]
fn several_new_schemas_of_one_subject_are_refused_as_nobody_tested_them_against_each_other() {
    let registry = Fake::default();
    let found = verdicts(vec![of("a", "1"), of("a", "2"), of("b", "1")], &registry);
    assert!(
        found[0].forbids() && found[1].forbids() && found[2] == Verdict::New,
        "{found:?}"
    );
    registry.register("a", &schema("1")).unwrap();
    let found = verdicts(vec![of("a", "1"), of("a", "2")], &registry);
    assert!(!found.iter().any(Verdict::forbids), "{found:?}");
}
