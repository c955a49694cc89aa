//! Writes a run while its ids stream by, in bounded memory.

use super::filter::FilterWriter;
use super::manifest::RunInfo;
use super::page::{self, PAGE, Page};
use super::place::{Place, PlacedFile};
use super::run::{self, Checksums, Run};
use crate::state::StateError;
use crate::state::budget::{Held, Use};

/// How much is written at once.
const CHUNK: usize = 64 << 10;

pub(super) struct RunWriter<'a> {
    place: &'a Place,
    info: RunInfo,
    file: PlacedFile,
    /// Ids of the page that is not yet full.
    ids: Vec<u128>,
    index: Vec<u8>,
    pages: u32,
    page: Page,
    out: Vec<u8>,
    _held: Held,
}

impl<'a> RunWriter<'a> {
    /// Begins a run that is like `info` but for its ids, which are to come.
    pub fn new(place: &'a Place, info: RunInfo) -> Result<Self, StateError> {
        Ok(Self {
            place,
            info: RunInfo { ids: 0, ..info },
            file: place.create(&run::name(info.number))?,
            ids: Vec::with_capacity(page::IDS),
            index: Vec::new(),
            pages: 0,
            page: Page::new(),
            out: Vec::with_capacity(CHUNK + PAGE),
            _held: place.budget.hold(Use::Work, CHUNK + 2 * PAGE),
        })
    }

    /// Takes the next id (mixed), greater than those before.
    pub fn push(&mut self, id: u128) -> Result<(), StateError> {
        self.ids.push(id);
        if self.ids.len() == page::IDS {
            self.end_page()?;
        }
        Ok(())
    }

    /// The run, durable but for its name.
    pub fn finish(mut self) -> Result<Run, StateError> {
        if !self.ids.is_empty() {
            self.end_page()?;
        }
        self.write(0)?;
        let index = crc32fast::hash(&self.index);
        self.file.append(&self.index)?;
        let filter = self.write_filter()?;
        self.file
            .append(&run::footer(&self.info, Checksums { index, filter }))?;
        self.file.sync()?;
        Run::open(self.place, self.info)
    }

    fn end_page(&mut self) -> Result<(), StateError> {
        let first = self.ids.first().copied().unwrap_or_default();
        self.index.extend_from_slice(&((first >> 64) as u64).to_le_bytes());
        self.page.fill(&self.ids, self.info.number, self.pages);
        self.out.extend_from_slice(self.page.bytes());
        self.info.ids += self.ids.len();
        self.pages += 1;
        self.ids.clear();
        self.write(CHUNK)
    }

    /// Writes what has been gathered, if it is more than `at_least`.
    fn write(&mut self, at_least: usize) -> Result<(), StateError> {
        if self.out.len() > at_least {
            self.file.append(&self.out)?;
            self.out.clear();
        }
        Ok(())
    }

    /// The filter needs to know how many ids there are, so the pages are read once more. Gives its checksum.
    fn write_filter(&mut self) -> Result<u32, StateError> {
        let mut filter = FilterWriter::new(self.info.ids);
        let mut hasher = crc32fast::Hasher::new();
        for page in 0..self.pages {
            self.file.read(self.page.bytes_mut(), u64::from(page) * PAGE as u64)?;
            if !self.page.is_intact(self.info.number, page) {
                return Err(self.file.damaged("what was just written reads otherwise"));
            }
            for id in self.page.ids() {
                filter.add(id, &mut self.out);
            }
            if self.out.len() > CHUNK {
                hasher.update(&self.out);
                self.write(0)?;
            }
        }
        filter.finish(&mut self.out);
        hasher.update(&self.out);
        self.write(0)?;
        Ok(hasher.finalize())
    }
}
