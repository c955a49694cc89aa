//! A path into the document, walked without the interpreter. Each step does what CEL's interpreter would.

use super::failed::Failed;
use super::node::{Node, View};
use crate::record::Header;
use crate::value::{Exact, Member, Value, exact};
use bumpalo::Bump;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Debug)]
pub(super) struct Path {
    pub root: Root,
    pub steps: Vec<Step>,
}

#[derive(Clone, Debug)]
pub(super) enum Root {
    Event,
    Key,
    Headers,
    Record,
    /// A constant; its name, where it is a variable.
    Constant(Value<'static>, String),
    Local(usize, String),
    Node(Node),
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub index: Index,
    pub manner: Manner,
}

#[derive(Clone, Debug)]
pub(super) enum Index {
    Member(Name),
    Element(i64),
    Dynamic(Node),
}

/// A member's name, and where among an object's members it was found last. Events of a kind have their members in the same
/// order, so the next one is most often there too: one comparison instead of one for each member before it.
#[derive(Debug)]
pub(super) struct Name {
    name: Box<str>,
    last: AtomicUsize,
}

impl Name {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            last: AtomicUsize::new(0),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.name
    }

    fn of<'a>(&self, value: Value<'a>) -> Option<Value<'a>> {
        let members = value.as_object()?;
        if let Some((name, value)) = members.get(self.last.load(Ordering::Relaxed))
            && *name == &*self.name
        {
            return Some(*value);
        }
        let position = members.iter().position(|(name, _)| *name == &*self.name)?;
        self.last.store(position, Ordering::Relaxed);
        members.get(position).map(|(_, value)| *value)
    }
}

impl Clone for Name {
    fn clone(&self) -> Self {
        Self::new(&self.name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// `a.b`
    Dot,
    /// `a.?b`
    MaybeDot,
    /// `a["b"]`, `a[0]`
    Bracket,
    /// `a[?"b"]`
    MaybeBracket,
}

impl Manner {
    fn is_optional(self) -> bool {
        matches!(self, Manner::MaybeDot | Manner::MaybeBracket)
    }
}

impl Path {
    pub(super) fn is_optional(&self) -> bool {
        self.steps.iter().any(|step| step.manner.is_optional())
    }

    pub(super) fn walk<'a>(&self, view: View<'_, 'a>) -> Result<Option<Value<'a>>, Failed> {
        Ok(self.walked(view)?.map(|(value, _)| value))
    }

    /// What is there, and whether it was come to by an optional step.
    fn walked<'a>(&self, view: View<'_, 'a>) -> Result<Option<(Value<'a>, bool)>, Failed> {
        let mut steps = self.steps.iter().enumerate();
        let mut optional = false;
        let start = match &self.root {
            Root::Event => Some(view.scope.record.value),
            Root::Constant(value, _) => Some(*value),
            Root::Local(slot, _) => view.locals.local(*slot).map_err(Failed::of)?,
            Root::Node(node) => node.evaluate(view)?,
            Root::Key => key(view)?,
            Root::Headers => match self.steps.first() {
                // the one header, without an object of them all
                Some(Step {
                    index: Index::Member(name),
                    manner,
                }) => match header(view.scope.record.headers, name.as_str()) {
                    Some(value) => {
                        steps.next();
                        optional = manner.is_optional();
                        Some(value)
                    }
                    None => Some(headers(view.scope.record.headers, view.scope.arena)),
                },
                _ => Some(headers(view.scope.record.headers, view.scope.arena)),
            },
            Root::Record => Some(record(view)),
        };
        let Some(mut value) = start else { return Ok(None) };
        for (position, step) in steps {
            let found = match &step.index {
                Index::Member(name) => name.of(value),
                Index::Element(index) => element(value, *index),
                Index::Dynamic(node) => dynamic(value, node.evaluate(view)?),
            };
            match found {
                Some(found) => value = found,
                None if step.manner.is_optional() => return Ok(None),
                None if optional && (step.manner == Manner::Bracket || is_container(value)) => return Ok(None),
                None => return Err(self.missing(value, position)),
            }
            optional |= step.manner.is_optional();
        }
        Ok(Some((value, optional)))
    }

    /// CEL's `has(path.name)`.
    pub(super) fn has(&self, view: View<'_, '_>, name: &str) -> Result<bool, Failed> {
        match self.walked(view)? {
            None => Ok(false),
            Some((Value::Object(members), _)) => Ok(members.iter().any(|(member, _)| *member == name)),
            Some((Value::Array(_), true)) => Ok(false),
            Some((value, _)) => Err(Failed::because(format!(
                "`{}` is {}, so it can't be asked for member `{name}`",
                self.shown(self.steps.len()),
                article(value.type_name())
            ))),
        }
    }

    /// Why the step at `position` leads nowhere.
    #[cold]
    fn missing(&self, value: Value<'_>, position: usize) -> Failed {
        let place = self.shown(position);
        let met = article(value.type_name());
        let step = self.steps.get(position).map(|step| &step.index);
        Failed::because(match (step, value) {
            (Some(Index::Member(name)), Value::Object(_)) => format!("`{place}` has no member `{}`", name.as_str()),
            (Some(Index::Member(name)), _) => format!("`{place}` is {met}, so it has no member `{}`", name.as_str()),
            (Some(Index::Element(index)), Value::Array(list)) => {
                format!("`{place}` has {} elements, so none at {index}", list.len())
            }
            (Some(Index::Element(_)), _) => format!("`{place}` is {met}, not a list"),
            (_, Value::Object(_)) => format!("`{place}` has no member of the name in brackets"),
            (_, Value::Array(_)) => format!("`{place}` has no element at what is in brackets"),
            (_, _) => format!("`{place}` is {met}, which has nothing inside"),
        })
    }

    /// The path's first steps, as a person writes them.
    pub(super) fn shown(&self, steps: usize) -> String {
        let mut text = match &self.root {
            Root::Event => "event".to_owned(),
            Root::Key => "key".to_owned(),
            Root::Headers => "headers".to_owned(),
            Root::Record => "record".to_owned(),
            Root::Constant(_, name) | Root::Local(_, name) => name.clone(),
            Root::Node(_) => "(…)".to_owned(),
        };
        for step in self.steps.iter().take(steps) {
            // writing to a String can't fail
            let _ = match &step.index {
                Index::Member(name) if is_identifier(name.as_str()) => write!(text, ".{}", name.as_str()),
                Index::Member(name) => write!(text, "[{:?}]", name.as_str()),
                Index::Element(index) => write!(text, "[{index}]"),
                Index::Dynamic(_) => write!(text, "[…]"),
            };
        }
        text
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

pub(super) fn article(type_name: &str) -> String {
    match type_name {
        "null" => "null".to_owned(),
        name if name.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {name}"),
        name => format!("a {name}"),
    }
}

fn is_container(value: Value<'_>) -> bool {
    matches!(value, Value::Array(_) | Value::Object(_))
}

pub(super) fn element(value: Value<'_>, index: i64) -> Option<Value<'_>> {
    value.as_list()?.get(usize::try_from(index).ok()?).copied()
}

/// The member or element that a value names.
pub(super) fn dynamic<'a>(value: Value<'a>, index: Option<Value<'_>>) -> Option<Value<'a>> {
    match (value, index?) {
        (Value::Object(_), Value::String(name)) => value.get(name),
        (Value::Array(_), Value::Number(text)) => match exact(text)? {
            Exact::Int(index) => element(value, index),
            Exact::Double(index) if index.fract() == 0.0 => element(value, index as i64),
            Exact::Uint(_) | Exact::Double(_) => None,
        },
        _ => None,
    }
}

fn key<'a>(view: View<'_, 'a>) -> Result<Option<Value<'a>>, Failed> {
    let Some(key) = view.scope.record.key else {
        return Ok(None);
    };
    match key.value() {
        Some(value) => Ok(Some(value)),
        None => Err(Failed::because("`key` is not UTF-8".to_owned())),
    }
}

/// A header's text; the last one where a name repeats. One that is not UTF-8 is not seen.
fn header<'a>(headers: &'a [Header<'a>], name: &str) -> Option<Value<'a>> {
    headers
        .iter()
        .rev()
        .filter(|header| header.name == name)
        .find_map(header_value)
}

fn header_value<'a>(header: &Header<'a>) -> Option<Value<'a>> {
    match header.value.map(std::str::from_utf8) {
        None => Some(Value::Null),
        Some(Ok(text)) => Some(Value::String(text)),
        Some(Err(_)) => None,
    }
}

fn headers<'a>(headers: &'a [Header<'a>], arena: &'a Bump) -> Value<'a> {
    let members = headers
        .iter()
        .filter_map(|header| Some((header.name, header_value(header)?)));
    let mut unique = bumpalo::collections::Vec::<Member<'a>>::with_capacity_in(headers.len(), arena);
    for member in members {
        unique.retain(|(name, _)| *name != member.0);
        unique.push(member);
    }
    Value::Object(unique.into_bump_slice())
}

fn record<'a>(view: View<'_, 'a>) -> Value<'a> {
    let (record, arena) = (view.scope.record, view.scope.arena);
    let number = |number: i64| super::compare::number(number, arena);
    Value::Object(arena.alloc_slice_copy(&[
        ("offset", number(record.origin.offset)),
        ("partition", number(record.origin.partition.into())),
        ("timestamp", number(record.timestamp)),
        ("topic", Value::String(record.origin.topic)),
    ]))
}
