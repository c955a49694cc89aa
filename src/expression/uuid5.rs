//! `uuid5(a, b, ...)`: an id made of texts.

use super::functions::Answer;
use crate::value::{Value, to_text};
use bumpalo::Bump;
use uuid::Uuid;

/// The namespace of `uuid5`: the UUIDv5 of the name `millstream` in the namespace of DNS names. Never to be changed, as
/// ids that were given would come out differently.
pub const NAMESPACE: Uuid = Uuid::from_u128(0x4ae1_1f3c_c2b5_5f2c_ab43_1c47_be5e_e196);

/// The UUIDv5 over texts, and the canonical JSON of anything else, joined by line feeds.
pub fn uuid5<'v>(parts: impl Iterator<Item = &'v Value<'v>>) -> Uuid {
    let mut name = String::new();
    for (index, part) in parts.enumerate() {
        if index > 0 {
            name.push('\n');
        }
        match part {
            Value::String(text) => name.push_str(text),
            other => name.push_str(&to_text(other)),
        }
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

pub(super) fn uuid5_text<'a>(arguments: &[Option<Value<'a>>], arena: &'a Bump) -> Answer<'a> {
    if arguments.iter().any(Option::is_none) {
        return Ok(None);
    }
    let mut buffer = Uuid::encode_buffer();
    let id = uuid5(arguments.iter().flatten());
    Ok(Some(Value::String(
        arena.alloc_str(id.hyphenated().encode_lower(&mut buffer)),
    )))
}
