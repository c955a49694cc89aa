//! The writer: one form for equal values, so that equal events are equal bytes.

use super::scan::plain_until;
use super::{Member, SecretNames, Value};

/// Objects up to this size are put in order on the stack.
const SORTED_ON_STACK: usize = 64;

/// Writes canonical JSON: keys sorted by their bytes, no white space, the last of repeated keys, secrets left out at
/// any depth ([`SecretNames::withhold`]). Numbers are written as they came. What is written is appended to `out`.
pub fn write(value: &Value<'_>, secrets: &SecretNames, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(text) => out.extend_from_slice(text.as_bytes()),
        Value::String(text) => write_string(text, out),
        Value::Array(elements) => {
            out.push(b'[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write(element, secrets, out);
            }
            out.push(b']');
        }
        Value::Object(members) => write_object(members, secrets, out),
    }
}

/// The canonical JSON of a value as text, nothing left out.
pub fn to_text(value: &Value<'_>) -> String {
    let mut out = Vec::new();
    write(value, &SecretNames::default(), &mut out);
    // what was written is made of `str`s and ASCII
    String::from_utf8(out).unwrap_or_default()
}

fn write_object(members: &[Member<'_>], secrets: &SecretNames, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    if members.is_sorted_by(|(one, _), (other, _)| one < other) {
        for member in members {
            write_member(member, members, secrets, start, out);
        }
    } else if members.len() <= SORTED_ON_STACK {
        write_sorted(members, &mut [0; SORTED_ON_STACK], secrets, start, out);
    } else {
        write_sorted(members, &mut vec![0; members.len()], secrets, start, out);
    }
    out.push(b'}');
}

/// Writes members in the order of their names by sorting their indices; `order` has room for as many.
fn write_sorted(members: &[Member<'_>], order: &mut [u32], secrets: &SecretNames, start: usize, out: &mut Vec<u8>) {
    let order = order.get_mut(..members.len()).unwrap_or_default();
    for (position, index) in order.iter_mut().zip(0..) {
        *position = index;
    }
    let member = |index: &u32| members.get(*index as usize);
    let name = |index: &u32| member(index).map(|(name, _)| *name);
    // by index where names repeat, so that the last of them comes last
    order.sort_unstable_by_key(|index| (name(index), *index));
    let mut rest = order.iter().peekable();
    while let Some(index) = rest.next() {
        let repeated = rest.peek().is_some_and(|next| name(next) == name(index));
        if let (false, Some(member)) = (repeated, member(index)) {
            write_member(member, members, secrets, start, out);
        }
    }
}

#[inline]
fn write_member(
    (name, value): &Member<'_>,
    members: &[Member<'_>],
    secrets: &SecretNames,
    start: usize,
    out: &mut Vec<u8>,
) {
    if secrets.withhold(name, members) {
        return;
    }
    if out.len() > start {
        out.push(b',');
    }
    write_string(name, out);
    out.push(b':');
    write(value, secrets, out);
}

#[inline]
fn write_string(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    out.push(b'"');
    let mut start = 0;
    loop {
        let end = plain_until(bytes, start);
        out.extend_from_slice(bytes.get(start..end).unwrap_or_default());
        let Some(special) = bytes.get(end) else { break };
        write_escape(*special, out);
        start = end + 1;
    }
    out.push(b'"');
}

#[cold]
fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |half: u8| HEX.get(half as usize).copied().unwrap_or(b'0');
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
