//! From a value straight to Avro's bytes.

mod union;
mod words;

use super::failure::{Done, Failure, failed, failure, name};
use super::logical;
use super::node::{Field, Id, Kind, Logical, Nodes, Record};
use super::{decimal, numbers, varint};
use crate::value::{DEPTH_LIMIT, Member, SecretNames, Value, write};

/// Where bytes go.
pub(super) trait Out {
    /// Whether anybody wants them.
    const WANTED: bool;
    fn put(&mut self, bytes: &[u8]);
    fn len(&self) -> usize;
    fn back_to(&mut self, len: usize);
}

impl Out for &mut Vec<u8> {
    const WANTED: bool = true;

    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn back_to(&mut self, len: usize) {
        self.truncate(len);
    }
}

/// For who only wants to know whether a value fits.
pub(super) struct Nowhere;

impl Out for Nowhere {
    const WANTED: bool = false;

    fn put(&mut self, _: &[u8]) {}

    fn len(&self) -> usize {
        0
    }

    fn back_to(&mut self, _: usize) {}
}

pub(super) struct Encoder<'s, O> {
    nodes: &'s Nodes,
    secrets: &'s SecretNames,
    out: O,
    /// How many unions are being tried that lie in each other, and how often a branch did not fit since the first of them.
    trying: usize,
    tries: usize,
    /// The JSON of a value, before its length is known.
    json: Vec<u8>,
}

impl<'s, O: Out> Encoder<'s, O> {
    /// Appends the value to `out`, which on a failure is as it was.
    pub fn encode(nodes: &'s Nodes, secrets: &'s SecretNames, value: &Value<'_>, out: O) -> Done<()> {
        let start = out.len();
        let mut encoder = Self {
            nodes,
            secrets,
            out,
            trying: 0,
            tries: 0,
            json: Vec::new(),
        };
        let done = encoder.value(nodes.root, value, 0);
        if done.is_err() {
            encoder.out.back_to(start);
        }
        done
    }

    fn value(&mut self, id: Id, value: &Value<'_>, depth: usize) -> Done<()> {
        if depth >= DEPTH_LIMIT && matches!(value, Value::Array(_) | Value::Object(_)) {
            return failed(format!("lists and objects are nested deeper than {DEPTH_LIMIT}"));
        }
        let node = self.nodes.get(id);
        match (&node.kind, node.logical, value) {
            (Kind::Record(record), _, Value::Object(members)) => return self.record(record, members, depth),
            (Kind::Union(union), _, value) => return self.union(union, value, depth),
            (Kind::String, None, Value::String(text)) => self.prefixed(text.as_bytes()),
            (Kind::String, Some(Logical::Json), value) => self.as_json(value),
            (Kind::Null, _, Value::Null) => {}
            (Kind::Boolean, _, Value::Bool(flag)) => self.out.put(&[u8::from(*flag)]),
            (Kind::Int, None, Value::Number(text)) => self.long(numbers::int(text).or_else(unfit)?.into()),
            (Kind::Long, None, Value::Number(text)) => self.long(numbers::whole(text).or_else(unfit)?),
            (Kind::Float, _, Value::Number(text)) => {
                let number = numbers::float(text).or_else(unfit)?;
                self.out.put(&number.to_le_bytes());
            }
            (Kind::Double, _, Value::Number(text)) => {
                let number = numbers::double(text).or_else(unfit)?;
                self.out.put(&number.to_le_bytes());
            }
            (Kind::Int, Some(logical), Value::Number(_) | Value::String(_)) => {
                let number = i32::try_from(logical::number(logical, value)?).or_else(|_| unfit("it is too large"))?;
                self.long(number.into());
            }
            (Kind::Long, Some(logical), Value::Number(_) | Value::String(_)) => {
                let number = logical::number(logical, value)?;
                self.long(number);
            }
            (Kind::String, Some(_), Value::String(text)) => match logical::uuid(text) {
                Some(_) => self.prefixed(text.as_bytes()),
                None => return failed("it is not the text of a UUID"),
            },
            (
                kind @ (Kind::Bytes | Kind::Fixed(..)),
                Some(Logical::Decimal { precision, scale }),
                Value::Number(text),
            ) => {
                let bytes = decimal::bytes(text, precision, scale).or_else(unfit)?;
                match kind {
                    Kind::Fixed(_, size) => match decimal::sized(&bytes, *size) {
                        Some(bytes) => self.out.put(&bytes),
                        None => return failed(format!("the number needs more than {size} bytes")),
                    },
                    _ => self.prefixed(&bytes),
                }
            }
            (Kind::Fixed(..), Some(Logical::Duration), Value::Object(members)) => return self.duration(members),
            (Kind::Fixed(..), Some(Logical::Uuid), Value::String(text)) => match logical::uuid(text) {
                Some(bytes) => self.out.put(&bytes),
                None => return failed("it is not the text of a UUID"),
            },
            (Kind::Bytes, None, Value::String(text)) => {
                self.long(length(text.chars().count()));
                return self.characters(text);
            }
            (Kind::Fixed(_, size), None, Value::String(text)) => {
                let found = text.chars().count();
                if found != *size {
                    return failed(format!("it has {found} characters, and {size} are needed, one a byte"));
                }
                return self.characters(text);
            }
            (Kind::Enum(of), _, Value::String(text)) => match of.symbols.iter().position(|symbol| **symbol == **text) {
                Some(symbol) => self.long(length(symbol)),
                None => return failed(words::symbols(of)),
            },
            (Kind::Array(of), _, Value::Array(elements)) => {
                if !elements.is_empty() {
                    self.long(length(elements.len()));
                    for (index, element) in elements.iter().enumerate() {
                        self.value(*of, element, depth + 1)
                            .map_err(|failure| failure.at(index))?;
                    }
                }
                self.out.put(&[0]);
            }
            (Kind::Map(of), _, Value::Object(members)) => return self.map(*of, members, depth),
            _ => {
                let (needed, found) = (node.described(), value.type_name());
                return failed(format!("{needed} is needed, and this is of type {found}"));
            }
        }
        Ok(())
    }

    fn long(&mut self, number: i64) {
        if (-64..64).contains(&number) {
            return self.out.put(&[((number << 1) ^ (number >> 63)) as u8]);
        }
        let mut bytes = [0; 10];
        let mut used = 0;
        let mut room = bytes.iter_mut();
        varint::put(number, &mut |byte| {
            if let Some(place) = room.next() {
                *place = byte;
                used += 1;
            }
        });
        self.out.put(bytes.get(..used).unwrap_or_default());
    }

    fn prefixed(&mut self, bytes: &[u8]) {
        self.long(length(bytes.len()));
        self.out.put(bytes);
    }

    /// The canonical JSON of a value, as a text.
    fn as_json(&mut self, value: &Value<'_>) {
        if O::WANTED {
            let mut json = std::mem::take(&mut self.json);
            json.clear();
            write(value, self.secrets, &mut json);
            self.prefixed(&json);
            self.json = json;
        }
    }

    /// One byte a character.
    fn characters(&mut self, text: &str) -> Done<()> {
        if text.is_ascii() {
            self.out.put(text.as_bytes());
            return Ok(());
        }
        for character in text.chars() {
            let Ok(byte) = u8::try_from(character) else {
                return failed("it has characters beyond U+00FF, and one byte a character is written");
            };
            self.out.put(&[byte]);
        }
        Ok(())
    }

    fn withheld(&self, member: &Member<'_>, members: &[Member<'_>]) -> bool {
        !self.secrets.is_empty() && self.secrets.withhold(member.0, members)
    }

    fn map(&mut self, of: Id, members: &[Member<'_>], depth: usize) -> Done<()> {
        let kept = || members.iter().filter(|member| !self.withheld(member, members));
        let count = if self.secrets.is_empty() {
            members.len()
        } else {
            kept().count()
        };
        if count > 0 {
            self.long(length(count));
            for member in members {
                if !self.withheld(member, members) {
                    self.prefixed(member.0.as_bytes());
                    self.value(of, &member.1, depth + 1)
                        .map_err(|failure| failure.under(member.0))?;
                }
            }
        }
        self.out.put(&[0]);
        Ok(())
    }

    fn record(&mut self, record: &Record, members: &[Member<'_>], depth: usize) -> Done<()> {
        // members that come in the order of the fields are found at once
        let mut next = 0;
        let mut found = 0;
        for (index, field) in record.fields.iter().enumerate() {
            if Some(index) == record.rest {
                // where every member was a field's, the last field has nothing left
                let none_left = found == members.len();
                self.rest(record, field, if none_left { &[] } else { members }, depth + 1)?;
                continue;
            }
            let is_it = |member: &&Member<'_>| *member.0 == *field.name;
            let member = match members.get(next).filter(is_it) {
                Some(member) => {
                    next += 1;
                    Some(member)
                }
                None => match members.iter().position(|member| is_it(&member)) {
                    Some(index) => {
                        next = index + 1;
                        members.get(index)
                    }
                    None => None,
                },
            };
            match member {
                Some(member) if !self.withheld(member, members) => {
                    found += 1;
                    self.value(field.node, &member.1, depth + 1)
                        .map_err(|failure| failure.under(&field.name))?;
                }
                _ => self.absent(field)?,
            }
        }
        if found < members.len() && record.rest.is_none() {
            self.only_fields(record, members)?;
        }
        Ok(())
    }

    /// The map of the members that no field has.
    fn rest(&mut self, record: &Record, field: &Field, members: &[Member<'_>], depth: usize) -> Done<()> {
        let Kind::Map(of) = self.nodes.get(field.node).kind else {
            return failed("the members that no field has need a map");
        };
        let is_left = |own: &Self, member: &Member<'_>| !record.has(member.0) && !own.withheld(member, members);
        let count = members.iter().filter(|member| is_left(self, member)).count();
        if count > 0 {
            self.long(length(count));
            for member in members {
                if is_left(self, member) {
                    self.prefixed(member.0.as_bytes());
                    self.value(of, &member.1, depth)
                        .map_err(|failure| failure.under(member.0))?;
                }
            }
        }
        self.out.put(&[0]);
        Ok(())
    }

    fn absent(&mut self, field: &Field) -> Done<()> {
        match &field.absent {
            Some(bytes) => {
                self.out.put(bytes);
                Ok(())
            }
            None => failed(format!(
                "no member `{}`, and the field has no default and takes no null",
                name(&field.name)
            )),
        }
    }

    /// That all members that are not withheld are fields.
    fn only_fields(&self, record: &Record, members: &[Member<'_>]) -> Done<()> {
        for member in members {
            let is_field = || record.fields.iter().any(|field| *field.name == *member.0);
            if !is_field() && !self.withheld(member, members) {
                let unknown: Box<Failure> =
                    failure(format!("the record `{}` has no such field", name(record.name.simple())));
                return Err(unknown.under(member.0));
            }
        }
        Ok(())
    }

    fn duration(&mut self, members: &[Member<'_>]) -> Done<()> {
        for part in logical::DURATION {
            let Some((_, value)) = members.iter().find(|(name, _)| *name == part) else {
                return failed(format!(
                    "a duration has `months`, `days` and `millis`, and `{part}` is missing"
                ));
            };
            let number = match value {
                Value::Number(text) => numbers::whole(text).ok().and_then(|number| u32::try_from(number).ok()),
                _ => None,
            };
            match number {
                Some(number) => self.out.put(&number.to_le_bytes()),
                None => return Err(failure("a whole number of 32 bits, not below zero, is needed").under(part)),
            }
        }
        if members.len() > logical::DURATION.len() {
            return failed("a duration has `months`, `days` and `millis` alone");
        }
        Ok(())
    }
}

fn unfit<T>(why: &'static str) -> Done<T> {
    failed(format!("the number does not fit: {why}"))
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
