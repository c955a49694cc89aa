//! What a store on disk knows of itself: its format, where it stands in its changelog, how many keys it has.

use crate::state::StateError;
use std::path::Path;

/// The first byte. Another meaning of what follows, or of the keys and values, is another number.
const FORMAT: u8 = 1;
const BYTES: usize = 18;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Meta {
    pub checkpoint: Option<i64>,
    pub keys: u64,
}

impl Meta {
    /// Format, whether there is a checkpoint, the checkpoint, the number of keys; big-endian.
    pub fn encode(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (head, rest) = bytes.split_at_mut(2);
        let (checkpoint, keys) = rest.split_at_mut(8);
        head.copy_from_slice(&[FORMAT, u8::from(self.checkpoint.is_some())]);
        checkpoint.copy_from_slice(&self.checkpoint.unwrap_or(0).to_be_bytes());
        keys.copy_from_slice(&self.keys.to_be_bytes());
        bytes
    }

    /// # Errors
    /// `Refused`: a format that this version does not know. `Damaged`: not what was written.
    pub fn decode(bytes: &[u8], store: &str, path: &Path) -> Result<Self, StateError> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(other) => {
                return Err(StateError::Refused(format!(
                    "store `{store}` in {} has format {other}, and this version knows {FORMAT} only: run the version that wrote it, or \
                     remove the folder, and the store is restored from its changelog",
                    path.display()
                )));
            }
            None => return Err(StateError::damaged(path, format!("store `{store}` has no format"))),
        }
        let numbers = || {
            let (head, rest) = bytes.split_first_chunk::<2>()?;
            let (checkpoint, rest) = rest.split_first_chunk::<8>()?;
            let (keys, rest) = rest.split_first_chunk::<8>()?;
            let checkpoint = (head.last() == Some(&1)).then_some(i64::from_be_bytes(*checkpoint));
            rest.is_empty().then_some(Self {
                checkpoint,
                keys: u64::from_be_bytes(*keys),
            })
        };
        numbers().ok_or_else(|| {
            let why = format!("what store `{store}` says of itself has {} bytes", bytes.len());
            StateError::damaged(path, why)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_it_wrote_and_refuses_what_it_does_not_know() {
        let path = Path::new("values");
        for checkpoint in [None, Some(0), Some(-1), Some(i64::MAX)] {
            let meta = Meta { checkpoint, keys: 7 };
            assert_eq!(Meta::decode(&meta.encode(), "s", path).unwrap(), meta);
        }
        let mut newer = Meta::default().encode();
        newer[0] = 2;
        assert!(matches!(Meta::decode(&newer, "s", path), Err(StateError::Refused(why)) if why.contains("format 2")));
        for short in [&newer[..0], &Meta::default().encode()[..17]] {
            assert!(matches!(
                Meta::decode(short, "s", path),
                Err(StateError::Damaged { .. })
            ));
        }
    }
}
