//! What a node may be read as. Each reader takes a node, complains with its place, and gives nothing where it complained.
//!
//! They are made to be handed to [`super::Fields::required`] and [`super::Fields::optional`], and to each other:
//! `fields.required("from", one_or_many(text))`.

use super::{Key, Kind, Mistakes, Node, Origin, Place, shortened, suggest};
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// The node itself: for what somebody else reads.
pub fn tree<'a>(node: &'a Node, _: &mut Mistakes) -> Option<&'a Node> {
    Some(node)
}

/// A constant text, not empty.
pub fn text(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    if node.expression().is_some() {
        mistakes.add(&node.place, "an expression can't stand here", "write a constant text");
        return None;
    }
    match &node.kind {
        Kind::String(text) if text.is_empty() => {
            mistakes.add(&node.place, "this text is empty", "write something");
            None
        }
        Kind::String(text) => Some(text.clone()),
        Kind::Number(number) => wrong(node, "a text", &format!("put it in quotes: \"{number}\""), mistakes),
        Kind::Bool(value) => wrong(node, "a text", &format!("put it in quotes: \"{value}\""), mistakes),
        _ => wrong(node, "a text", "write a text", mistakes),
    }
}

/// Any scalar, as text: for settings of others, whose types are not ours to know.
pub fn scalar_text(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    match &node.kind {
        Kind::String(_) if node.expression().is_some() => text(node, mistakes),
        Kind::String(text) | Kind::Number(text) => Some(text.clone()),
        Kind::Bool(value) => Some(value.to_string()),
        _ => wrong(node, "a text, a number or a boolean", "write a scalar", mistakes),
    }
}

/// `true` or `false`.
pub fn boolean(node: &Node, mistakes: &mut Mistakes) -> Option<bool> {
    match (&node.kind, node.from) {
        (Kind::Bool(value), _) => Some(*value),
        (Kind::String(text), Origin::Environment) if text == "true" => Some(true),
        (Kind::String(text), Origin::Environment) if text == "false" => Some(false),
        (_, Origin::Unset) => Some(false),
        _ => wrong(node, "`true` or `false`", "write one of them, without quotes", mistakes),
    }
}

/// A whole number in `range`.
pub fn integer(range: RangeInclusive<i64>) -> impl Fn(&Node, &mut Mistakes) -> Option<i64> {
    move |node, mistakes| {
        let (from, to) = (*range.start(), *range.end());
        let help = format!("write a whole number from {from} to {to}");
        let number = match (&node.kind, node.from) {
            (_, Origin::Unset) => return Some(from),
            (Kind::Number(text), _) | (Kind::String(text), Origin::Environment) => text.parse::<i64>().ok(),
            _ => return wrong(node, "a whole number", &help, mistakes),
        };
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => {
                mistakes.add(
                    &node.place,
                    format!("{} is not a whole number from {from} to {to}", node.shown()),
                    help,
                );
                None
            }
        }
    }
}

const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// `100ms`, `5s`, `10m`, `2h`, `7d`.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let unit = text.strip_prefix(digits)?;
    let (_, milliseconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    digits
        .parse::<u64>()
        .ok()?
        .checked_mul(*milliseconds)
        .map(Duration::from_millis)
}

/// As [`parse_duration`] reads it, in the largest unit that says it whole.
pub fn show_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let unit = UNITS
        .iter()
        .rev()
        .find(|(_, size)| milliseconds % size == 0 && milliseconds >= *size);
    unit.map_or_else(
        || format!("{milliseconds}ms"),
        |(name, size)| format!("{}{name}", milliseconds / size),
    )
}

/// A duration, at least 1 ms and at most ten years.
pub fn duration(node: &Node, mistakes: &mut Mistakes) -> Option<Duration> {
    const HELP: &str = "write a number and its unit, as in 100ms, 5s, 10m, 2h or 7d";
    const LONGEST: Duration = Duration::from_secs(3650 * 86_400);
    let read = match (&node.kind, node.from) {
        (_, Origin::Unset) => return Some(Duration::from_secs(1)),
        (Kind::String(text), _) if node.expression().is_none() => parse_duration(text),
        (Kind::Number(_), _) => None,
        _ => return wrong(node, "a duration", HELP, mistakes),
    };
    match read {
        Some(read) if read.is_zero() || read > LONGEST => {
            let message = format!("{} is not a duration that makes sense here", node.shown());
            mistakes.add(&node.place, message, "write one from 1ms to 3650d");
            None
        }
        Some(read) => Some(read),
        None => {
            mistakes.add(&node.place, format!("{} is not a duration", node.shown()), HELP);
            None
        }
    }
}

/// Units of sizes, largest first.
const SIZES: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

/// A size in bytes: a number and its unit.
pub fn size(node: &Node, mistakes: &mut Mistakes) -> Option<u64> {
    const HELP: &str = "write a number and its unit, as in 64MB or 2GB";
    let text = match (&node.kind, node.from) {
        (_, Origin::Unset) => return Some(SIZES[1].1),
        (Kind::String(text), _) if node.expression().is_none() => text,
        (Kind::Number(text), _) => text,
        _ => return wrong(node, "a size", HELP, mistakes),
    };
    let read = parse_size(text);
    if read.is_none() {
        mistakes.add(&node.place, format!("{} is not a size", node.shown()), HELP);
    }
    read
}

/// A number and its unit, as `64MB`, in bytes. `None`: it is none.
pub fn parse_size(text: &str) -> Option<u64> {
    SIZES.iter().find_map(|(unit, bytes)| {
        let number = text.strip_suffix(unit)?.trim_end();
        number.parse::<u64>().ok()?.checked_mul(*bytes)
    })
}

/// A list, each element read by `each`.
pub fn list_of<'a, T>(
    each: impl Fn(&'a Node, &mut Mistakes) -> Option<T>,
) -> impl Fn(&'a Node, &mut Mistakes) -> Option<Vec<T>> {
    move |node, mistakes| match &node.kind {
        Kind::List(nodes) => {
            // reads all before it gives up, so that all mistakes are found
            let read: Vec<Option<T>> = nodes.iter().map(|node| each(node, mistakes)).collect();
            read.into_iter().collect()
        }
        _ => wrong(node, "a list", "write it as [a, b]", mistakes),
    }
}

/// One, or a list of at least one.
pub fn one_or_many<'a, T>(
    each: impl Fn(&'a Node, &mut Mistakes) -> Option<T>,
) -> impl Fn(&'a Node, &mut Mistakes) -> Option<Vec<T>> {
    move |node, mistakes| match &node.kind {
        Kind::List(nodes) if nodes.is_empty() => {
            mistakes.add(&node.place, "this list is empty", "name at least one");
            None
        }
        Kind::List(_) => list_of(&each)(node, mistakes),
        _ => each(node, mistakes).map(|one| vec![one]),
    }
}

/// A map with keys of the writer's choosing, each value read by `each`.
pub fn map_of<'a, T>(
    each: impl Fn(&'a Node, &mut Mistakes) -> Option<T>,
) -> impl Fn(&'a Node, &mut Mistakes) -> Option<Vec<(&'a Key, T)>> {
    move |node, mistakes| match &node.kind {
        Kind::Map(entries) => {
            let read: Vec<Option<(&Key, T)>> = entries
                .iter()
                .map(|(key, node)| each(node, mistakes).map(|value| (key, value)))
                .collect();
            read.into_iter().collect()
        }
        _ => wrong(node, "a map", "write it as {name: value}", mistakes),
    }
}

/// One of a few words, each standing for a value.
pub fn word<T: Copy>(words: &[(&'static str, T)]) -> impl Fn(&Node, &mut Mistakes) -> Option<T> {
    move |node, mistakes| {
        let names = || words.iter().map(|(name, _)| *name);
        if node.from == Origin::Unset {
            return words.first().map(|(_, value)| *value);
        }
        let known = names().collect::<Vec<_>>().join(", ");
        let Kind::String(text) = &node.kind else {
            return wrong(node, &format!("one of {known}"), "write one of them", mistakes);
        };
        if let Some((_, value)) = words.iter().find(|(name, _)| name == text) {
            return Some(*value);
        }
        let help = suggest(text, names()).map_or_else(String::new, |name| format!("did you mean `{name}`? "));
        mistakes.add(
            &node.place,
            format!("{} is not known here", node.shown()),
            format!("{help}it can be: {known}"),
        );
        None
    }
}

fn wrong<T>(node: &Node, needed: &str, help: &str, mistakes: &mut Mistakes) -> Option<T> {
    mistakes.add(
        &node.place,
        format!("{needed} is needed here, and this is {}", node.type_name()),
        help,
    );
    None
}

/// The path of a file of the topology, which lies in its folder and nowhere else.
pub fn within(folder: &Path, name: &str, place: &Place, mistakes: &mut Mistakes) -> Option<PathBuf> {
    let plain = |component| matches!(component, Component::Normal(_) | Component::CurDir);
    if Path::new(name).components().all(plain) {
        return Some(folder.join(name));
    }
    let message = format!("`{}` is not inside the topology's folder", shortened(name, 100));
    mistakes.add(
        place,
        message,
        "write a path relative to the topology's folder, without `..`",
    );
    None
}
