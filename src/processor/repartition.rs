//! `repartition`: passes records through a topic, by a key. What comes after it is another sub-topology.

use super::{Context, Definition, Failure, Processor, Reading, Through, kind, read};
use crate::codec;
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::yaml::{self, Fields};
use std::sync::Arc;

#[derive(Clone)]
struct Repartition {
    key: Option<Expression>,
    through: Through,
}

/// Reads `{topic: name, key: = expression, partitions: n, codec: ...}`; without `key` a record keeps its key.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let topic = fields.required("topic", yaml::text);
    let key = fields.optional("key", read::expression(reading));
    if let Some(key) = &key {
        let help = "a key leaves in the open, and stays in the topic: take another";
        let secrets = key.secrets_read(reading.secrets).into_iter();
        fields.mistakes.extend(secrets.map(|mistake| mistake.help(help)));
    }
    let partitions = fields.optional("partitions", yaml::integer(1..=10_000));
    let partitions = partitions.and_then(|partitions| i32::try_from(partitions).ok());
    let codec = fields.optional("codec", codec::read);
    let through = Through {
        topic: topic?,
        partitions,
        codec: codec.unwrap_or_default(),
    };
    Some(Arc::new(Repartition { key, through }))
}

impl Definition for Repartition {
    fn type_name(&self) -> &'static str {
        "repartition"
    }

    fn through(&self) -> Option<Through> {
        Some(self.through.clone())
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Repartition {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let Some(expression) = &self.key else {
            context.forward(*record);
            return Ok(());
        };
        let scope = Scope {
            arena: context.arena(),
            record,
        };
        let key = super::evaluate(expression, &scope)?;
        let Some(key) = super::key("key", key)? else {
            let message = format!("the key to partition `{}` by is absent", self.through.topic);
            return Err(Failure::new(kind::MISSING_KEY, message));
        };
        context.forward(Record {
            key: Some(key),
            ..*record
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::codec::Codecs;
    use crate::processor::testing::{FakeContext, definition, mistakes, processor, record, try_definition};
    use crate::processor::{Through, kind};
    use bumpalo::Bump;
    use std::path::Path;

    #[test]
    fn it_goes_through_its_topic_and_keeps_the_key_unless_one_is_given() {
        let definition = definition("{type: repartition, topic: t, partitions: 6}");
        assert_eq!(
            definition.through(),
            Some(Through {
                topic: "t".into(),
                partitions: Some(6),
                codec: Codecs::default(),
            })
        );
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        definition
            .build()
            .process(record("{}", &arena), &mut context)
            .expect("passed");
        let mut keyed = processor("{type: repartition, topic: t, key: = event.id}");
        keyed
            .process(record(r#"{"id":"äh"}"#, &arena), &mut context)
            .expect("passed");
        keyed
            .process(record(r#"{"id":12.50}"#, &arena), &mut context)
            .expect("passed");
        let keys: Vec<_> = context
            .forwarded
            .iter()
            .map(|record| record.key.expect("a key").bytes)
            .collect();
        assert_eq!(keys, [&b"k"[..], "äh".as_bytes(), b"12.50"]);
    }

    #[test]
    fn without_the_key_it_asks_for_it_is_a_failure() {
        let arena = Bump::new();
        let mut keyed = processor("{type: repartition, topic: t, key: = event.?id}");
        for (value, kind) in [
            ("{}", kind::MISSING_KEY),
            (r#"{"id":null}"#, kind::MISSING_KEY),
            (r#"{"id":[]}"#, kind::WRONG_TYPE),
        ] {
            let failure = keyed
                .process(record(value, &arena), &mut FakeContext::new(&arena))
                .expect_err("no key");
            assert_eq!(failure.kind, kind, "{value}");
        }
    }

    #[test]
    fn a_secret_is_no_key() {
        let yaml = "{type: repartition, topic: t, key: = event.a.loginToken}";
        let found = try_definition(yaml, Path::new("."), &["logintoken"])
            .err()
            .expect("a mistake");
        assert!(found[0].message.contains("`loginToken` is a secret"), "{found:#?}");
    }

    #[test]
    fn what_is_wrong_is_refused() {
        assert!(mistakes("{type: repartition}")[0].contains("`topic`"));
        assert!(mistakes("{type: repartition, topic: t, partitions: 0}")[0].contains("from 1 to"));
        assert!(mistakes("{type: repartition, topic: t, key: id}")[0].contains("an expression is needed"));
    }
}
