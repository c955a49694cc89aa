//! `switch`: what becomes of a record is decided by a word in it, such as an event's type.

#[cfg(test)]
mod tests;

use super::{Context, Definition, Failure, Processor, Reading, count, kind, map, read};
use crate::expression::{Expression, Scope};
use crate::mapping::Mapping;
use crate::record::Record;
use crate::value::{SecretNames, Value};
use crate::yaml::{self, Fields, Kind, Mistakes, Node};
use ahash::AHashMap;
use std::sync::Arc;

/// The longest word that a failure repeats, in characters.
const LONGEST_SHOWN: usize = 100;

const OTHERWISE: &str = "otherwise";

#[derive(Clone)]
struct Switch {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    by: Expression,
    /// Whether the word met may be a secret, and stands in no message.
    secret: bool,
    /// From a case's word to its index in `cases`.
    index: AHashMap<String, usize>,
    cases: Vec<Case>,
    otherwise: Way,
}

struct Case {
    word: String,
    action: Action,
}

enum Action {
    Map(Mapping),
    Go(Way),
}

#[derive(Clone, Copy)]
enum Way {
    Pass,
    Drop,
    DeadLetter,
}

const WAYS: [(&str, Way); 3] = [
    ("pass", Way::Pass),
    ("drop", Way::Drop),
    ("dead_letter", Way::DeadLetter),
];

/// Reads `{by: = expression, cases: {word: {map: path or inline} | pass | drop | dead_letter}, otherwise: ...}`.
pub(super) fn read(fields: &mut Fields<'_>, reading: &Reading<'_>) -> Option<Arc<dyn Definition>> {
    let by = fields.required("by", read::expression(reading));
    let cases = fields.required("cases", |node, mistakes| cases(node, reading, mistakes));
    let otherwise = fields.optional(OTHERWISE, yaml::word(&WAYS)).unwrap_or(Way::DeadLetter);
    let (by, cases) = (by?, cases?);
    let secret = super::is_secret(&by, reading.secrets);
    let index = cases
        .iter()
        .enumerate()
        .map(|(at, case)| (case.word.clone(), at))
        .collect();
    let shared = Shared {
        name: reading.name.to_owned(),
        by,
        secret,
        index,
        cases,
        otherwise,
    };
    Some(Arc::new(Switch {
        shared: Arc::new(shared),
    }))
}

fn cases(node: &Node, reading: &Reading<'_>, mistakes: &mut Mistakes) -> Option<Vec<Case>> {
    // many cases may name one file, which is compiled once
    let mappings = read::Mappings::new(reading);
    let read = yaml::map_of(|node, mistakes| action(node, &mappings, mistakes))(node, mistakes)?;
    if read.is_empty() {
        mistakes.add(
            &node.place,
            "this switch has no case",
            "write at least one, as in {some-type: pass}",
        );
        return None;
    }
    Some(
        read.into_iter()
            .map(|(key, action)| Case {
                word: key.text.clone(),
                action,
            })
            .collect(),
    )
}

fn action(node: &Node, mappings: &read::Mappings<'_>, mistakes: &mut Mistakes) -> Option<Action> {
    if !matches!(node.kind, Kind::Map(_)) {
        return yaml::word(&WAYS)(node, mistakes).map(Action::Go);
    }
    let mut fields = Fields::of("a case of a switch", &node.place, node, mistakes)?;
    let mapping = fields.required("map", |node, mistakes| mappings.read(node, mistakes));
    fields.finish();
    mapping.map(Action::Map)
}

impl Definition for Switch {
    fn type_name(&self) -> &'static str {
        "switch"
    }

    fn carries(&self, names: &SecretNames) -> Vec<String> {
        let cases = self.shared.cases.iter();
        let mappings = cases.filter_map(|case| match &case.action {
            Action::Map(mapping) => Some(mapping),
            Action::Go(_) => None,
        });
        mappings.flat_map(|mapping| mapping.carries(names)).collect()
    }

    fn branches(&self) -> Vec<String> {
        let words = self.shared.cases.iter().map(|case| case.word.as_str());
        words.chain([OTHERWISE]).map(str::to_owned).collect()
    }

    fn build(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Processor for Switch {
    fn process<'a>(&mut self, record: &'a Record<'a>, context: &mut dyn Context<'a>) -> Result<(), Failure> {
        let shared = &*self.shared;
        let scope = Scope {
            arena: context.arena(),
            record,
        };
        let word = match super::evaluate(&shared.by, &scope)? {
            Some(Value::Bool(flag)) => Some(if flag { "true" } else { "false" }),
            other => super::word("by", other)?,
        };
        let at = word.and_then(|word| shared.index.get(word).copied());
        let Some((at, case)) = at.and_then(|at| Some((at, shared.cases.get(at)?))) else {
            context.branch(shared.cases.len());
            return go(shared.otherwise, record, context, || shared.unknown(word));
        };
        context.branch(at);
        match &case.action {
            Action::Map(mapping) => map::apply(mapping, record, context),
            Action::Go(way) => go(*way, record, context, || shared.rejected(&case.word)),
        }
    }
}

fn go<'a>(
    way: Way,
    record: &'a Record<'a>,
    context: &mut dyn Context<'a>,
    failure: impl FnOnce() -> Failure,
) -> Result<(), Failure> {
    match way {
        Way::Pass => context.forward(*record),
        Way::Drop => context.count(count::DROPPED),
        Way::DeadLetter => return Err(failure()),
    }
    Ok(())
}

impl Shared {
    fn unknown(&self, word: Option<&str>) -> Failure {
        let case = match word {
            Some(_) if self.secret => "unknown case (not shown, as it may be a secret)".to_owned(),
            Some(word) => format!("unknown case \"{}\"", yaml::shortened(word, LONGEST_SHOWN)),
            None => "no word to choose a case by: it is absent".to_owned(),
        };
        let many = if self.cases.len() == 1 { "case" } else { "cases" };
        Failure::new(
            kind::UNKNOWN_CASE,
            format!("{case} of switch {}; known: {} {many}", self.name, self.cases.len()),
        )
    }

    fn rejected(&self, word: &str) -> Failure {
        let message = format!("switch {} sends case \"{word}\" to the dead letters", self.name);
        Failure::new(kind::REJECTED, message)
    }
}
