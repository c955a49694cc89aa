//! Topics: whether the same one serves two purposes that exclude each other, and whether records come back to where they were.

use super::Input;
use super::draft::Draft;
use super::links::Links;
use super::names;
use crate::yaml::{Mistakes, Place};
use std::collections::{BTreeMap, BTreeSet, HashMap};

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Source,
    Table,
    Sink,
    Through,
    Kept,
    DeadLetters,
    Marks,
    Changelog,
}

impl Use {
    /// As in "the topic of source `x`".
    fn of(self, name: &str) -> String {
        match self {
            Use::Source => format!("of source `{name}`"),
            Use::Table => format!("of table `{name}`"),
            Use::Sink => format!("of sink `{name}`"),
            Use::Through => format!("that `{name}` passes its records through"),
            Use::Kept => format!("in which `{name}` keeps its table"),
            Use::DeadLetters => "of the dead letters".to_owned(),
            Use::Marks => "in which replayed dead letters are marked".to_owned(),
            Use::Changelog => format!("of the changelog of `{name}`"),
        }
    }
}

struct Used<'d> {
    topic: String,
    by: &'d str,
    r#use: Use,
    place: &'d Place,
}

fn uses<'d>(draft: &'d Draft<'_>, mistakes: &mut Mistakes) -> Vec<Used<'d>> {
    let sources = draft.sources.iter().map(|source| {
        let topic = source.item.as_ref().map(|item| &item.topic);
        (Use::Source, source.key, topic, &source.topic_place)
    });
    let tables = draft.tables.iter().map(|table| {
        let topic = table.item.as_ref().map(|item| &item.topic);
        (Use::Table, table.key, topic, &table.topic_place)
    });
    let read = sources.chain(tables).filter_map(|(r#use, key, topic, place)| {
        Some(Used {
            topic: topic?.clone(),
            by: &key.text,
            r#use,
            place,
        })
    });
    let mut all: Vec<Used<'d>> = read.collect();
    for sink in &draft.sinks {
        let topics = sink
            .topic
            .iter()
            .flat_map(|topic| topic.topics())
            .collect::<BTreeSet<_>>();
        all.extend(topics.into_iter().map(|topic| Used {
            topic,
            by: &sink.key.text,
            r#use: Use::Sink,
            place: &sink.topic_place,
        }));
    }
    for processor in &draft.processors {
        let (by, Some(definition)) = (&processor.key.text, &processor.definition) else {
            continue;
        };
        let through = definition.through().map(|through| (through.topic, Use::Through));
        let kept = definition.keeps().map(|kept| (kept.topic, Use::Kept));
        for (topic, r#use) in through.into_iter().chain(kept) {
            let place = processor
                .node
                .get("topic")
                .map_or(&processor.key.place, |node| &node.place);
            if let Err(why) = names::legal_topic(&topic) {
                mistakes.add(place, why, names::TOPIC_HELP);
            }
            all.push(Used {
                topic,
                by,
                r#use,
                place,
            });
        }
        for store in definition.stores() {
            let place = &processor.key.place;
            let Some(application) = &draft.application else {
                continue;
            };
            let topic = names::changelog(application, &store.name);
            if let Err(why) = names::legal_topic(&topic) {
                mistakes.add(
                    place,
                    format!("the store's changelog can't be: {why}"),
                    "choose a shorter name",
                );
            }
            all.push(Used {
                topic,
                by,
                r#use: Use::Changelog,
                place,
            });
        }
    }
    if let Some((topic, place)) = &draft.dead_letters {
        all.push(Used {
            topic: topic.clone(),
            by: "",
            r#use: Use::DeadLetters,
            place,
        });
        if let Some(application) = &draft.application {
            all.push(Used {
                topic: names::marks(application),
                by: "",
                r#use: Use::Marks,
                place,
            });
        }
    }
    all.sort_by_key(|used| used.place);
    all
}

/// Complains where two uses of a topic exclude each other, and of names that Kafka itself can't tell apart.
pub(super) fn check(draft: &Draft<'_>, mistakes: &mut Mistakes) {
    let all = uses(draft, mistakes);
    let mut seen: HashMap<&str, Vec<&Used<'_>>> = HashMap::new();
    let mut alike: BTreeMap<String, &Used<'_>> = BTreeMap::new();
    for used in &all {
        let earlier = seen.entry(&used.topic).or_default();
        if let Some((first, help)) = earlier.iter().find_map(|first| Some((first, excluded(first, used)?))) {
            // a sink's topics come of one text: one complaint will do
            if !std::ptr::eq(first.place, used.place) {
                let message = format!(
                    "the topic {} is also the one {}, in {}",
                    used.r#use.of(used.by),
                    first.r#use.of(first.by),
                    first.place.seen_from(used.place)
                );
                mistakes.add(used.place, message, help);
            }
        }
        earlier.push(used);
        let first = alike.entry(used.topic.replace('.', "_")).or_insert(used);
        if first.topic != used.topic {
            let message = format!(
                "the topic {} differs from the one {} ({}) only in `.` and `_`",
                used.r#use.of(used.by),
                first.r#use.of(first.by),
                first.place.seen_from(used.place)
            );
            mistakes.add(
                used.place,
                message,
                "Kafka refuses one of the two, as their metrics have the same names: choose another",
            );
        }
    }
}

/// Why two uses of one topic exclude each other: what to do.
fn excluded(first: &Used<'_>, second: &Used<'_>) -> Option<String> {
    let either = |r#use: Use| first.r#use == r#use || second.r#use == r#use;
    if first.r#use == Use::Source && second.r#use == Use::Source {
        return Some(format!(
            "read it once, and name `{}` in every `from` that needs it",
            first.by
        ));
    }
    if either(Use::DeadLetters) {
        return Some("dead letters are raw records of all kinds, and need a topic of their own".to_owned());
    }
    if either(Use::Changelog) || either(Use::Through) || either(Use::Marks) {
        return Some("a topic in the middle of a topology belongs to it alone: choose another name".to_owned());
    }
    if either(Use::Kept) && !either(Use::Table) {
        return Some(
            "nothing else may be in the topic of a table, and what is in it is looked up: choose another name"
                .to_owned(),
        );
    }
    None
}

/// Complains where a sink writes to a topic from which its records came.
pub(super) fn loops(draft: &Draft<'_>, links: &Links, mistakes: &mut Mistakes) {
    for (sink, from) in draft.sinks.iter().zip(&links.sinks) {
        let topics: BTreeSet<String> = sink.topic.iter().flat_map(|topic| topic.topics()).collect();
        let mut paths: Vec<Vec<Input>> = from.iter().map(|(input, _)| vec![*input]).collect();
        let mut seen: BTreeSet<Input> = BTreeSet::new();
        while let Some(path) = paths.pop() {
            let Some(last) = path.last().copied().filter(|last| seen.insert(*last)) else {
                continue;
            };
            let before: Vec<Input> = match last {
                Input::Processor(index) => links
                    .processors
                    .get(index)
                    .into_iter()
                    .flatten()
                    .map(|(input, _)| *input)
                    .collect(),
                Input::Source(index) => {
                    let Some(topic) = draft
                        .sources
                        .get(index)
                        .and_then(|source| source.item.as_ref())
                        .map(|s| &s.topic)
                    else {
                        continue;
                    };
                    if topics.contains(topic) {
                        tell(draft, &sink.topic_place, &sink.key.text, &path, mistakes);
                        break;
                    }
                    // and on, through the sinks that write what this source reads
                    let writers = draft
                        .sinks
                        .iter()
                        .zip(&links.sinks)
                        .filter(|(sink, _)| sink.topic.iter().any(|template| template.topics().contains(topic)));
                    writers
                        .flat_map(|(_, from)| from.iter().map(|(input, _)| *input))
                        .collect()
                }
            };
            paths.extend(
                before
                    .into_iter()
                    .map(|input| path.iter().copied().chain([input]).collect()),
            );
        }
    }
}

fn tell(draft: &Draft<'_>, place: &Place, sink: &str, path: &[Input], mistakes: &mut Mistakes) {
    let name = |input: &Input| match input {
        Input::Source(index) => draft.sources.get(*index).map(|source| source.key.text.as_str()),
        Input::Processor(index) => draft
            .processors
            .get(*index)
            .map(|processor| processor.key.text.as_str()),
    };
    let mut names: Vec<&str> = path.iter().rev().filter_map(name).collect();
    let first = names.first().copied().unwrap_or_default();
    names.extend([sink, first]);
    let message = format!(
        "records would go round for ever through this topic: {}",
        names.join(" → ")
    );
    mistakes.add(place, message, "write to another topic");
}
