//! A changelog record of an id store: the key is the id's 16 bytes, the value the 8 bytes of its event time (both big-endian).

use super::IdWrite;
use crate::state::ChangelogError;

/// Key and value of the changelog record for a write.
pub fn encode_id(write: IdWrite) -> ([u8; 16], [u8; 8]) {
    (write.id.to_be_bytes(), write.time.to_be_bytes())
}

/// The write that a changelog record stands for.
///
/// # Errors
/// When key or value have not the size that [`encode_id`] gives them.
pub fn decode_id(key: Option<&[u8]>, value: Option<&[u8]>) -> Result<IdWrite, ChangelogError> {
    let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
    match (<[u8; 16]>::try_from(key), <[u8; 8]>::try_from(value)) {
        (Ok(id), Ok(time)) => Ok(IdWrite {
            id: u128::from_be_bytes(id),
            time: i64::from_be_bytes(time),
        }),
        _ => Err(ChangelogError(format!(
            "a key of {} and a value of {} bytes where an id has 16 and its time 8",
            key.len(),
            value.len()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_comes_back_as_it_went() {
        let write = IdWrite {
            id: u128::MAX - 7,
            time: -3,
        };
        let (key, value) = encode_id(write);
        assert_eq!(decode_id(Some(&key), Some(&value)), Ok(write));
    }

    #[test]
    fn a_record_of_somebody_else_is_refused() {
        assert!(decode_id(Some(b"hello"), Some(b"12345678")).is_err());
        assert!(decode_id(None, None).is_err());
    }
}
