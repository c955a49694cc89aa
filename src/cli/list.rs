//! Lists that are printed while they are made, and what stands in them.

use std::io::{self, Write};

/// A JSON list that is printed while it is made, a line an element.
pub(crate) struct List<'o> {
    pub out: &'o mut dyn Write,
    count: u64,
}

impl<'o> List<'o> {
    pub(crate) fn new(out: &'o mut dyn Write) -> Self {
        Self { out, count: 0 }
    }

    pub(crate) fn add(&mut self, element: &serde_json::Value) -> io::Result<()> {
        let before = if self.count == 0 { "[" } else { ",\n" };
        self.count += 1;
        write!(self.out, "{before}{element}")
    }

    pub(crate) fn end(&mut self) -> io::Result<()> {
        let end = if self.count == 0 { "[]" } else { "]" };
        writeln!(self.out, "{end}")
    }
}

/// A time as RFC 3339; one that is none, as milliseconds.
pub(crate) fn time(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis).map_or_else(|_| format!("{millis} ms"), |time| time.to_string())
}
