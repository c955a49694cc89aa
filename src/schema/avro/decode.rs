//! From Avro's bytes straight to a value in the arena.
//!
//! Bytes are foreign: nothing is allocated for what they promise, only for what they hold. Values that take no bytes at all (nulls,
//! empty records, defaults) are counted, as a few bytes can promise any number of them.

mod make;
mod skip;

use super::failure::{Done, failed, failure};
use super::logical;
use super::resolve::{Fill, Plan, Read, RecordStep, Show, ShowFixed, Step, StepId};
use super::{decimal, numbers, varint};
use crate::value::{DEPTH_LIMIT, Member, Value, parse};
use bumpalo::Bump;
use make::{characters, last_of_each, real, spread};

/// As many values, and as many more with each byte, may come of some bytes.
const VALUES: usize = 100_000;
const VALUES_PER_BYTE: usize = 16;

/// The value that all of `bytes` stand for, from one of the plan's steps on.
pub(super) fn whole<'a>(plan: &Plan, root: StepId, bytes: &'a [u8], arena: &'a Bump) -> Done<Value<'a>> {
    let mut decoder = Decoding {
        plan,
        rest: bytes,
        arena,
        names: arena.alloc_str(&plan.names),
        left: bytes.len().saturating_mul(VALUES_PER_BYTE).saturating_add(VALUES),
        elements: Vec::new(),
        members: Vec::new(),
    };
    let value = decoder.value(root, 0)?;
    match decoder.rest.len() {
        0 => Ok(value),
        more => failed(format!("{more} bytes follow the end of the value")),
    }
}

struct Decoding<'p, 'a> {
    plan: &'p Plan,
    rest: &'a [u8],
    arena: &'a Bump,
    /// The plan's names, in the arena.
    names: &'a str,
    /// As many values may still come.
    left: usize,
    /// What open lists and maps have so far.
    elements: Vec<Value<'a>>,
    members: Vec<Member<'a>>,
}

const ENDS: &str = "the bytes end within the value";

impl<'a> Decoding<'_, 'a> {
    fn take(&mut self, count: usize) -> Done<&'a [u8]> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => failed(ENDS),
        }
    }

    fn sized<const N: usize>(&mut self) -> Done<[u8; N]> {
        match self.rest.split_first_chunk() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => failed(ENDS),
        }
    }

    #[inline]
    fn long(&mut self) -> Done<i64> {
        match varint::take(self.rest) {
            Some((number, rest)) => {
                self.rest = rest;
                Ok(number)
            }
            None => failed("a number that does not end, or is longer than 64 bits"),
        }
    }

    fn int(&mut self) -> Done<i32> {
        i32::try_from(self.long()?).or_else(|_| failed("an int is longer than 32 bits"))
    }

    /// Bytes after their length.
    #[inline]
    fn prefixed(&mut self) -> Done<&'a [u8]> {
        let length = self.long()?;
        match usize::try_from(length).ok().filter(|length| *length <= self.rest.len()) {
            Some(length) => self.take(length),
            None if length < 0 => failed("a length is below zero"),
            None => failed("a length goes beyond the end of the bytes"),
        }
    }

    #[inline]
    fn text(&mut self) -> Done<&'a str> {
        let bytes = self.prefixed()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text),
            Err(error) => failed(format!(
                "the text is not UTF-8 from its byte {} on",
                error.valid_up_to()
            )),
        }
    }

    /// Counts a value.
    #[inline]
    fn spend(&mut self, values: usize) -> Done<()> {
        match self.left.checked_sub(values) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => failed("there are more values than so many bytes may stand for"),
        }
    }

    fn value(&mut self, id: StepId, depth: usize) -> Done<Value<'a>> {
        self.spend(1)?;
        let plan = self.plan;
        Ok(match plan.step(id) {
            Step::Null => Value::Null,
            Step::Boolean => Value::Bool(self.boolean()?),
            Step::Text => Value::String(self.text()?),
            Step::Number(read, show) => return self.number(*read, *show),
            Step::Record(record) => return self.record(record, depth),
            Step::Union(branches) => {
                let step = self.branch(branches)?;
                return self.value(step, depth);
            }
            Step::Json => {
                let text = self.text()?;
                return parse(text.as_bytes(), self.arena).or_else(|_| failed("the text is not JSON"));
            }
            Step::UuidText => {
                let text = self.text()?;
                if logical::uuid(text).is_none() {
                    return failed("it is not the text of a UUID");
                }
                Value::String(text)
            }
            Step::Characters => Value::String(characters(self.prefixed()?, self.arena)),
            Step::Decimal { precision, scale } => {
                let bytes = self.prefixed()?;
                Value::Number(decimal::shown(bytes, *precision, *scale, self.arena).or_else(failed)?)
            }
            Step::Fixed(size, show) => return self.fixed(*size, *show),
            Step::Enum(symbols) => {
                let index = self.int()?;
                match usize::try_from(index).ok().and_then(|index| symbols.get(index)) {
                    Some(Some(symbol)) => Value::String(self.arena.alloc_str(symbol)),
                    Some(None) => {
                        return failed("a symbol that the reader's enum does not have, and it has no default");
                    }
                    None => return failed("a number of a symbol that the enum does not have"),
                }
            }
            Step::Array(of) => return self.array(*of, depth),
            Step::Map(of) => return self.map(*of, depth),
            Step::Never(why) => return failed(why.clone()),
        })
    }

    fn boolean(&mut self) -> Done<bool> {
        match self.sized()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [_] => failed("a boolean is neither 0 nor 1"),
        }
    }

    fn branch(&mut self, branches: &[StepId]) -> Done<StepId> {
        let index = self.long()?;
        match usize::try_from(index).ok().and_then(|index| branches.get(index)) {
            Some(step) => Ok(*step),
            None => failed("a number of a branch that the union does not have"),
        }
    }

    fn number(&mut self, read: Read, show: Show) -> Done<Value<'a>> {
        let whole = match read {
            Read::Int => i64::from(self.int()?),
            Read::Long => self.long()?,
            Read::Float => {
                let number = f32::from_le_bytes(self.sized()?);
                return match show {
                    Show::Double => real(number.is_finite(), f64::from(number), self.arena),
                    _ => real(number.is_finite(), number, self.arena),
                };
            }
            Read::Double => {
                let number = f64::from_le_bytes(self.sized()?);
                return real(number.is_finite(), number, self.arena);
            }
        };
        match show {
            Show::Whole => Ok(Value::Number(numbers::shown(whole, self.arena))),
            Show::Logical(logical) => logical::shown(logical, whole, self.arena),
            Show::Float => match numbers::whole_float(whole.into()) {
                Some(number) => real(true, number, self.arena),
                None => failed("the whole number has more digits than a float keeps"),
            },
            Show::Double => match numbers::whole_double(whole.into()) {
                Some(number) => real(true, number, self.arena),
                None => failed("the whole number has more digits than a double keeps"),
            },
        }
    }

    fn fixed(&mut self, size: usize, show: ShowFixed) -> Done<Value<'a>> {
        let bytes = self.take(size)?;
        Ok(match show {
            ShowFixed::Characters => Value::String(characters(bytes, self.arena)),
            ShowFixed::Decimal { precision, scale } => {
                Value::Number(decimal::shown(bytes, precision, scale, self.arena).or_else(failed)?)
            }
            ShowFixed::Uuid => Value::String(logical::shown_uuid(bytes, self.arena)),
            ShowFixed::Duration => {
                let members = self
                    .arena
                    .alloc_slice_fill_copy(logical::DURATION.len(), ("", Value::Null));
                let parts = bytes.as_chunks().0.iter();
                for (place, (name, part)) in members.iter_mut().zip(logical::DURATION.into_iter().zip(parts)) {
                    let number = i64::from(u32::from_le_bytes(*part));
                    *place = (name, Value::Number(numbers::shown(number, self.arena)));
                }
                Value::Object(members)
            }
        })
    }

    fn deeper(&self, depth: usize) -> Done<usize> {
        if depth >= DEPTH_LIMIT {
            return failed(format!("lists and objects are nested deeper than {DEPTH_LIMIT}"));
        }
        Ok(depth + 1)
    }

    fn record(&mut self, record: &RecordStep, depth: usize) -> Done<Value<'a>> {
        let depth = self.deeper(depth)?;
        let members = self.arena.alloc_slice_fill_with(record.names.len(), |index| {
            let range = record.names.get(index).cloned().unwrap_or_default();
            (self.names.get(range).unwrap_or_default(), Value::Null)
        });
        for (step, slot) in &record.fields {
            match slot.and_then(|slot| members.get_mut(slot)) {
                Some((name, place)) => {
                    *place = self.value(*step, depth).map_err(|failure| failure.under(name))?;
                }
                None => self.skip(*step, depth)?,
            }
        }
        for (slot, fill) in &record.fills {
            if let Some((_, place)) = members.get_mut(*slot) {
                *place = self.fill(fill)?;
            }
        }
        Ok(Value::Object(match record.rest {
            Some(rest) => spread(members, rest, self.arena),
            None => members,
        }))
    }

    fn fill(&mut self, fill: &Fill) -> Done<Value<'a>> {
        match fill {
            Fill::Null => self.spend(1).map(|()| Value::Null),
            Fill::Bool(flag) => self.spend(1).map(|()| Value::Bool(*flag)),
            Fill::Json(text) => {
                self.spend(1 + text.len() / 8)?;
                let text = self.arena.alloc_str(text);
                parse(text.as_bytes(), self.arena).map_err(|error| failure(format!("a default is not JSON: {error}")))
            }
        }
    }

    /// How many elements the next block of a list or map has; none is the end.
    fn block(&mut self) -> Done<u64> {
        let count = self.long()?;
        if count < 0 {
            // its size in bytes, for those who pass over it
            let size = self.long()?;
            if usize::try_from(size).is_ok_and(|size| size <= self.rest.len()) {
                return Ok(count.unsigned_abs());
            }
            return failed("the size of a block goes beyond the end of the bytes");
        }
        Ok(count.unsigned_abs())
    }

    fn array(&mut self, of: StepId, depth: usize) -> Done<Value<'a>> {
        let depth = self.deeper(depth)?;
        let start = self.elements.len();
        loop {
            let count = self.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let index = self.elements.len() - start;
                let element = self.value(of, depth).map_err(|failure| failure.at(index))?;
                self.elements.push(element);
            }
        }
        let list = self
            .arena
            .alloc_slice_copy(self.elements.get(start..).unwrap_or_default());
        self.elements.truncate(start);
        Ok(Value::Array(list))
    }

    fn map(&mut self, of: StepId, depth: usize) -> Done<Value<'a>> {
        let depth = self.deeper(depth)?;
        let start = self.members.len();
        loop {
            let count = self.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                let name = self.text()?;
                let value = self.value(of, depth).map_err(|failure| failure.under(name))?;
                self.members.push((name, value));
            }
        }
        let kept = last_of_each(&mut self.members, start);
        let members = self
            .arena
            .alloc_slice_copy(self.members.get(start..kept).unwrap_or_default());
        self.members.truncate(start);
        Ok(Value::Object(members))
    }
}
