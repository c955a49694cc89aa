//! What the drawings say of the parts of a topology, in the same words.

use crate::cli::counted;
use crate::state::{StoreKind, StoreSpec};
use crate::topology::{Condition, Input, ProcessorNode, Sink, SubTopology, Topology};
use crate::yaml::show_duration;

/// The name of a sub-topology, which is its first entry's, and how many entries more it has.
pub(super) fn title(sub: &SubTopology) -> String {
    match sub.entries.len() {
        0 | 1 => sub.name.clone(),
        entries => format!("{} and {} more", sub.name, entries - 1),
    }
}

/// What a processor is: `switch, 21 cases`.
pub(super) fn kind(processor: &ProcessorNode) -> String {
    let definition = &processor.definition;
    // the last branch of a switch is its `otherwise`
    match definition.branches().len() {
        0 | 1 => definition.type_name().to_owned(),
        branches => format!("{}, {}", definition.type_name(), counted(branches - 1, "case", "cases")),
    }
}

/// `store dedupe (ids for 7d)`.
pub(super) fn store(store: &StoreSpec) -> String {
    match &store.kind {
        StoreKind::Ids { window } => format!("store {} (ids for {})", store.name, show_duration(*window)),
        StoreKind::Values => format!("store {} (values by key)", store.name),
    }
}

/// The tables that a processor looks up, each once.
pub(super) fn tables(processor: &ProcessorNode) -> Vec<String> {
    let mut tables: Vec<String> = processor
        .definition
        .tables()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// `where event.type in messages`, `otherwise`, or nothing where the sink takes all.
pub(super) fn condition(sink: &Sink) -> Option<String> {
    match &sink.condition {
        Condition::Always => None,
        Condition::Otherwise => Some("otherwise".to_owned()),
        Condition::Where(expression) => Some(format!("where {}", expression.text())),
    }
}

/// A text cut to so many characters.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(most.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Those of a sub-topology that take what comes out of an input, in the order in which they are told.
pub(super) fn takers<'t>(topology: &'t Topology, sub: &SubTopology, input: Input) -> (Vec<usize>, Vec<&'t Sink>) {
    let processors = sub.processors.iter().copied();
    let processors =
        processors.filter(|index| topology.processors.get(*index).is_some_and(|p| p.from.contains(&input)));
    let sinks = sub
        .sinks
        .iter()
        .filter_map(|index| topology.sinks.get(*index))
        .filter(|sink| sink.from.contains(&input));
    (processors.collect(), sinks.collect())
}
