//! `map`: makes records of a record, by a mapping.

use super::{Context, Definition, Failure, Processor, Reading, count, kind, read};
use crate::mapping::Mapping;
use crate::record::Record;
use crate::value::SecretNames;
use crate::yaml::Fields;
use std::sync::Arc;

#[derive(Clone)]
struct Map {
    mapping: Mapping,
}

/// Reads `{mapping: path or inline}`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let mapping = fields.required("mapping", |node, mistakes| {
        read::Mappings::new(reading).read(node, mistakes)
    })?;
    Some(Arc::new(Map { mapping }))
}

impl Definition for Map {
    fn type_name(&self) -> &'static str {
        "map"
    }

    fn carries(&self, names: &SecretNames) -> Vec<String> {
        self.mapping.carries(names)
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Map {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        apply(&self.mapping, record, context)
    }
}

/// Forwards what a mapping makes of a record; nothing is counted as filtered.
pub(super) fn apply<'a>(
    mapping: &Mapping,
    record: &'a Record<'a>,
    context: &mut dyn Context<'a>,
) -> Result<(), Failure> {
    let mut any = false;
    let arena = context.arena();
    let mut emit = |output| {
        any = true;
        context.forward(output);
    };
    mapping
        .apply(record, arena, &mut emit)
        .map_err(|error| Failure::of(kind::MAPPING, &error))?;
    if !any {
        context.count(count::FILTERED);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::processor::testing::{FakeContext, mistakes, processor, record};
    use crate::processor::{count, kind};
    use bumpalo::Bump;

    const EACH: &str =
        "{type: map, mapping: {each: {user: '= event.users'}, where: '= event.on', output: {id: = user.id}}}";

    #[test]
    fn a_mapping_makes_as_many_records_as_it_says() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut map = processor(EACH);
        map.process(
            record(r#"{"on":true,"users":[{"id":"a"},{"id":"b"}]}"#, &arena),
            &mut context,
        )
        .expect("mapped");
        assert_eq!(context.values(), [r#"{"id":"a"}"#, r#"{"id":"b"}"#]);
        assert_eq!(context.counted(count::FILTERED), 0);
    }

    #[test]
    fn no_output_is_counted_as_filtered() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut map = processor(EACH);
        map.process(record(r#"{"on":false,"users":[{"id":"a"}]}"#, &arena), &mut context)
            .expect("filtered");
        map.process(record(r#"{"on":true,"users":[]}"#, &arena), &mut context)
            .expect("filtered");
        assert!(context.forwarded.is_empty());
        assert_eq!(context.counted(count::FILTERED), 2);
    }

    #[test]
    fn a_failure_names_the_expression_its_place_and_types() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let failure = processor("{type: map, mapping: {output: {a: = event.b.c}}}")
            .process(record(r#"{"b":"hunter2"}"#, &arena), &mut context)
            .expect_err("no member of a text");
        assert_eq!(failure.kind, kind::MAPPING);
        assert!(
            failure.message.contains("event.b.c") && failure.message.contains("topology.yaml:1:"),
            "{failure}"
        );
        assert!(!failure.message.contains("hunter2"), "{failure}");
        assert!(failure.detail.is_some_and(|detail| detail.contains("topology.yaml:1:")));
    }

    #[test]
    fn a_mapping_that_is_not_there_or_wrong_is_refused() {
        assert!(mistakes("{type: map, mapping: missing.yaml}")[0].contains("no file `missing.yaml`"));
        assert!(mistakes("{type: map, mapping: ../x.yaml}")[0].contains("not inside the topology's folder"));
        assert!(!mistakes("{type: map, mapping: {outptu: {}}}").is_empty());
    }
}
