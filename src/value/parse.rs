//! The parser: one pass over the bytes, straight into the arena.
//!
//! It accepts JSON of RFC 8259 and nothing else. Of members with the same name only the last is kept, so that nobody after
//! the parser ever meets two. Told apart from `serde_json` only by this: nesting of exactly 128 is
//! taken (there 127), and nothing is ever read as a number's private map. Nothing recurses deeper than the limit.

use super::scan::plain_until;
use super::{Member, Value};
use ahash::AHashSet;
use bumpalo::Bump;
use std::cell::Cell;

/// Lists and objects may lie this deep in each other.
pub const DEPTH_LIMIT: usize = 128;

/// Room for members that is kept between documents; what a larger document needed is given back.
const KEPT_MEMBERS: usize = 4096;

/// Why a document is not JSON, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} at byte {offset}")]
pub struct ParseError {
    pub message: String,
    pub offset: usize,
}

thread_local! {
    static STACK: Cell<Vec<Member<'static>>> = const { Cell::new(Vec::new()) };
}

/// Parses one JSON document; strings without escapes and all numbers borrow `bytes`.
///
/// # Errors
/// What is wrong and at which byte; never the text itself, which may be a secret.
pub fn parse<'a>(bytes: &'a [u8], arena: &'a Bump) -> Result<Value<'a>, ParseError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ParseError {
        message: "the document is not UTF-8".to_owned(),
        offset: error.valid_up_to(),
    })?;
    let mut parser = Parser {
        text,
        bytes,
        at: 0,
        arena,
        stack: STACK.take(),
        unescaped: String::new(),
        wrong: ("not JSON", 0),
    };
    let value = parser.document();
    let (message, offset) = parser.wrong;
    keep(parser.stack);
    value.ok_or_else(|| ParseError {
        message: message.to_owned(),
        offset,
    })
}

/// Keeps the stack's memory for the next document. Collecting an emptied `Vec` of the same layout reuses its memory,
/// which is how its lifetime is changed without `unsafe`.
fn keep(mut stack: Vec<Member<'_>>) {
    stack.clear();
    if stack.capacity() <= KEPT_MEMBERS {
        STACK.set(stack.into_iter().map(|_| ("", Value::Null)).collect());
    }
}

/// Whether an object may have a name twice, told cheaply: a name is compared with those before it only where its length and
/// its ends fall together with one of theirs, and no more where there are many of them.
#[derive(Default)]
struct Seen {
    bits: u64,
    perhaps_twice: bool,
}

impl Seen {
    #[inline]
    fn add(&mut self, name: &str, before: &[Member<'_>]) {
        let ends = name.as_bytes().first().zip(name.as_bytes().last());
        let (first, last) = ends.map_or((0, 0), |(first, last)| (usize::from(*first), usize::from(*last)));
        let bit = 1 << ((name.len() * 7 + first * 5 + last * 3) & 63);
        if self.bits & bit != 0 {
            self.perhaps_twice |= before.len() > 32 || before.iter().any(|(other, _)| *other == name);
        }
        self.bits |= bit;
    }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    arena: &'a Bump,
    /// Members and elements of the lists and objects that are open; elements have no name.
    stack: Vec<Member<'a>>,
    unescaped: String,
    /// What is wrong and where, once something returned `None`.
    wrong: (&'static str, usize),
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Option<Value<'a>> {
        self.peek();
        if self.at >= self.bytes.len() {
            return self.fail("the document is empty");
        }
        self.value("", 0)?;
        self.peek();
        if self.at < self.bytes.len() {
            return self.fail("something follows the end of the document");
        }
        self.stack.pop().map(|(_, value)| value)
    }

    /// Puts the value at the cursor on the stack, under a name. It is not returned: what is handed back in memory and
    /// copied from there at once stalls the processor, which took a quarter of all time.
    fn value(&mut self, name: &'a str, depth: usize) -> Option<()> {
        let value = match self.peek() {
            b'"' => {
                self.at += 1;
                Value::String(self.string()?)
            }
            b'{' => return self.object(name, depth),
            b'[' => return self.list(name, depth),
            b'-' | b'0'..=b'9' => Value::Number(self.number()?),
            b't' => self.word("true", Value::Bool(true))?,
            b'f' => self.word("false", Value::Bool(false))?,
            b'n' => self.word("null", Value::Null)?,
            _ => return self.fail("expected a value"),
        };
        self.stack.push((name, value));
        Some(())
    }

    fn object(&mut self, own_name: &'a str, depth: usize) -> Option<()> {
        self.open(depth)?;
        let base = self.stack.len();
        if self.peek() == b'}' {
            self.at += 1;
            self.stack.push((own_name, Value::Object(&[])));
            return Some(());
        }
        let mut seen = Seen::default();
        loop {
            if self.peek() != b'"' {
                return self.fail("expected a member's name in quotes");
            }
            self.at += 1;
            let name = self.string()?;
            seen.add(name, self.stack.get(base..)?);
            if self.peek() != b':' {
                return self.fail("expected `:` after a member's name");
            }
            self.at += 1;
            self.value(name, depth + 1)?;
            match self.peek() {
                b',' => self.at += 1,
                b'}' => break,
                _ => return self.fail("expected `,` or `}`"),
            }
        }
        self.at += 1;
        if seen.perhaps_twice {
            self.keep_last(base);
        }
        let members = self.arena.alloc_slice_copy(self.stack.get(base..)?);
        self.stack.truncate(base);
        self.stack.push((own_name, Value::Object(members)));
        Some(())
    }

    /// Leaves only the last of members with the same name.
    #[cold]
    fn keep_last(&mut self, base: usize) {
        let mut names = AHashSet::new();
        let mut kept: Vec<Member<'a>> = self
            .stack
            .drain(base..)
            .rev()
            .filter(|(name, _)| names.insert(*name))
            .collect();
        kept.reverse();
        self.stack.append(&mut kept);
    }

    fn list(&mut self, own_name: &'a str, depth: usize) -> Option<()> {
        self.open(depth)?;
        let base = self.stack.len();
        if self.peek() == b']' {
            self.at += 1;
            self.stack.push((own_name, Value::Array(&[])));
            return Some(());
        }
        loop {
            self.value("", depth + 1)?;
            match self.peek() {
                b',' => self.at += 1,
                b']' => break,
                _ => return self.fail("expected `,` or `]`"),
            }
        }
        self.at += 1;
        let elements = self.stack.get(base..)?;
        let elements = self
            .arena
            .alloc_slice_fill_iter(elements.iter().map(|(_, value)| *value));
        self.stack.truncate(base);
        self.stack.push((own_name, Value::Array(elements)));
        Some(())
    }

    fn open(&mut self, depth: usize) -> Option<()> {
        if depth >= DEPTH_LIMIT {
            return self.fail("lists and objects are nested deeper than 128");
        }
        self.at += 1;
        Some(())
    }

    /// The string whose opening quote was just passed.
    #[inline]
    fn string(&mut self) -> Option<&'a str> {
        let start = self.at;
        let end = plain_until(self.bytes, start);
        if self.bytes.get(end) == Some(&b'"') {
            self.at = end + 1;
            return self.text.get(start..end);
        }
        self.unescape(start, end)
    }

    #[cold]
    fn unescape(&mut self, start: usize, first: usize) -> Option<&'a str> {
        let (mut run, mut end) = (start, first);
        self.unescaped.clear();
        loop {
            self.unescaped.push_str(self.text.get(run..end)?);
            self.at = end;
            match self.bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => {}
                Some(_) => return self.fail("a control character in a string, which must be escaped,"),
                None => return self.fail("the document ends inside a string"),
            }
            let escaped = self.escape()?;
            self.unescaped.push(escaped);
            run = self.at;
            end = plain_until(self.bytes, run);
        }
        self.at += 1;
        Some(self.arena.alloc_str(&self.unescaped))
    }

    /// The character that the escape at the cursor stands for.
    fn escape(&mut self) -> Option<char> {
        let plain = match self.bytes.get(self.at + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            Some(_) => return self.fail("an escape that JSON does not have"),
            None => return self.fail("the document ends inside a string"),
        };
        self.at += 2;
        Some(plain)
    }

    fn unicode(&mut self) -> Option<char> {
        let start = self.at;
        let first = self.hex(start)?;
        self.at += 6;
        let code = match first {
            0xD800..0xDC00 if self.bytes.get(self.at..self.at + 2) == Some(b"\\u") => {
                match self.hex(self.at)? {
                    second @ 0xDC00..0xE000 => {
                        self.at += 6;
                        0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    // left as the lone surrogate that it is, which is no character
                    _ => first,
                }
            }
            code => code,
        };
        let character = char::from_u32(code);
        if character.is_none() {
            self.at = start;
            return self.fail("half of a surrogate pair in a string");
        }
        character
    }

    /// The four hex digits of the escape at `at`.
    fn hex(&mut self, at: usize) -> Option<u32> {
        let mut code = 0;
        for position in at + 2..at + 6 {
            match self.bytes.get(position).map(|byte| (*byte as char).to_digit(16)) {
                Some(Some(digit)) => code = code * 16 + digit,
                Some(None) => return self.fail("`\\u` without four hexadecimal digits"),
                None => {
                    self.at = self.bytes.len();
                    return self.fail("the document ends inside a string");
                }
            }
        }
        Some(code)
    }

    fn number(&mut self) -> Option<&'a str> {
        let start = self.at;
        if self.byte() == b'-' {
            self.at += 1;
        }
        match self.byte() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            _ => return self.fail("expected a digit"),
        }
        if self.byte().is_ascii_digit() {
            return self.fail("a number with a leading zero");
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.byte(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.byte(), b'+' | b'-') {
                self.at += 1;
            }
            self.some_digits()?;
        }
        self.text.get(start..self.at)
    }

    fn some_digits(&mut self) -> Option<()> {
        if !self.byte().is_ascii_digit() {
            return self.fail("expected a digit");
        }
        self.digits();
        Some(())
    }

    #[inline]
    fn digits(&mut self) {
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Option<Value<'a>> {
        if !self
            .bytes
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word.as_bytes()))
        {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Some(value)
    }

    /// The byte at the cursor; 0, which JSON has nowhere, at the end.
    #[inline(always)]
    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    /// The first byte that is not white space; 0 at the end.
    #[inline(always)]
    fn peek(&mut self) -> u8 {
        loop {
            match self.byte() {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return byte,
            }
        }
    }

    #[cold]
    fn fail<T>(&mut self, message: &'static str) -> Option<T> {
        let message = if self.at >= self.bytes.len() && self.bytes.iter().any(|byte| !byte.is_ascii_whitespace()) {
            "the document ends too early"
        } else {
            message
        };
        self.wrong = (message, self.at);
        None
    }
}
