//! Who reads whom: every name of a draft, and what the names in its `from`s stand for.

use super::Input;
use super::draft::Draft;
use super::from::From as Froms;
use crate::yaml::{Mistakes, Place, suggest};
use std::collections::HashMap;

/// Who reads whom, by position in the draft. Each with the place where it is said.
pub(super) struct Links {
    pub processors: Vec<Vec<(Input, Place)>>,
    pub sinks: Vec<Vec<(Input, Place)>>,
    /// Whether every `from` was found: without, nobody can say what is unused.
    pub complete: bool,
}

impl Links {
    /// Finds what each `from` names. A name that is there twice, or not at all, is a mistake.
    pub fn of(draft: &Draft<'_>, mistakes: &mut Mistakes) -> Links {
        let names = names(draft, mistakes);
        let before = mistakes.len();
        let mut one = |from: &Option<Froms>| -> Vec<(Input, Place)> {
            from.iter()
                .flatten()
                .filter_map(|(name, place)| resolve(name, place, &names, mistakes))
                .collect()
        };
        let processors: Vec<_> = draft.processors.iter().map(|processor| one(&processor.from)).collect();
        let sinks: Vec<_> = draft.sinks.iter().map(|sink| one(&sink.from)).collect();
        let read = draft.processors.iter().all(|processor| processor.from.is_some())
            && draft.sinks.iter().all(|sink| sink.from.is_some());
        Links {
            processors,
            sinks,
            complete: read && !draft.sinks.is_empty() && mistakes.len() == before,
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, PartialEq)]
enum Named {
    /// By position in the draft.
    Input(Input),
    Table,
    Sink,
    Feed,
}

/// Every name, each with what it stands for. A name that is there twice is a mistake at the second.
fn names<'d>(draft: &'d Draft<'_>, mistakes: &mut Mistakes) -> HashMap<&'d str, Named> {
    let sources = draft.sources.iter().enumerate();
    let processors = draft.processors.iter().enumerate();
    let all = sources
        .map(|(index, source)| (source.key, Named::Input(Input::Source(index))))
        .chain(draft.tables.iter().map(|table| (table.key, Named::Table)))
        .chain(processors.map(|(index, processor)| (processor.key, Named::Input(Input::Processor(index)))))
        .chain(draft.sinks.iter().map(|sink| (sink.key, Named::Sink)))
        .chain(draft.feeds.iter().map(|(key, _)| (*key, Named::Feed)));
    let mut all: Vec<_> = all.collect();
    all.sort_by_key(|(key, _)| &key.place);
    let mut names = HashMap::new();
    let mut first: HashMap<&str, &Place> = HashMap::new();
    for (key, named) in all {
        match first.get(key.text.as_str()) {
            Some(place) => {
                let message = format!(
                    "the name `{}` is taken already, in {}",
                    key.text,
                    place.seen_from(&key.place)
                );
                mistakes.add(
                    &key.place,
                    message,
                    "feeds, sources, tables, processors and sinks share one set of names: choose another",
                );
            }
            None => {
                first.insert(&key.text, &key.place);
                names.insert(key.text.as_str(), named);
            }
        }
    }
    names
}

fn resolve(name: &str, place: &Place, names: &HashMap<&str, Named>, mistakes: &mut Mistakes) -> Option<(Input, Place)> {
    let (message, help) = match names.get(name) {
        Some(Named::Input(input)) => return Some((*input, place.clone())),
        Some(Named::Table) => (
            format!("`{name}` is a table, and nothing flows out of a table"),
            "look it up with an `enrich` processor, or read its topic as a source, too".to_owned(),
        ),
        Some(Named::Feed) => (
            format!("`{name}` is a feed, which fills a topic and no more"),
            "name the source that reads the feed's topic".to_owned(),
        ),
        Some(Named::Sink) => (
            format!("`{name}` is a sink, and nothing flows out of a sink"),
            "name the processor or source that the sink takes from".to_owned(),
        ),
        None => {
            let mut inputs: Vec<_> = names
                .iter()
                .filter(|(_, named)| matches!(named, Named::Input(_)))
                .map(|(name, _)| *name)
                .collect();
            inputs.sort_unstable();
            let near = suggest(name, inputs.iter().copied());
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are: {}", inputs.join(", ")),
            };
            (
                format!("no source or processor is named `{}`", crate::yaml::shortened(name, 60)),
                help,
            )
        }
    };
    mistakes.add(place, message, help);
    None
}
