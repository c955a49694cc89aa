//! Examples of messages: what the cases of a topology make.

use crate::codec::Schemas;
use crate::expression::Scope;
use crate::record::{Origin, Record};
use crate::testkit;
use crate::testkit::case::Case;
use crate::topology::{Sink, Topology};
use crate::value::parse;
use bumpalo::Bump;
use serde_json::{Value, json};
use std::sync::Arc;

/// How many examples a message has.
const MOST: usize = 2;

/// What came out of cases, in their order.
#[derive(Clone, Debug, Default)]
pub struct Examples(Vec<Example>);

#[derive(Clone, Debug)]
struct Example {
    case: String,
    topic: String,
    /// A document, as JSON.
    value: String,
}

impl Examples {
    /// Runs the cases, and keeps what comes out.
    pub fn of_cases(topology: &Arc<Topology>, cases: &[Case]) -> Self {
        let of_case = |case: &Case| {
            let outputs = testkit::outputs(topology, case);
            let name = case.name.clone();
            let example = move |(topic, value)| Example {
                case: name.clone(),
                topic,
                value,
            };
            outputs.into_iter().map(example).collect::<Vec<_>>()
        };
        Self(cases.iter().flat_map(of_case).collect())
    }

    /// Those of a message of a sink, as AsyncAPI has them.
    pub(super) fn of(&self, sink: &Sink, message: &str) -> Vec<Value> {
        let topics = sink.topic.topics();
        let written = self.0.iter().filter(|example| topics.contains(&example.topic));
        let fitting = written.filter(|example| match &sink.format.value.schemas {
            Schemas::By(by, _) => named(by, &example.value).as_deref() == Some(message),
            Schemas::None | Schemas::One(_) => true,
        });
        let mut examples = Vec::new();
        for example in fitting {
            let Ok(payload) = serde_json::from_str::<Value>(&example.value) else {
                continue;
            };
            if examples.iter().all(|known: &Value| known["payload"] != payload) {
                examples.push(json!({"name": example.case, "payload": payload}));
            }
            if examples.len() == MOST {
                break;
            }
        }
        examples
    }
}

/// The name that an expression gives of a document.
fn named(by: &crate::expression::Expression, document: &str) -> Option<String> {
    let arena = Bump::new();
    let record = Record {
        key: None,
        value: parse(document.as_bytes(), &arena).ok()?,
        headers: &[],
        timestamp: 0,
        origin: Origin {
            topic: "",
            partition: 0,
            offset: 0,
        },
    };
    let scope = Scope {
        arena: &arena,
        record: arena.alloc(record),
    };
    by.evaluate_text(&scope).ok().flatten().map(str::to_owned)
}
