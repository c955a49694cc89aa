//! Confluent's wire format: a zero byte, the schema's id in four bytes, big-endian, then what was written with that schema.

use super::CodecError;

/// Bytes, taken apart.
pub(super) struct Framed<'b> {
    pub id: u32,
    pub body: &'b [u8],
}

/// # Errors
/// Bytes that are not framed.
pub(super) fn read(bytes: &[u8]) -> Result<Framed<'_>, CodecError> {
    match bytes {
        [0, a, b, c, d, body @ ..] => Ok(Framed {
            id: u32::from_be_bytes([*a, *b, *c, *d]),
            body,
        }),
        [0, ..] | [] => Err(CodecError(format!(
            "not framed with a schema's id: 5 bytes and more are needed, and here are {}",
            bytes.len()
        ))),
        [first, ..] => Err(CodecError(format!(
            "not framed with a schema's id: the first byte is {first} and not 0"
        ))),
    }
}

pub(super) fn write(id: u32, out: &mut Vec<u8>) {
    out.push(0);
    out.extend_from_slice(&id.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_framed_is_taken_apart_again() {
        let mut bytes = Vec::new();
        write(0x0102_0304, &mut bytes);
        bytes.push(9);
        assert_eq!(bytes, [0, 1, 2, 3, 4, 9]);
        let framed = read(&bytes).unwrap();
        assert_eq!((framed.id, framed.body), (0x0102_0304, &[9][..]));
    }

    #[test]
    fn what_is_not_framed_is_refused_with_the_reason() {
        let why = |bytes: &[u8]| read(bytes).map(|framed| framed.id).unwrap_err().to_string();
        assert!(why(&[]).contains("here are 0"));
        assert!(why(&[0, 1, 2, 3]).contains("here are 4"));
        assert!(why(b"{\"a\": 1}").contains("the first byte is 123"));
    }
}
