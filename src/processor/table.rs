//! `table`: keeps the latest value of every key in a compacted topic, for others to look up, and passes its records on.
//!
//! It remembers nothing itself: the topic is the table. A row is written in the transaction of its record, under the record's key
//! byte for byte, so a key has its row in the partition of its records.

use super::{Context, Definition, Failure, Kept, Processor, Reading, kind, read};
use crate::codec;
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::value::Value;
use crate::yaml::{self, Fields};
use std::sync::Arc;

#[derive(Clone)]
struct Table {
    kept: Kept,
    delete: Option<Expression>,
}

/// Reads `{topic: name, codec: json, delete: = expression}`. A value that is null removes its row, and so does `delete`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let topic = fields.required("topic", yaml::text);
    let codec = fields.optional("codec", codec::read_value);
    let delete = fields.optional("delete", read::expression(reading));
    let kept = Kept {
        topic: topic?,
        codec: codec.unwrap_or_default(),
    };
    Some(Arc::new(Table { kept, delete }))
}

impl Definition for Table {
    fn type_name(&self) -> &'static str {
        "table"
    }

    fn keeps(&self) -> Option<Kept> {
        Some(self.kept.clone())
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Table {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let Some(key) = record.key else {
            let message = format!("the record has no key, and a row of `{}` needs one", self.kept.topic);
            return Err(Failure::new(kind::MISSING_KEY, message));
        };
        let arena = context.arena();
        let delete = match &self.delete {
            Some(delete) => delete
                .evaluate_bool(&Scope { arena, record })
                .map_err(|error| Failure::of(kind::EXPRESSION, &error))?,
            None => false,
        };
        let row = (!delete && record.value != Value::Null).then_some(record.value);
        context.keep(key, row)?;
        context.forward(*record);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codec;
    use crate::processor::testing::{FakeContext, definition, mistakes, processor, record};
    use crate::processor::{Kept, kind};
    use crate::record::Record;
    use bumpalo::Bump;

    #[test]
    fn a_row_is_the_latest_value_of_its_key_and_the_records_go_on() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut table = processor("{type: table, topic: t, delete: = event.?gone == true}");
        for value in [r#"{"a":1}"#, r#"{"a":2,"gone":false}"#, r#"{"gone":true}"#, "null"] {
            table.process(record(value, &arena), &mut context).expect("kept");
        }
        let rows: Vec<_> = context.kept.iter().map(|(_, row)| row.as_deref()).collect();
        assert_eq!(rows, [Some(r#"{"a":1}"#), Some(r#"{"a":2,"gone":false}"#), None, None]);
        assert!(context.kept.iter().all(|(key, _)| key == "k"));
        assert_eq!(context.values().len(), 4);
    }

    #[test]
    fn its_topic_and_codec_are_known() {
        let kept = |codec| {
            let topic = "t".to_owned();
            Some(Kept { topic, codec })
        };
        assert_eq!(definition("{type: table, topic: t}").keeps(), kept(Codec::Json));
        assert_eq!(
            definition("{type: table, topic: t, codec: int64}").keeps(),
            kept(Codec::Int64)
        );
    }

    #[test]
    fn without_a_key_or_a_condition_it_is_a_failure() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut table = processor("{type: table, topic: t, delete: = event.?gone}");
        let keyless = Record {
            key: None,
            ..*record("{}", &arena)
        };
        let failure = table.process(arena.alloc(keyless), &mut context).expect_err("no key");
        assert_eq!(failure.kind, kind::MISSING_KEY);
        let failure = table
            .process(record(r#"{"gone":"hunter2"}"#, &arena), &mut context)
            .expect_err("no condition");
        assert_eq!(failure.kind, kind::EXPRESSION);
        assert!(!failure.message.contains("hunter2"));
        assert!(context.kept.is_empty() && context.forwarded.is_empty());
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert!(mistakes("{type: table}")[0].contains("has no `topic`"));
        assert!(mistakes("{type: table, topic: t, delete: yes}")[0].contains("an expression is needed"));
        assert!(mistakes("{type: table, topic: t, codec: {value: json}}")[0].contains("one of json, string"));
    }
}
