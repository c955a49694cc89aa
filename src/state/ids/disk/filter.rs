//! A blocked Bloom filter: whether a run may have an id, for one line of the processor's cache a look-up.
//!
//! A block is eight words of 64 bits; an id sets one bit in each word. The block is chosen by the id's high bits, so that the
//! sorted ids of a run fill one block after the other: a filter is written while ids stream by, in bounded memory.
//! With 12 bits an id, one id in 200 that the run has not is taken for one that it may have (a test holds it).

use crate::state::budget::Held;

const WORDS: usize = 8;
/// Bytes of a block.
pub(super) const BLOCK: usize = WORDS * 8;
const BITS_PER_ID: usize = 12;

/// How many blocks the filter of so many ids has.
pub(super) fn blocks(ids: usize) -> usize {
    (ids * BITS_PER_ID).div_ceil(BLOCK * 8).max(1)
}

fn block_of(high: u64, blocks: usize) -> usize {
    ((u128::from(high) * blocks as u128) >> 64) as usize
}

fn bits_of(low: u64) -> [u64; WORDS] {
    std::array::from_fn(|word| 1 << ((low >> (word * 6)) & 63))
}

/// An id as filters are asked for it.
pub(super) struct Probe {
    high: u64,
    bits: [u64; WORDS],
}

impl Probe {
    /// `id` mixed.
    pub fn of(id: u128) -> Self {
        Self {
            high: (id >> 64) as u64,
            bits: bits_of(id as u64),
        }
    }
}

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Block([u64; WORDS]);

/// A filter in memory.
pub(super) struct Filter {
    blocks: Box<[Block]>,
    /// The memory it has; `None`: it is not in memory and says `maybe` to everything.
    held: Option<Held>,
}

impl Filter {
    /// Stands in for a filter that is not in memory.
    pub fn absent() -> Self {
        Self {
            blocks: Box::new([Block([u64::MAX; WORDS])]),
            held: None,
        }
    }

    /// A filter of `blocks` blocks without ids, to be filled by [`Self::set_block`].
    pub fn empty(blocks: usize, held: Held) -> Self {
        Self {
            blocks: vec![Block([0; WORDS]); blocks].into(),
            held: Some(held),
        }
    }

    pub fn is_absent(&self) -> bool {
        self.held.is_none()
    }

    /// Sets a block as it was written.
    pub fn set_block(&mut self, block: usize, bytes: &[u8]) {
        if let Some(Block(words)) = self.blocks.get_mut(block) {
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u64::from_le_bytes(*bytes);
            }
        }
    }

    /// Whether the run may have the id; `false` is certain.
    #[inline]
    pub fn may_contain(&self, probe: &Probe) -> bool {
        let Some(Block(words)) = self.blocks.get(block_of(probe.high, self.blocks.len())) else {
            return true;
        };
        let missing = words
            .iter()
            .zip(&probe.bits)
            .fold(0, |missing, (word, bit)| missing | (bit & !word));
        missing == 0
    }
}

/// Writes a filter block by block, of ids in their order.
pub(super) struct FilterWriter {
    blocks: usize,
    block: usize,
    words: [u64; WORDS],
}

impl FilterWriter {
    pub fn new(ids: usize) -> Self {
        Self {
            blocks: blocks(ids),
            block: 0,
            words: [0; WORDS],
        }
    }

    /// Takes the next id; blocks that are done go to `out`.
    pub fn add(&mut self, id: u128, out: &mut Vec<u8>) {
        let block = block_of((id >> 64) as u64, self.blocks);
        self.go_to(block, out);
        for (word, bit) in self.words.iter_mut().zip(bits_of(id as u64)) {
            *word |= bit;
        }
    }

    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.go_to(self.blocks, out);
    }

    fn go_to(&mut self, block: usize, out: &mut Vec<u8>) {
        while self.block < block {
            for word in std::mem::take(&mut self.words) {
                out.extend_from_slice(&word.to_le_bytes());
            }
            self.block += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::mix::mix;
    use super::*;
    use crate::state::budget::{Budget, Use};

    fn filter(ids: &[u128]) -> Filter {
        let mut bytes = Vec::new();
        let mut writer = FilterWriter::new(ids.len());
        ids.iter().for_each(|id| writer.add(*id, &mut bytes));
        writer.finish(&mut bytes);
        assert_eq!(bytes.len(), blocks(ids.len()) * BLOCK);
        let held = Budget::new(0).hold(Use::Cache, bytes.len());
        let mut filter = Filter::empty(blocks(ids.len()), held);
        for (block, bytes) in bytes.chunks(BLOCK).enumerate() {
            filter.set_block(block, bytes);
        }
        filter
    }

    #[test]
    fn it_knows_every_id_and_takes_one_stranger_in_200_for_known() {
        let mut ids: Vec<u128> = (0..100_000).map(mix).collect();
        ids.sort_unstable();
        let filter = filter(&ids);
        assert!(ids.iter().all(|id| filter.may_contain(&Probe::of(*id))));
        let strangers = (0..100_000).filter(|n| filter.may_contain(&Probe::of(mix(1 << 70 | n))));
        let taken = strangers.count();
        assert!(taken < 600, "{taken} of 100000");
    }

    #[test]
    fn one_without_ids_has_none_and_an_absent_one_may_have_any() {
        let empty = filter(&[]);
        let absent = Filter::absent();
        for n in 0..1_000 {
            assert!(!empty.may_contain(&Probe::of(mix(n))));
            assert!(absent.may_contain(&Probe::of(mix(n))));
        }
    }
}
