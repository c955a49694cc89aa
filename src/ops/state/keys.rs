//! Keys and ids as people write and read them.

use crate::codec::Codec;
use crate::value::{SecretNames, Value, parse, to_text};
use bumpalo::Bump;
use uuid::{Uuid, Variant};

/// The bytes of a key that is written as text: a number for the codecs of numbers, JSON for `json`.
///
/// # Errors
/// The text is no key of that codec.
pub(super) fn read(text: &str, codec: Codec) -> Result<Vec<u8>, String> {
    let arena = Bump::new();
    let failed = |why: String| format!("no key of codec `{}`: {why}", codec.name());
    let value = match codec {
        Codec::String | Codec::Raw => Value::String(text),
        Codec::Json | Codec::Int32 | Codec::Int64 | Codec::Double => {
            parse(text.as_bytes(), &arena).map_err(|error| failed(error.to_string()))?
        }
    };
    let mut bytes = Vec::new();
    let encoded = codec.encode(&value, &SecretNames::default(), &mut bytes);
    encoded.map_err(|error| failed(error.to_string())).map(|()| bytes)
}

/// A key as text; what is none of the codec, as `0x` and hexadecimal digits.
pub fn shown_key(bytes: &[u8], codec: Codec) -> String {
    let arena = Bump::new();
    match codec.decode(bytes, &arena) {
        Ok(Value::String(text)) if !matches!(codec, Codec::Json) && !text.contains(char::is_control) => text.to_owned(),
        Ok(value) => to_text(&value),
        Err(_) => hex(bytes),
    }
}

/// An id: a UUID is shown as one, the hash of any other id by its hexadecimal digits.
pub fn shown_id(id: u128) -> String {
    let uuid = Uuid::from_u128(id);
    match uuid.get_variant() {
        Variant::RFC4122 => uuid.hyphenated().to_string(),
        _ => hex(&id.to_be_bytes()),
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("0x{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_shown_by_its_codec() {
        for (codec, text, bytes) in [
            (Codec::String, "c 1", &b"c 1"[..]),
            (Codec::Int32, "-2", &[255, 255, 255, 254]),
            (Codec::Int64, "258", &[0, 0, 0, 0, 0, 0, 1, 2]),
            (Codec::Double, "1.5", &[63, 248, 0, 0, 0, 0, 0, 0]),
            (Codec::Json, r#"{"a":1}"#, br#"{"a":1}"#),
            (Codec::Json, r#""x""#, br#""x""#),
            (Codec::Raw, "\u{ff}\u{61}", &[255, 97]),
        ] {
            assert_eq!(read(text, codec).as_deref(), Ok(bytes), "{codec:?}");
            assert_eq!(shown_key(bytes, codec), text, "{codec:?}");
        }
        assert_eq!(
            read(r#"{"b": 1, "a": 2}"#, Codec::Json).as_deref(),
            Ok(&br#"{"a":2,"b":1}"#[..])
        );
    }

    #[test]
    fn what_is_no_key_of_a_codec_is_refused_and_shown_by_its_digits() {
        for (codec, text) in [
            (Codec::Int32, "x"),
            (Codec::Int32, "4294967296"),
            (Codec::Json, "{"),
            (Codec::Int64, "\"1\""),
        ] {
            let why = read(text, codec).unwrap_err();
            assert!(why.contains(codec.name()), "{why}");
        }
        assert_eq!(shown_key(&[1, 2], Codec::Int32), "0x0102");
        assert_eq!(shown_key(&[255], Codec::String), "0xff");
        assert_eq!(shown_key(b"a\tb\n", Codec::String), r#""a\tb\n""#);
    }

    #[test]
    fn an_id_is_shown_as_the_uuid_that_it_is_or_by_its_digits() {
        let uuid = "6d2be0b1-b53c-4e0a-9f5c-b0a7dd4a1f3e";
        assert_eq!(shown_id(uuid.parse::<Uuid>().unwrap().as_u128()), uuid);
        assert_eq!(shown_id(3 << 62), "0x0000000000000000c000000000000000");
    }
}
