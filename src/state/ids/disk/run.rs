//! A run: a sorted file of ids. A look-up is one page, read and verified.
//!
//! The file: pages of ids, all full but the last; the first eight bytes of each page's first id (the index, kept in memory);
//! the filter; a footer. Index, filter and footer have a checksum each. Ids are mixed, numbers little-endian.

use super::filter::{self, Filter};
use super::manifest::RunInfo;
use super::page::{self, PAGE, Page};
use super::place::{Place, PlacedFile};
use crate::state::StateError;
use crate::state::budget::{Held, Use};

const MAGIC: [u8; 8] = *b"msidrun1";
pub(super) const FOOTER: usize = 48;
/// How much of a filter is read at once; a multiple of a block.
const CHUNK: usize = 64 << 10;

pub(super) struct Run {
    info: RunInfo,
    file: PlacedFile,
    /// The high half of the first id of each page.
    index: Box<[u64]>,
    filter_checksum: u32,
    _held: Held,
}

pub(super) fn name(number: u32) -> String {
    format!("run-{number}")
}

/// Checksums of the parts of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Checksums {
    pub index: u32,
    pub filter: u32,
}

impl Run {
    /// Opens a run of the manifest.
    pub fn open(place: &Place, info: RunInfo) -> Result<Self, StateError> {
        let file = place.open(&name(info.number))?;
        let pages = info.ids.div_ceil(page::IDS);
        let expected = filter_at(&info) + (filter::blocks(info.ids) * filter::BLOCK + FOOTER) as u64;
        if file.size()? != expected {
            return Err(file.damaged("its size is not what the manifest says"));
        }
        let mut bytes = [0; FOOTER];
        file.read(&mut bytes, expected - FOOTER as u64)?;
        let checksums = read_footer(&bytes, &info).ok_or_else(|| file.damaged("its footer is wrong"))?;
        let held = place.budget.hold(Use::Cache, pages * 8);
        let mut bytes = vec![0; pages * 8];
        file.read(&mut bytes, (pages * PAGE) as u64)?;
        if crc32fast::hash(&bytes) != checksums.index {
            return Err(file.damaged("its index is wrong"));
        }
        Ok(Self {
            info,
            file,
            index: bytes
                .as_chunks()
                .0
                .iter()
                .map(|high| u64::from_le_bytes(*high))
                .collect(),
            filter_checksum: checksums.filter,
            _held: held,
        })
    }

    pub fn info(&self) -> RunInfo {
        self.info
    }

    /// The memory that its filter takes, in bytes.
    pub fn filter_size(&self) -> usize {
        filter::blocks(self.info.ids) * filter::BLOCK
    }

    /// Reads the filter.
    pub fn filter(&self, held: Held) -> Result<Filter, StateError> {
        let size = self.filter_size();
        let mut filter = Filter::empty(size / filter::BLOCK, held);
        let mut buffer = vec![0; CHUNK.min(size)];
        let mut hasher = crc32fast::Hasher::new();
        for start in (0..size).step_by(CHUNK) {
            let part = buffer.get_mut(..CHUNK.min(size - start)).unwrap_or_default();
            self.file.read(part, filter_at(&self.info) + start as u64)?;
            hasher.update(part);
            for (block, bytes) in part.chunks(filter::BLOCK).enumerate() {
                filter.set_block(start / filter::BLOCK + block, bytes);
            }
        }
        if hasher.finalize() != self.filter_checksum {
            return Err(self.file.damaged("its filter is wrong"));
        }
        Ok(filter)
    }

    /// Reads the page where the id would be.
    pub fn contains(&self, id: u128) -> Result<bool, StateError> {
        let high = (id >> 64) as u64;
        // The page before the first that begins later; where a page begins with the very same half, the one before it too.
        let first = self.index.partition_point(|start| *start < high).saturating_sub(1);
        let mut page = Page::new();
        for (number, start) in self.index.iter().enumerate().skip(first) {
            if *start > high {
                break;
            }
            self.read_page(number, &mut page)?;
            if page.contains(id) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub fn pages(&self) -> usize {
        self.index.len()
    }

    /// Reads a page and verifies it.
    pub fn read_page(&self, number: usize, page: &mut Page) -> Result<(), StateError> {
        self.file.read(page.bytes_mut(), (number * PAGE) as u64)?;
        if page.is_intact(self.info.number, number as u32) {
            Ok(())
        } else {
            Err(self.file.damaged(&format!("page {number} is wrong")))
        }
    }
}

fn filter_at(info: &RunInfo) -> u64 {
    (info.ids.div_ceil(page::IDS) * (PAGE + 8)) as u64
}

pub(super) fn footer(info: &RunInfo, checksums: Checksums) -> [u8; FOOTER] {
    let mut footer = [0; FOOTER];
    let parts = MAGIC
        .into_iter()
        .chain(info.number.to_le_bytes())
        .chain((info.ids as u64).to_le_bytes())
        .chain(info.from.to_le_bytes())
        .chain(info.to.to_le_bytes())
        .chain(checksums.index.to_le_bytes())
        .chain(checksums.filter.to_le_bytes());
    for (byte, part) in footer.iter_mut().zip(parts) {
        *byte = part;
    }
    let (rest, checksum) = footer.split_at_mut(FOOTER - 4);
    checksum.copy_from_slice(&crc32fast::hash(rest).to_le_bytes());
    footer
}

/// The checksums in the footer, if it is the one of this run.
fn read_footer(bytes: &[u8; FOOTER], info: &RunInfo) -> Option<Checksums> {
    let checksum = |at: usize| bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
    let checksums = Checksums {
        index: checksum(FOOTER - 12)?,
        filter: checksum(FOOTER - 8)?,
    };
    (footer(info, checksums) == *bytes).then_some(checksums)
}
