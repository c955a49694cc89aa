//! Traces through the production task and transaction code: what is handed on, and when there is a span of what.

mod world;

use crate::broker::Reaction;
use crate::broker::memory::{Fault, Operation, Point, When};
use crate::observe::traces::collector::{Arrived, Collector};
use crate::observe::traces::{Exporter, Parent, Settings, TRACEPARENT, TRACESTATE, Traces};
use std::time::Duration;
use world::World;

const SAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const UNSAMPLED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";

/// The spans of what runs in `does`.
fn exported(does: impl FnOnce(&mut World)) -> Vec<Arrived> {
    let collector = Collector::start();
    let exporter = Exporter::start(&Settings::to(&collector.endpoint()), "shop", "a").unwrap();
    let mut world = World::new(exporter.traces());
    does(&mut world);
    exporter.stop();
    collector.spans()
}

fn header_of(span: &Arrived) -> Option<String> {
    Some(format!("00-{}-{}-01", span.trace, span.id))
}

#[test]
fn without_an_exporter_a_trace_is_handed_on_as_it_came_to_all_that_is_made_of_a_record() {
    for traceparent in [SAMPLED, UNSAMPLED, &SAMPLED.replace("00-4", "cc-4")] {
        let mut world = World::new(Traces::off());
        world.order("1", &[("other", "x"), (TRACEPARENT, traceparent), (TRACESTATE, "a=1")]);
        world.run();
        for topic in ["latest", "middle", "out"] {
            assert_eq!(world.traceparent(topic).as_deref(), Some(traceparent), "{topic}");
            assert_eq!(world.header(topic, TRACESTATE).as_deref(), Some("a=1"), "{topic}");
            assert_eq!(world.header(topic, "other"), None, "{topic}");
        }
    }
}

#[test]
fn what_is_no_trace_is_not_handed_on_and_makes_nothing_fail() {
    let wrong = SAMPLED.to_uppercase();
    for headers in [
        &[][..],
        &[(TRACEPARENT, "x"), (TRACESTATE, "a=1")],
        &[(TRACEPARENT, &wrong)],
    ] {
        let spans = exported(|world| {
            world.order("1", headers);
            world.run();
            for topic in ["latest", "middle", "out"] {
                assert_eq!(world.one(topic).headers, [], "{topic}");
            }
            assert!(world.broker.committed_records("dead").is_empty());
        });
        assert_eq!(spans, []);
    }
}

#[test]
fn spans_of_two_stages_are_linked_by_the_topic_between_them() {
    let mut handed = [None, None, None];
    let spans = exported(|world| {
        world.order("1", &[(TRACEPARENT, SAMPLED), (TRACESTATE, "a=1")]);
        world.run();
        handed = ["latest", "middle", "out"].map(|topic| world.traceparent(topic));
        assert_eq!(world.header("out", TRACESTATE).as_deref(), Some("a=1"));
    });
    let [first, second] = spans.as_slice() else {
        panic!("{spans:#?}")
    };
    assert_eq!(
        (first.name.as_str(), second.name.as_str()),
        ("process orders", "process middle")
    );
    assert_eq!(first.parent, "00f067aa0ba902b7");
    assert_eq!(second.parent, first.id);
    assert!(
        spans
            .iter()
            .all(|span| span.trace == "4bf92f3577b34da6a3ce929d0e0e4736" && span.status.0 == 0)
    );
    assert_eq!(first.attributes["millstream.sub_topology"], "intake");
    assert_eq!(second.attributes["millstream.sub_topology"], "again");
    assert_eq!(handed, [header_of(first), header_of(first), header_of(second)]);
}

#[test]
fn what_is_not_sampled_is_handed_on_as_it_came_and_has_no_span() {
    let spans = exported(|world| {
        world.order("1", &[(TRACEPARENT, UNSAMPLED)]);
        world.run();
        assert_eq!(world.traceparent("out").as_deref(), Some(UNSAMPLED));
    });
    assert_eq!(spans, []);
}

#[test]
fn headers_of_a_sink_stay_and_those_that_it_gives_of_a_trace_go_before() {
    let mut world = World::new(Traces::off());
    world.order("marked", &[(TRACEPARENT, SAMPLED)]);
    world.order("own", &[(TRACEPARENT, SAMPLED), (TRACESTATE, "a=1")]);
    world.run();
    assert_eq!(world.header("marked", "kind").as_deref(), Some("order"));
    assert_eq!(world.traceparent("marked").as_deref(), Some(SAMPLED));
    // What came through the topic in the middle, and no tracestate that may belong to another.
    assert_eq!(world.traceparent("own").as_deref(), Some(SAMPLED));
    assert_eq!(world.header("own", TRACESTATE), None);
}

#[test]
fn a_dead_letter_keeps_its_headers_and_its_span_says_why_and_nothing_of_the_record() {
    let mut kept = None;
    let spans = exported(|world| {
        world.write("secret nonsense", &[(TRACEPARENT, SAMPLED), ("other", "x")]);
        world.run();
        kept = world.traceparent("dead");
        assert_eq!(world.header("dead", "other").as_deref(), Some("x"));
    });
    assert_eq!(kept.as_deref(), Some(SAMPLED));
    let [span] = spans.as_slice() else { panic!("{spans:#?}") };
    assert_eq!(span.status, (2, "decode in intake".to_owned()));
    assert_eq!(span.attributes["error.type"], "decode");
    assert!(!format!("{span:?}").contains("secret"));
}

/// The first call of `operation` fails so.
fn fail_once(world: &World, operation: Operation, when: When, fault: Fault) {
    let mut faults = Some(fault);
    let fail = move |point: &Point<'_>| {
        let strikes = point.operation == operation && point.when == when;
        strikes.then(|| faults.take()).flatten()
    };
    world.broker.set_faults(Some(Box::new(fail)));
}

#[test]
fn of_a_transaction_that_is_aborted_there_is_no_span_and_its_repeat_gives_the_same_ids() {
    let undisturbed = exported(|world| {
        world.order("1", &[(TRACEPARENT, SAMPLED)]);
        world.run();
    });
    for (operation, when, fault) in [
        (Operation::Flush, When::Before, Fault::Fail(Reaction::Abort)),
        (Operation::SendOffsets, When::Before, Fault::Fail(Reaction::Abort)),
        (Operation::Commit, When::Before, Fault::Fail(Reaction::Abort)),
        (Operation::Commit, When::Before, Fault::Fail(Reaction::Rebuild)),
        // It is called again, and nothing comes of it twice.
        (Operation::Commit, When::After, Fault::Fail(Reaction::Retry)),
    ] {
        let disturbed = exported(|world| {
            fail_once(world, operation, when, fault);
            world.order("1", &[(TRACEPARENT, SAMPLED)]);
            world.run();
            let counts = world.worker.counts();
            let hit = counts.aborts.values().sum::<u64>() + counts.rebuilds;
            assert_eq!(
                hit == 0,
                fault == Fault::Fail(Reaction::Retry),
                "{operation:?} {fault:?}"
            );
        });
        // The record in the middle is another one, with an offset of its own, where the first one's transaction was aborted.
        let [first, second] = disturbed.as_slice() else {
            panic!("{operation:?} {when:?} {fault:?}: {disturbed:#?}")
        };
        assert_eq!(first.id, undisturbed[0].id, "{operation:?} {when:?} {fault:?}");
        assert_eq!(second.parent, first.id, "{operation:?} {when:?} {fault:?}");
    }
}

#[test]
fn nothing_is_handed_over_before_the_commit() {
    let spans = exported(|world| {
        fail_once(world, Operation::Commit, When::Before, Fault::Fail(Reaction::Fatal));
        world.order("1", &[(TRACEPARENT, SAMPLED)]);
        let failed = (0..1_000).find_map(|_| {
            world.now += Duration::from_millis(1);
            world.worker.step(world.now).err()
        });
        assert!(failed.is_some());
    });
    assert_eq!(spans, []);
}

#[test]
fn a_collector_that_is_away_changes_nothing_of_what_comes_out() {
    let shown = crate::observe::metrics::tests::recorded(|| {
        // Nobody is given that port by chance.
        let settings = Settings::to("http://127.0.0.1:9");
        let exporter = Exporter::start(&settings, "shop", "a").unwrap();
        let mut world = World::new(exporter.traces());
        for number in 0..100 {
            world.order(&number.to_string(), &[(TRACEPARENT, SAMPLED)]);
        }
        world.run();
        assert_eq!(world.broker.committed_records("out").len(), 100);
        exporter.stop();
    });
    let text = shown.render();
    assert!(
        text.contains("millstream_spans_dropped_total{reason=\"collector\"} 200\n"),
        "{text}"
    );
}

#[test]
fn each_output_names_a_span_that_there_is() {
    let mut named = Vec::new();
    let spans = exported(|world| {
        for number in 0..50 {
            world.order(&number.to_string(), &[(TRACEPARENT, SAMPLED)]);
        }
        world.run();
        let records = world.broker.committed_records("out");
        named = records
            .into_iter()
            .map(|record| record.headers[0].1.clone().unwrap())
            .collect();
    });
    assert_eq!((named.len(), spans.len()), (50, 100));
    for header in named {
        let id = Parent::read(&header).unwrap().span;
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(
            spans.iter().any(|span| span.id == id && span.name == "process middle"),
            "{id}"
        );
    }
}
