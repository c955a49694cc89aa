//! How the parts of a draft fit together: names, `from`s, cycles, what nobody takes. Then the draft becomes a [`Topology`].

use super::draft::Draft;
use super::links::Links;
use super::{Input, ProcessorNode, Sink, Topology, feeds, formats, graph, order, routes, topics};
use crate::yaml::{Mistakes, Place, suggest};
use std::collections::BTreeSet;

/// Checks everything; gives the topology only if nothing at all was wrong, here or before.
pub(super) fn check(draft: Draft<'_>, mistakes: &mut Mistakes) -> Option<Topology> {
    let links = Links::of(&draft, mistakes);
    tables(&draft, mistakes);
    let order = order::order(&draft, &links, mistakes);
    if order.is_some() {
        // where records go round, whoever is left out of the ring is what mending it will change
        unused(&draft, &links, mistakes);
    }
    routes::check(&draft, &links, mistakes);
    topics::check(&draft, mistakes);
    formats::check(&draft, mistakes);
    if !mistakes.is_empty() {
        // what follows looks at whole paths, and would only repeat what is missing in them
        return None;
    }
    topics::loops(&draft, &links, mistakes);
    let topology = assemble(draft, &links, &order?)?;
    feeds::check(&topology, mistakes);
    graph::check(&topology, mistakes);
    Some(topology)
}

/// Tables that are looked up must be there, and those that are there are held whole in memory and must be looked up.
fn tables(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    let known: Vec<&str> = draft.tables.iter().map(|table| table.key.text.as_str()).collect();
    let looked_up: Vec<_> = draft
        .processors
        .iter()
        .filter_map(|processor| processor.definition.as_ref())
        .flat_map(|d| d.tables())
        .collect();
    for (name, place) in looked_up.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        let help = match (suggest(name, known.iter().copied()), known.is_empty()) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, false) => format!("there are: {}", known.join(", ")),
            (None, true) => format!("add it under `tables:`, as in {{{name}: {{topic: ...}}}}"),
        };
        mistakes.add(
            place,
            format!("no table is named `{}`", crate::yaml::shortened(name, 60)),
            help,
        );
    }
    kept_alike(draft, mistakes);
    if draft.processors.iter().any(|processor| processor.definition.is_none()) {
        return;
    }
    for table in draft
        .tables
        .iter()
        .filter(|table| !looked_up.iter().any(|(name, _)| *name == table.key.text))
    {
        let message = format!("nobody looks up the table `{}`", table.key.text);
        mistakes.add(
            &table.key.place,
            message,
            "look it up with an `enrich` processor, or remove it",
        );
    }
}

/// A table that a processor here keeps must be read as it is written.
fn kept_alike(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    let kept: Vec<_> = draft
        .processors
        .iter()
        .filter_map(|processor| Some((&processor.key.text, processor.definition.as_ref()?.keeps()?)))
        .collect();
    for table in &draft.tables {
        let Some(item) = &table.item else { continue };
        for (name, kept) in kept.iter().filter(|(_, kept)| kept.topic == item.topic) {
            let (read, written) = (item.format.value.encoding.name(), kept.codec.name());
            if read != written {
                let message =
                    format!("values of this table are read as `{read}`, and `{name}` writes them as `{written}`");
                mistakes.add(
                    &table.topic_place,
                    message,
                    format!("write `codec: {written}` here, or another there"),
                );
            }
        }
    }
}

/// What comes out of a source or processor must go somewhere.
fn unused(draft: &Draft<'_>, links: &Links, mistakes: &mut Mistakes) {
    if !links.complete {
        return;
    }
    let taken: BTreeSet<Input> = links
        .processors
        .iter()
        .chain(&links.sinks)
        .flatten()
        .map(|(input, _)| *input)
        .collect();
    for (index, source) in draft
        .sources
        .iter()
        .enumerate()
        .filter(|(index, _)| !taken.contains(&Input::Source(*index)))
    {
        let _ = index;
        let message = format!("nobody reads the source `{}`", source.key.text);
        mistakes.add(
            &source.key.place,
            message,
            "name it in the `from` of a processor or sink, or remove it",
        );
    }
    let left = draft
        .processors
        .iter()
        .enumerate()
        .filter(|(index, _)| !taken.contains(&Input::Processor(*index)))
        .filter(|(_, processor)| {
            processor
                .definition
                .as_ref()
                .is_none_or(|definition| definition.keeps().is_none())
        });
    for (_, processor) in left {
        let message = format!("nobody takes what comes out of `{}`", processor.key.text);
        mistakes.add(
            &processor.key.place,
            message,
            "name it in the `from` of a processor or sink, or remove it",
        );
    }
}

/// The topology, with the processors in `order` and every index turned accordingly. `None` only if a part is missing.
fn assemble(draft: Draft<'_>, links: &Links, order: &[usize]) -> Option<Topology> {
    let mut position = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        *position.get_mut(*old)? = new;
    }
    let turned = |links: &[(Input, Place)]| -> Option<Vec<Input>> {
        links
            .iter()
            .map(|(input, _)| match input {
                Input::Source(_) => Some(*input),
                Input::Processor(old) => position.get(*old).copied().map(Input::Processor),
            })
            .collect()
    };
    let mut drafts: Vec<_> = draft.processors.into_iter().map(Some).collect();
    let processors = order.iter().map(|old| {
        let processor = drafts.get_mut(*old)?.take()?;
        Some(ProcessorNode {
            name: processor.key.text.clone(),
            from: turned(links.processors.get(*old)?)?,
            on_error: processor.on_error,
            definition: processor.definition?,
            place: processor.key.place.clone(),
        })
    });
    let processors = processors.collect::<Option<Vec<_>>>()?;
    let sinks = draft.sinks.into_iter().zip(&links.sinks).map(|(sink, from)| {
        Some(Sink {
            name: sink.key.text.clone(),
            from: turned(from)?,
            topic: sink.topic?,
            condition: sink.condition?,
            key: sink.new_key,
            headers: sink.headers,
            event_time: sink.event_time,
            format: sink.format?,
            description: sink.description,
            place: sink.key.place.clone(),
        })
    });
    Some(Topology {
        application: draft.application?,
        guarantee: draft.guarantee,
        commit_interval: draft.commit_interval,
        workers: draft.workers,
        state: draft.state,
        standby_replicas: draft.standby_replicas,
        kafka: draft.kafka,
        secrets: draft.secrets,
        schema_registry: draft.schema_registry,
        api: draft.api,
        feeds: draft.feeds.into_iter().map(|(_, feed)| feed).collect::<Option<_>>()?,
        sources: draft
            .sources
            .into_iter()
            .map(|source| source.item)
            .collect::<Option<_>>()?,
        tables: draft
            .tables
            .into_iter()
            .map(|table| table.item)
            .collect::<Option<_>>()?,
        sinks: sinks.collect::<Option<_>>()?,
        processors,
        dead_letters: draft.dead_letters?.0,
    })
}
