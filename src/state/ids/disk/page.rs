//! A page of a run: up to 255 sorted ids, and a trailer that says whose page it is and whether it is as it was written.
//!
//! `ids, 16 bytes each | count u16 | 0 u16 | run u32 | page u32 | crc32 of all before u32`, all little-endian; 4096 bytes.

pub(super) const PAGE: usize = 4096;
pub(super) const IDS: usize = 255;
const TRAILER: usize = IDS * 16;
const CHECKSUM: usize = PAGE - 4;

/// One page.
pub(super) struct Page([u8; PAGE]);

impl Page {
    pub const fn new() -> Self {
        Self([0; PAGE])
    }

    pub fn bytes(&self) -> &[u8; PAGE] {
        &self.0
    }

    /// To be read into; then to be verified.
    pub fn bytes_mut(&mut self) -> &mut [u8; PAGE] {
        &mut self.0
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        usize::from(u16::from_le_bytes(self.part(TRAILER)))
    }

    /// The id at a place.
    pub fn get(&self, place: usize) -> u128 {
        u128::from_le_bytes(self.part(place * 16))
    }

    pub fn ids(&self) -> impl Iterator<Item = u128> {
        (0..self.len()).map(|place| self.get(place))
    }

    /// Makes it page `page` of run `run`. At most [`IDS`] of `ids` are taken.
    pub fn fill(&mut self, ids: &[u128], run: u32, page: u32) {
        self.0 = [0; PAGE];
        let mut count = 0_u16;
        for (bytes, id) in self.0.chunks_exact_mut(16).take(IDS).zip(ids) {
            bytes.copy_from_slice(&id.to_le_bytes());
            count += 1;
        }
        self.set(TRAILER, &count.to_le_bytes());
        self.set(TRAILER + 4, &run.to_le_bytes());
        self.set(TRAILER + 8, &page.to_le_bytes());
        let checksum = self.checksum();
        self.set(CHECKSUM, &checksum.to_le_bytes());
    }

    /// Whether it is what was written as page `page` of run `run`.
    pub fn is_intact(&self, run: u32, page: u32) -> bool {
        self.checksum() == u32::from_le_bytes(self.part(CHECKSUM))
            && run == u32::from_le_bytes(self.part(TRAILER + 4))
            && page == u32::from_le_bytes(self.part(TRAILER + 8))
            && self.len() <= IDS
    }

    pub fn contains(&self, id: u128) -> bool {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            if self.get(middle) < id {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from < self.len() && self.get(from) == id
    }

    fn checksum(&self) -> u32 {
        crc32fast::hash(self.0.get(..CHECKSUM).unwrap_or_default())
    }

    fn part<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .unwrap_or([0; N])
    }

    fn set(&mut self, at: usize, bytes: &[u8]) {
        if let Some(part) = self.0.get_mut(at..at + bytes.len()) {
            part.copy_from_slice(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_ids_it_was_filled_with_and_no_others() {
        let ids: Vec<u128> = (0..IDS as u128).map(|n| n * 10 + 5).collect();
        for count in [0, 1, 2, 100, IDS] {
            let mut page = Page::new();
            page.fill(&ids[..count], 3, 4);
            assert!(page.is_intact(3, 4) && !page.is_intact(3, 5) && !page.is_intact(2, 4));
            assert_eq!(page.ids().collect::<Vec<_>>(), ids[..count]);
            for n in 0..=IDS as u128 * 10 {
                assert_eq!(page.contains(n), ids[..count].contains(&n), "{n} of {count}");
            }
        }
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let mut page = Page::new();
        page.fill(&[1, 2, 3], 3, 4);
        for bit in 0..PAGE * 8 {
            page.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
            assert!(!page.is_intact(3, 4), "bit {bit}");
            page.bytes_mut()[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(page.is_intact(3, 4));
    }
}
