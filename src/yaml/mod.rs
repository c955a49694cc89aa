//! YAML with places: a tree in which every node and key knows its file, line and column, and the mistakes found in it.
//!
//! Purpose: everything that a person writes for millstream (topologies, mappings, cases) is read through here, so that every
//! complaint says where and what would be right. [`read_text`] makes a [`Node`]; [`Fields`] reads a map key by key and
//! reports what nobody asked for; [`Mistakes`] gathers, so that one run shows them all; [`render`] prints them with their line.
//!
//! Invariants:
//! - The YAML accepted is the plain part: one document, no anchors, aliases, merge keys or tags, no duplicate keys, at most
//!   [`DEEPEST`] levels. What is refused is refused with its place, so nothing is ever silently read as something else.
//! - Numbers are JSON's and keep their text; what is a number only in YAML (`0x1f`, `010`, `.inf`) is a mistake, not a guess.
//! - `${NAME}` is replaced after parsing and only inside scalar values: a variable can never add a key or become an
//!   expression. What came from a variable is marked, and is shown by no message and no `Debug`.

mod convert;
mod environment;
mod fields;
mod mistake;
mod number;
mod read;
mod secret;
#[cfg(test)]
mod tests;

pub use convert::{
    boolean, duration, integer, list_of, map_of, one_or_many, parse_duration, parse_size, scalar_text, show_duration,
    size, text, tree, within, word,
};
pub use environment::{Unset, substitute};
pub use fields::Fields;
pub use mistake::{Mistake, Mistakes, render, suggest};
pub use read::{DEEPEST, LARGEST, read_file, read_text};
pub use secret::Secret;

use std::fmt;
use std::sync::Arc;

/// Where something stands in a file. Lines and columns count from 1, columns in characters.
///
/// The file is named relative to the topology's folder, so that a message is the same wherever the folder lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
}

impl Place {
    /// This place, said at another: `line 7`, or `line 7 of other.yaml`.
    pub fn seen_from(&self, other: &Place) -> String {
        if self.file == other.file {
            format!("line {}", self.line)
        } else {
            format!("line {} of {}", self.line, self.file)
        }
    }

    /// The beginning of a file: for what concerns the file as a whole.
    pub fn start_of(file: &str) -> Place {
        Place {
            file: Arc::from(file),
            line: 1,
            column: 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A node of the tree.
#[derive(Clone)]
pub struct Node {
    pub place: Place,
    pub kind: Kind,
    /// Whether the text came, in part or whole, from an environment variable: never shown, never an expression.
    pub from: Origin,
    /// Whether a text stands in quotes, which are then the first character at `place`.
    quoted: bool,
}

/// Where a scalar's text comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    File,
    /// From a variable: as good as a secret.
    Environment,
    /// From a variable that is not set, in a check that allows this: a stand-in that fits wherever it stands.
    Unset,
}

#[derive(Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    /// A number's text, as written; JSON's grammar.
    Number(String),
    String(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub place: Place,
    pub text: String,
}

impl Node {
    pub fn new(place: Place, kind: Kind) -> Node {
        Node {
            place,
            kind,
            from: Origin::File,
            quoted: false,
        }
    }

    /// The text after `= `, where this is an expression. What came from the environment never is one.
    pub fn expression(&self) -> Option<&str> {
        match (&self.kind, self.from) {
            (Kind::String(text), Origin::File) => text.strip_prefix("= "),
            _ => None,
        }
    }

    /// The place of a text's character number `at` (from 0). Exact where the text is written on one line, plain or in quotes
    /// without escapes, which is the usual.
    pub fn place_at(&self, at: usize) -> Place {
        let right = u32::try_from(at)
            .unwrap_or(u32::MAX)
            .saturating_add(u32::from(self.quoted));
        Place {
            column: self.place.column.saturating_add(right),
            ..self.place.clone()
        }
    }

    /// The place of the first character after `= `, for the places inside an expression.
    pub fn expression_place(&self) -> Place {
        self.place_at(2)
    }

    /// The node's type in the words of YAML; for messages.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a boolean",
            Kind::Number(_) => "a number",
            Kind::String(_) if self.expression().is_some() => "an expression",
            Kind::String(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// What stands here, short, for messages: never what came from the environment.
    pub fn shown(&self) -> String {
        match (&self.kind, self.from) {
            (_, Origin::Environment | Origin::Unset) => "a value from the environment".to_owned(),
            (Kind::Bool(value), _) => format!("`{value}`"),
            (Kind::Number(text) | Kind::String(text), _) => format!("`{}`", shortened(text, 60)),
            _ => self.type_name().to_owned(),
        }
    }

    /// The entries of a map, the elements of nothing else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key, where this is a map that has it.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }
}

/// The first `most` characters of a text, on one line.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    let mut short: String = text
        .chars()
        .take(most)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if text.chars().nth(most).is_some() {
        short.push('…');
    }
    short
}

/// Shows the shape and the constants; what came from the environment only as such.
impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.from {
            Origin::File => write!(f, "{:?}@{}:{}", self.kind, self.place.line, self.place.column),
            _ => write!(f, "<from the environment>@{}:{}", self.place.line, self.place.column),
        }
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Null => f.write_str("null"),
            Kind::Bool(value) => write!(f, "{value}"),
            Kind::Number(text) => f.write_str(text),
            Kind::String(text) => write!(f, "{text:?}"),
            Kind::List(nodes) => f.debug_list().entries(nodes).finish(),
            Kind::Map(entries) => f
                .debug_map()
                .entries(entries.iter().map(|(key, node)| (&key.text, node)))
                .finish(),
        }
    }
}

/// The same tree, wherever it stands.
impl PartialEq for Node {
    fn eq(&self, other: &Node) -> bool {
        self.kind == other.kind && self.from == other.from
    }
}
