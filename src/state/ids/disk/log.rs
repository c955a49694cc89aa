//! The log: what was applied since the sorted files were last written. One frame an apply, written and not synced.
//!
//! `magic 8 | number u32 | crc32 of these u32`, then frames `length u32 | crc32 u32 | stream time i64 | has checkpoint u8 |
//! checkpoint i64 | (id u128, time i64)…`, all little-endian, ids mixed. A frame's checksum goes on from the one before it, so
//! that a frame counts only behind those that it was written behind: what a crash leaves of an older end never follows a new
//! frame. Reading ends at the first frame that is not whole; the rest is cut off, for the changelog has it.

use super::place::{Place, PlacedFile};
use crate::state::{IdWrite, StateError};

const MAGIC: [u8; 8] = *b"msidlog1";
const HEADER: usize = 16;
const FRAME_HEADER: usize = 8;
const FIXED: usize = 17;
const ENTRY: usize = 24;
/// How much is read at once.
const CHUNK: usize = 64 << 10;

pub(super) struct Log {
    file: PlacedFile,
    number: u32,
    size: u64,
    /// The checksum of the last frame.
    chain: u32,
}

/// What one apply changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub stream_time: i64,
    pub checkpoint: Option<i64>,
    /// With mixed ids.
    pub writes: Vec<IdWrite>,
}

pub(super) fn name(number: u32) -> String {
    format!("log-{number}")
}

impl Log {
    /// A new log, not yet durable.
    pub fn create(place: &Place, number: u32) -> Result<Self, StateError> {
        let mut file = place.create(&name(number))?;
        let header = header(number);
        file.append(&header)?;
        Ok(Self {
            file,
            number,
            size: HEADER as u64,
            chain: crc32fast::hash(&header),
        })
    }

    /// Opens the log of a manifest and gives each frame to `each`. Of the first `durable` bytes nothing may be missing.
    pub fn open(place: &Place, number: u32, durable: u64, mut each: impl FnMut(Frame)) -> Result<Self, StateError> {
        let file = place.open(&name(number))?;
        let mut reader = Reader::new(&file)?;
        let header = header(number);
        if reader.take(HEADER)? != Some(&header) {
            return Err(file.damaged("it does not begin as a log does"));
        }
        let mut chain = crc32fast::hash(&header);
        let mut end = reader.position();
        while let Some((frame, checksum)) = reader.frame(chain)? {
            each(frame);
            chain = checksum;
            end = reader.position();
        }
        if end < durable {
            return Err(file.damaged("a frame is wrong that was written whole"));
        }
        let size = reader.size;
        let mut log = Self {
            file,
            number,
            size: end,
            chain,
        };
        if end < size {
            tracing::info!(
                folder = %place.folder.display(),
                bytes = size - end,
                "the end of the log was not written whole: it is restored from the changelog"
            );
            log.file.cut(end)?;
        }
        Ok(log)
    }

    pub fn number(&self) -> u32 {
        self.number
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Appends a frame in one write.
    pub fn append(
        &mut self,
        writes: impl ExactSizeIterator<Item = IdWrite>,
        stream_time: i64,
        checkpoint: Option<i64>,
    ) -> Result<(), StateError> {
        let length = FIXED + ENTRY * writes.len();
        let mut bytes = Vec::with_capacity(FRAME_HEADER + length);
        let Ok(length) = u32::try_from(length) else {
            return Err(StateError::Refused(format!("{} ids in one transaction", writes.len())));
        };
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&stream_time.to_le_bytes());
        bytes.push(u8::from(checkpoint.is_some()));
        bytes.extend_from_slice(&checkpoint.unwrap_or(0).to_le_bytes());
        for write in writes {
            bytes.extend_from_slice(&write.id.to_le_bytes());
            bytes.extend_from_slice(&write.time.to_le_bytes());
        }
        let checksum = checksum(self.chain, length, bytes.get(FRAME_HEADER..).unwrap_or_default());
        if let Some(place) = bytes.get_mut(4..FRAME_HEADER) {
            place.copy_from_slice(&checksum.to_le_bytes());
        }
        self.file.append(&bytes)?;
        self.chain = checksum;
        self.size += bytes.len() as u64;
        Ok(())
    }

    pub fn sync(&mut self) -> Result<(), StateError> {
        self.file.sync()
    }
}

fn header(number: u32) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let checksum = {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&MAGIC);
        hasher.update(&number.to_le_bytes());
        hasher.finalize()
    };
    let parts = MAGIC
        .into_iter()
        .chain(number.to_le_bytes())
        .chain(checksum.to_le_bytes());
    for (byte, part) in header.iter_mut().zip(parts) {
        *byte = part;
    }
    header
}

fn checksum(chain: u32, length: u32, payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(chain);
    hasher.update(&length.to_le_bytes());
    hasher.update(payload);
    hasher.finalize()
}

/// Reads a log from its beginning, a chunk at a time.
struct Reader<'a> {
    file: &'a PlacedFile,
    size: u64,
    /// Of the file, that was read.
    read: u64,
    buffer: Vec<u8>,
    /// Of the buffer, that was taken.
    taken: usize,
}

impl<'a> Reader<'a> {
    fn new(file: &'a PlacedFile) -> Result<Self, StateError> {
        Ok(Self {
            file,
            size: file.size()?,
            read: 0,
            buffer: Vec::new(),
            taken: 0,
        })
    }

    fn position(&self) -> u64 {
        self.read - (self.buffer.len() - self.taken) as u64
    }

    /// The next `count` bytes, if there are as many.
    fn take(&mut self, count: usize) -> Result<Option<&[u8]>, StateError> {
        let there = self.buffer.len() - self.taken;
        if there < count {
            let rest = usize::try_from(self.size - self.read).unwrap_or(usize::MAX);
            if there.saturating_add(rest) < count {
                return Ok(None);
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            let more = (count - there).max(CHUNK).min(rest);
            self.buffer.resize(there + more, 0);
            let new = self.buffer.get_mut(there..).unwrap_or_default();
            self.file.read(new, self.read)?;
            self.read += more as u64;
        }
        let from = self.taken;
        self.taken += count;
        Ok(self.buffer.get(from..self.taken))
    }

    /// The next frame and its checksum, if there is a whole one.
    fn frame(&mut self, chain: u32) -> Result<Option<(Frame, u32)>, StateError> {
        let Some(header) = self.take(FRAME_HEADER)? else {
            return Ok(None);
        };
        let (length, expected) = (int(header, 0), int(header, 4));
        let size = length as usize;
        if size < FIXED || !(size - FIXED).is_multiple_of(ENTRY) {
            return Ok(None);
        }
        let Some(payload) = self.take(size)? else {
            return Ok(None);
        };
        if checksum(chain, length, payload) != expected {
            return Ok(None);
        }
        Ok(frame(payload).map(|frame| (frame, expected)))
    }
}

fn int(bytes: &[u8], at: usize) -> u32 {
    let int = bytes.get(at..).and_then(<[u8]>::first_chunk);
    u32::from_le_bytes(int.copied().unwrap_or_default())
}

fn frame(payload: &[u8]) -> Option<Frame> {
    let (stream_time, rest) = payload.split_first_chunk()?;
    let (has_checkpoint, rest) = rest.split_first()?;
    let (checkpoint, entries) = rest.split_first_chunk()?;
    let checkpoint = i64::from_le_bytes(*checkpoint);
    let write = |entry: &[u8]| {
        let (id, time) = entry.split_first_chunk()?;
        Some(IdWrite {
            id: u128::from_le_bytes(*id),
            time: i64::from_le_bytes(*time.first_chunk()?),
        })
    };
    Some(Frame {
        stream_time: i64::from_le_bytes(*stream_time),
        checkpoint: (*has_checkpoint != 0).then_some(checkpoint),
        writes: entries.chunks_exact(ENTRY).filter_map(write).collect(),
    })
}
