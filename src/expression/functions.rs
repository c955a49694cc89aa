//! Which functions we add to CEL: few, pure, the same for the plan and for the interpreter.
//!
//! Unless it says otherwise, a function is absent where an argument is absent or null: an optional member can be handed
//! through any of them without a word. Reasons name types, never values; the word that [`Function::Lookup`] misses is the
//! one exception, as nobody could mend a map without it.

use crate::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// `id(x)`: the text of an id. `0`, `"0"` and a blank text mean none.
    Id,
    /// `first(a, b, ...)`: the first that is present and not null; those after it are not evaluated.
    First,
    /// `list(x)`: a list as it is, nothing as an empty one, anything else as a list of it.
    List,
    /// `lookup(map, key)`: the member of that name, which must be there.
    Lookup,
    /// `timestamp_ms(x)`, `timestamp_s(x)`: epoch time as RFC 3339 in UTC with milliseconds.
    TimestampMs,
    TimestampS,
    /// `date(text, format)`: `DD-MM-YYYY`, `MM-DD-YYYY` or `YYYY-MM-DD` as `YYYY-MM-DD`. A blank text means none.
    Date,
    /// `lower(s)`: in lower case.
    Lower,
    /// `text(x)`: a scalar as text; a number's digits as they are written.
    Text,
    /// `uuid5(a, b, ...)`: a UUIDv5 over texts, and the canonical JSON of anything else, joined by line feeds.
    Uuid5,
    /// `without(x, names)`: a copy without members of these names at any depth, without regard to case.
    Without,
    /// `number(x)`: a number, or a text that is one in JSON.
    Number,
    /// `whole_number(x)`: a whole number from 0 on, or a text that is one; anything else is an error.
    WholeNumber,
    /// `filled(x)`: as it is, but a blank text, an empty list and an empty object are nothing as well.
    Filled,
    /// `required(x, what)`: as `filled`, but nothing is an error that says what is missing.
    Required,
    /// `object(x)`: an object as it is; anything else is an error.
    Object,
    /// `objects(x)`: a list of objects as it is, an object as a list of it; anything else is an error.
    Objects,
    /// `texts(x)`: a list of scalars as texts, a scalar as a list of its text; anything else is an error.
    Texts,
    /// `convert(x, table)`: an object, or a list of them, with the members that the table names made ids or times.
    Convert,
    /// `rfc3339(text)`: a time of any offset and precision in UTC with milliseconds.
    Rfc3339,
    /// `url_with_query(url, name, value)`: the URL with one more query parameter.
    UrlWithQuery,
}

/// Name, least and most arguments.
const TABLE: [(&str, Function, usize, usize); 21] = [
    ("id", Function::Id, 1, 1),
    ("first", Function::First, 1, usize::MAX),
    ("list", Function::List, 1, 1),
    ("lookup", Function::Lookup, 2, 2),
    ("timestamp_ms", Function::TimestampMs, 1, 1),
    ("timestamp_s", Function::TimestampS, 1, 1),
    ("date", Function::Date, 2, 2),
    ("lower", Function::Lower, 1, 1),
    ("text", Function::Text, 1, 1),
    ("uuid5", Function::Uuid5, 1, usize::MAX),
    ("without", Function::Without, 2, 2),
    ("number", Function::Number, 1, 1),
    ("whole_number", Function::WholeNumber, 1, 1),
    ("filled", Function::Filled, 1, 1),
    ("required", Function::Required, 2, 2),
    ("object", Function::Object, 1, 1),
    ("objects", Function::Objects, 1, 1),
    ("texts", Function::Texts, 1, 1),
    ("convert", Function::Convert, 2, 2),
    ("rfc3339", Function::Rfc3339, 1, 1),
    ("url_with_query", Function::UrlWithQuery, 3, 3),
];

impl Function {
    pub(super) fn named(name: &str) -> Option<Function> {
        TABLE.iter().find(|row| row.0 == name).map(|row| row.1)
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        TABLE.iter().map(|row| row.0)
    }

    pub(super) fn name(self) -> &'static str {
        TABLE.iter().find(|row| row.1 == self).map_or("", |row| row.0)
    }

    /// What is wrong with calling it with so many arguments.
    pub(super) fn refuses(self, count: usize) -> Option<String> {
        let (name, _, least, most) = TABLE.iter().find(|row| row.1 == self)?;
        let takes = match (*least, *most) {
            (least, most) if (least..=most).contains(&count) => return None,
            (least, usize::MAX) => format!("at least {least}"),
            (least, _) => least.to_string(),
        };
        let plural = if takes.ends_with('1') { "" } else { "s" };
        Some(format!("`{name}` takes {takes} argument{plural}, and this has {count}"))
    }
}

/// What a function gives, `None`: absent; or why it fails.
pub(super) type Answer<'a> = Result<Option<Value<'a>>, String>;

/// Why a function fails that was handed something of the wrong type.
pub(super) fn needs(function: Function, needed: &str, met: Value<'_>) -> String {
    format!("`{}` needs {needed}, and met {}", function.name(), met.type_name())
}
