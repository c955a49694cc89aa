//! `dedupe`: drops a record whose id was seen within a window of event time.
//!
//! Ids are remembered as 128 bits ([`identity`]). A record must come with the same key as its duplicates, for a task
//! remembers only what it saw.
//!
//! An id that is unique only beside something else, such as a sender, is given as a list of parts that ends with it. The
//! last part must be there; any other may be absent, which is a part like any other.

use super::{Context, Definition, Failure, Processor, Reading, count, identity, kind, read};
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::state::{Remembered, StoreKind, StoreSpec};
use crate::value::Value;
use crate::yaml::{self, Fields};
use std::sync::Arc;
use std::time::Duration;

/// The longest id that a hash is made of. An id is a name, not a document.
const LONGEST_ID: usize = 4096;

#[derive(Clone)]
struct Dedupe {
    name: Arc<str>,
    /// The parts before the last.
    beside: Vec<Expression>,
    /// The last part, or the whole id.
    id: Expression,
    parts: identity::Parts,
    time: Option<Expression>,
    window: Duration,
}

/// Reads `{id: = expression, window: 7d, time: = expression}`; `id` may be a list of expressions; without `time`, the record's
/// timestamp is the event time.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let id = fields.required("id", yaml::one_or_many(read::expression(reading)));
    let window = fields.required("window", yaml::duration);
    let time = fields.optional("time", read::expression(reading));
    let mut beside = id?;
    let id = beside.pop()?;
    Some(Arc::new(Dedupe {
        name: Arc::from(reading.name),
        beside,
        id,
        parts: identity::Parts::default(),
        time,
        window: window?,
    }))
}

impl Definition for Dedupe {
    fn type_name(&self) -> &'static str {
        "dedupe"
    }

    fn stores(&self) -> Vec<StoreSpec> {
        let kind = StoreKind::Ids { window: self.window };
        vec![StoreSpec {
            name: self.name.as_ref().to_owned(),
            kind,
        }]
    }

    fn id(&self, parts: &[Option<&str>]) -> Result<u128, String> {
        let expected = self.beside.len() + 1;
        if parts.len() != expected {
            return Err(format!("the id has {expected} parts, and here are {}", parts.len()));
        }
        match parts {
            [.., None | Some("")] => Err("the last part of an id can't be absent or empty".to_owned()),
            [Some(id)] => Ok(identity::of(id)),
            parts => {
                let mut written = identity::Parts::default();
                parts.iter().for_each(|part| written.push(*part));
                Ok(written.bits())
            }
        }
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Dedupe {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let scope = Scope {
            arena: context.arena(),
            record,
        };
        let id = self.bits(&scope)?;
        let time = match &self.time {
            Some(time) => event_time(super::evaluate(time, &scope)?)?.unwrap_or(record.timestamp),
            None => record.timestamp,
        };
        match context.remember(0, id, time) {
            Remembered::New => context.forward(*record),
            Remembered::Late => {
                context.count(count::LATE);
                context.forward(*record);
            }
            Remembered::Duplicate => context.count(count::DUPLICATE),
        }
        Ok(())
    }
}

impl Dedupe {
    /// What the record's id is remembered by.
    fn bits(&mut self, scope: &Scope<'_>) -> Result<u128, Failure> {
        let Some(id) = part(&self.id, scope)?.filter(|id| !id.is_empty()) else {
            let message = "the id to tell duplicates by is absent or empty";
            return Err(Failure::new(kind::MISSING_ID, message));
        };
        if self.beside.is_empty() {
            return Ok(identity::of(id));
        }
        self.parts.clear();
        for expression in &self.beside {
            self.parts.push(part(expression, scope)?);
        }
        self.parts.push(Some(id));
        Ok(self.parts.bits())
    }
}

/// An id, or a part of one. `None`: absent or null.
fn part<'a>(expression: &Expression, scope: &Scope<'a>) -> Result<Option<&'a str>, Failure> {
    let text = super::word("id", super::evaluate(expression, scope)?)?;
    match text.map(str::len) {
        Some(length) if length > LONGEST_ID => {
            let message = format!("the id is {length} bytes long; at most {LONGEST_ID} are an id");
            Err(Failure::new(kind::WRONG_TYPE, message))
        }
        _ => Ok(text),
    }
}

/// Milliseconds since the epoch, of RFC 3339 text, or of such a number as it is. `None`: absent.
fn event_time(value: Option<Value<'_>>) -> Result<Option<i64>, Failure> {
    let read = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(value @ (Value::String(_) | Value::Number(_))) => value.as_milliseconds(),
        Some(other) => return Err(Failure::wrong_type("time", "a text or a number", other)),
    };
    match read {
        Some(time) => Ok(Some(time)),
        None => {
            let message =
                "the event time is neither RFC 3339, as 2024-05-22T05:55:57.695Z, nor milliseconds since 1970";
            Err(Failure::new(kind::INVALID_TIME, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processor::testing::{FakeContext, definition, mistakes, processor, record};
    use bumpalo::Bump;

    const UUID: &str = "6d2be0b1-b53c-4e0a-9f5c-b0a7dd4a1f3e";

    #[test]
    fn it_has_a_store_of_its_name_and_window() {
        let stores = definition("{type: dedupe, id: = event.id, window: 7d}").stores();
        let kind = StoreKind::Ids {
            window: Duration::from_secs(7 * 86_400),
        };
        assert_eq!(
            stores,
            [StoreSpec {
                name: "under-test".into(),
                kind
            }]
        );
    }

    #[test]
    fn new_and_late_ids_pass_and_duplicates_are_dropped_and_counted() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut dedupe = processor("{type: dedupe, id: = event.id, window: 7d}");
        for (next, id) in [
            (Remembered::New, "a"),
            (Remembered::Duplicate, "b"),
            (Remembered::Late, "c"),
        ] {
            context.next = next;
            dedupe
                .process(record(&format!(r#"{{"id":"{id}"}}"#), &arena), &mut context)
                .expect("an id");
        }
        assert_eq!(context.values(), [r#"{"id":"a"}"#, r#"{"id":"c"}"#]);
        assert_eq!(
            (context.counted(count::DUPLICATE), context.counted(count::LATE)),
            (1, 1)
        );
    }

    #[test]
    fn an_id_of_several_parts_is_all_of_them_and_only_the_last_must_be_there() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut dedupe = processor("{type: dedupe, id: [= event.?env, = event.?from.?feed, = event.?id], window: 7d}");
        let mut remembered = |value: &str| {
            dedupe.process(record(value, &arena), &mut context).map(|()| {
                let (_, bits, _) = context.remembered.pop().expect("remembered");
                bits
            })
        };
        let different = [
            r#"{"id":"1"}"#,
            r#"{"env":"prod","id":"1"}"#,
            r#"{"env":"dev","id":"1"}"#,
            r#"{"env":"prod","from":{"feed":"a"},"id":"1"}"#,
            r#"{"from":{"feed":"prod"},"id":"1"}"#,
            r#"{"env":"prod","from":{"feed":"a"},"id":"2"}"#,
            r#"{"env":"","from":{"feed":"a"},"id":"2"}"#,
            r#"{"env":"proda","from":{"feed":""},"id":"2"}"#,
        ];
        let bits: std::collections::BTreeSet<u128> = different.map(|value| remembered(value).expect(value)).into();
        assert_eq!(bits.len(), different.len());
        for (one, same) in [
            (r#"{"id":"1"}"#, r#"{"env":null,"from":{},"id":1}"#),
            (r#"{"env":"7","id":"1"}"#, r#"{"env":7,"from":null,"id":"1"}"#),
        ] {
            assert_eq!(remembered(one), remembered(same), "{one} {same}");
        }
        let long = format!(r#"{{"env":"{}","id":"1"}}"#, "x".repeat(LONGEST_ID + 1));
        for (value, kind) in [
            (r#"{"env":"prod"}"#, kind::MISSING_ID),
            (r#"{"env":"prod","id":""}"#, kind::MISSING_ID),
            (r#"{"env":{},"id":"1"}"#, kind::WRONG_TYPE),
            (&long, kind::WRONG_TYPE),
        ] {
            assert_eq!(remembered(value).expect_err(value).kind, kind, "{value}");
        }
    }

    #[test]
    fn an_id_by_hand_is_the_one_of_a_record() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut remembered = |id: &str, value: &str| {
            let yaml = format!("{{type: dedupe, id: {id}, window: 7d}}");
            let record = record(value, &arena);
            processor(&yaml).process(record, &mut context).expect("an id");
            let (_, bits, _) = context.remembered.pop().expect("remembered");
            (definition(&yaml), bits)
        };
        let (one, bits) = remembered("= event.id", r#"{"id":"order-1"}"#);
        assert_eq!(one.id(&[Some("order-1")]), Ok(bits));
        let (three, bits) = remembered("[= event.?a, = event.?b, = event.id]", r#"{"a":"","id":7}"#);
        assert_eq!(three.id(&[Some(""), None, Some("7")]), Ok(bits));
        assert!(three.id(&[Some("7")]).unwrap_err().contains("has 3 parts"));
        assert!(three.id(&[Some("a"), None, None]).unwrap_err().contains("last part"));
        assert!(one.id(&[Some("")]).unwrap_err().contains("last part"));
    }

    #[test]
    fn a_list_of_one_part_is_that_id() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut dedupe = processor("{type: dedupe, id: [= event.id], window: 7d}");
        dedupe
            .process(record(&format!(r#"{{"id":"{UUID}"}}"#), &arena), &mut context)
            .expect("an id");
        assert_eq!(context.remembered[0].1, identity::of(UUID));
    }

    #[test]
    fn an_id_is_remembered_at_the_event_time() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut dedupe = processor("{type: dedupe, id: = event.id, window: 1h, time: = event.?at}");
        for at in [
            r#""2024-05-22T05:55:57.695Z""#,
            "1716357357695",
            "null",
            r#""2024-05-22T07:55:57.695+02:00""#,
        ] {
            let value = format!(r#"{{"id":"{UUID}","at":{at}}}"#);
            dedupe.process(record(&value, &arena), &mut context).expect("an id");
        }
        dedupe
            .process(record(r#"{"id":7}"#, &arena), &mut context)
            .expect("an id");
        let id = 0x6d2b_e0b1_b53c_4e0a_9f5c_b0a7_dd4a_1f3e;
        let expected = [
            (0, id, 1_716_357_357_695),
            (0, id, 1_716_357_357_695),
            (0, id, 1000),
            (0, id, 1_716_357_357_695),
        ];
        assert_eq!(context.remembered[..4], expected);
        assert_eq!(context.remembered[4], (0, identity::of("7"), 1000));
    }

    #[test]
    fn without_an_id_or_with_no_time_it_is_a_failure_and_nothing_is_remembered() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut dedupe = processor("{type: dedupe, id: = event.?id, window: 7d, time: = event.?at}");
        let long = format!(r#"{{"id":"{}"}}"#, "x".repeat(LONGEST_ID + 1));
        for (value, kind) in [
            ("{}", kind::MISSING_ID),
            (r#"{"id":null}"#, kind::MISSING_ID),
            (r#"{"id":""}"#, kind::MISSING_ID),
            (r#"{"id":{}}"#, kind::WRONG_TYPE),
            (&long, kind::WRONG_TYPE),
            (r#"{"id":"a","at":"hunter2"}"#, kind::INVALID_TIME),
            (r#"{"id":"a","at":1.5}"#, kind::INVALID_TIME),
            (r#"{"id":"a","at":1e400}"#, kind::INVALID_TIME),
            (r#"{"id":"a","at":true}"#, kind::WRONG_TYPE),
        ] {
            let failure = dedupe.process(record(value, &arena), &mut context).expect_err(value);
            assert_eq!(failure.kind, kind, "{value}");
            assert!(!failure.message.contains("hunter2"), "{failure}");
        }
        assert!(context.remembered.is_empty() && context.forwarded.is_empty());
    }

    #[test]
    fn what_is_wrong_is_refused_all_at_once() {
        let found = mistakes("{type: dedupe, windwo: 7d}");
        assert_eq!(found.len(), 3, "no id, no window, an unknown key: {found:#?}");
        let found = mistakes("{type: dedupe, id: [], window: 7d}");
        assert!(found[0].contains("this list is empty"), "{found:#?}");
        let found = mistakes("{type: dedupe, id: [= event.a, prod, = event.], window: 7d}");
        assert_eq!(found.len(), 2, "a constant, and no expression: {found:#?}");
    }
}
