//! `filter`: passes records on which a condition holds.

use super::{Context, Definition, Failure, Processor, Reading, count, kind, read};
use crate::expression::{Expression, Scope};
use crate::record::Record;
use crate::value::Value;
use crate::yaml::{self, Fields};
use std::sync::Arc;

#[derive(Clone)]
struct Filter {
    name: Arc<str>,
    condition: Expression,
    otherwise: Otherwise,
}

#[derive(Clone, Copy)]
enum Otherwise {
    Drop,
    DeadLetter,
}

/// Reads `{where: = condition, otherwise: drop | dead_letter}`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let ways = yaml::word(&[("drop", Otherwise::Drop), ("dead_letter", Otherwise::DeadLetter)]);
    let condition = fields.required("where", read::expression(reading));
    let otherwise = fields.optional("otherwise", ways).unwrap_or(Otherwise::Drop);
    Some(Arc::new(Filter {
        name: Arc::from(reading.name),
        condition: condition?,
        otherwise,
    }))
}

impl Definition for Filter {
    fn type_name(&self) -> &'static str {
        "filter"
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Filter {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let scope = Scope {
            arena: context.arena(),
            record,
        };
        let holds = match super::evaluate(&self.condition, &scope)? {
            Some(Value::Bool(holds)) => holds,
            // an absent condition does not hold, so that `event.?flag` is one
            None => false,
            Some(other) => return Err(Failure::wrong_type("where", "a boolean", other)),
        };
        match (holds, self.otherwise) {
            (true, _) => context.forward(*record),
            (false, Otherwise::Drop) => context.count(count::FILTERED),
            (false, Otherwise::DeadLetter) => {
                let message = format!("the condition of filter {} does not hold", self.name);
                return Err(Failure::new(kind::REJECTED, message));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::processor::testing::{FakeContext, mistakes, processor, record};
    use crate::processor::{count, kind};
    use crate::record::Key;
    use bumpalo::Bump;

    #[test]
    fn records_pass_where_the_condition_holds_and_are_counted_where_not() {
        let arena = Bump::new();
        let mut context = FakeContext::new(&arena);
        let mut filter = processor("{type: filter, where: = event.?on}");
        for value in [r#"{"on":true}"#, r#"{"on":false}"#, "{}"] {
            filter.process(record(value, &arena), &mut context).expect("filtered");
        }
        assert_eq!(context.values(), [r#"{"on":true}"#]);
        assert_eq!(context.counted(count::FILTERED), 2, "an absent condition does not hold");
        assert_eq!(context.forwarded[0].key, Some(Key::raw(b"k")));
    }

    #[test]
    fn the_rest_can_go_to_the_dead_letters() {
        let arena = Bump::new();
        let mut filter = processor("{type: filter, where: = event.n > 1, otherwise: dead_letter}");
        let failure = filter
            .process(record(r#"{"n":1}"#, &arena), &mut FakeContext::new(&arena))
            .expect_err("rejected");
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (kind::REJECTED, "the condition of filter under-test does not hold")
        );
    }

    #[test]
    fn a_condition_that_is_no_boolean_or_fails_is_a_failure() {
        let arena = Bump::new();
        let mut filter = processor("{type: filter, where: = event.on}");
        let mut kind_of = |value| {
            let failure = filter
                .process(record(value, &arena), &mut FakeContext::new(&arena))
                .expect_err("no boolean");
            assert!(!failure.message.contains("hunter2"), "{failure}");
            failure.kind
        };
        assert_eq!(kind_of(r#"{"on":"hunter2"}"#), kind::WRONG_TYPE);
        assert_eq!(kind_of(r#"{"on":null}"#), kind::WRONG_TYPE);
        assert_eq!(kind_of("{}"), kind::EXPRESSION);
    }

    #[test]
    fn a_constant_condition_is_refused() {
        assert!(mistakes("{type: filter, where: true}")[0].contains("an expression is needed"));
        assert!(mistakes("{type: filter, where: = 1 +}")[0].starts_with("topology.yaml:1:"));
        assert!(mistakes("{type: filter, where: = true, otherwise: pass}")[0].contains("not known here"));
    }
}
