//! What a file has, as a program sees it and as it is on the disk.

use super::Random;
use std::io::{self, ErrorKind};

#[derive(Default)]
pub struct Node {
    seen: Vec<u8>,
    durable: Vec<u8>,
    /// The smallest size that it was cut to since it was synced.
    cut: Option<usize>,
}

impl Node {
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    pub fn read(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).unwrap();
        let Some(bytes) = self.seen.get(offset..offset + buffer.len()) else {
            return Err(ErrorKind::UnexpectedEof.into());
        };
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    pub fn append(&mut self, bytes: &[u8]) {
        self.seen.extend_from_slice(bytes);
    }

    pub fn cut(&mut self, size: usize) {
        self.seen.truncate(size);
        if size < self.durable.len() {
            self.cut = Some(self.cut.map_or(size, |cut| cut.min(size)));
        }
    }

    pub fn sync(&mut self) {
        let same = self.cut.take().unwrap_or(self.durable.len());
        self.durable.truncate(same);
        self.durable.extend_from_slice(&self.seen[same..]);
    }

    pub fn flip(&mut self, random: &mut Random) {
        let (byte, bit) = (random.below(self.seen.len()), random.below(8));
        self.seen[byte] ^= 1 << bit;
        if byte < self.cut.unwrap_or(self.durable.len()) {
            self.durable[byte] ^= 1 << bit;
        }
    }

    /// A part of what is not synced comes to the disk.
    pub fn crash(&mut self, random: &mut Random) {
        let same = self.cut.take().unwrap_or(self.durable.len());
        let mut new = self.seen[same..].to_vec();
        if !new.is_empty() {
            new.truncate(random.below(new.len() + 1));
            tear(&mut new, random);
        }
        let mut left = std::mem::take(&mut self.durable);
        if random.one_in(2) {
            left.truncate(same);
        }
        // Where the cut is lost, what is new lies over what was there.
        let end = (same + new.len()).min(left.len());
        left.splice(same..end, new);
        self.seen = left.clone();
        self.durable = left;
    }
}

/// The end of a write may be anything.
fn tear(new: &mut [u8], random: &mut Random) {
    let from = random.below(new.len() + 1);
    match random.below(4) {
        0 => new[from..].fill(0),
        1 => new[from..].fill_with(|| random.next() as u8),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_synced_survives_and_what_is_not_may_be_lost_or_torn() {
        let mut whole = 0;
        for seed in 0..300 {
            let mut node = Node::default();
            node.append(b"synced");
            node.sync();
            node.append(b"appended");
            node.crash(&mut Random(seed));
            assert!(node.seen.starts_with(b"synced") && node.len() <= 14, "seed {seed}");
            whole += usize::from(node.seen == b"syncedappended");
        }
        assert!((1..100).contains(&whole), "{whole}");
    }

    #[test]
    fn a_cut_that_is_not_synced_may_be_lost_under_what_was_appended() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..300 {
            let mut node = Node::default();
            node.append(b"0123456789");
            node.sync();
            node.cut(4);
            node.append(b"ab");
            node.crash(&mut Random(seed));
            assert!(node.seen.starts_with(b"0123"), "seed {seed}");
            seen.insert(String::from_utf8_lossy(&node.seen).into_owned());
        }
        for possible in ["0123", "0123a", "0123ab", "0123456789", "0123ab6789"] {
            assert!(seen.contains(possible), "{possible}");
        }
    }
}
