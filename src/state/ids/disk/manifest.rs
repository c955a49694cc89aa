//! The manifest: what a store consists of, replaced as a whole.
//!
//! One line `millstream-ids VERSION CHECKSUM`, then JSON. The checksum (crc32, hexadecimal) is of the version and all that
//! follows the line; every version keeps that line, so that an unknown version is told from a damaged file.

use super::place::Place;
use crate::state::StateError;
use serde::{Deserialize, Serialize};

/// Of everything in the folder: manifest, logs, runs.
pub(super) const VERSION: u32 = 1;
const NAME: &str = "ids";
const FILE: &str = "manifest";
const NEW_FILE: &str = "manifest.new";
const FIRST_WORD: &str = "millstream-ids";

/// What a store consists of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The number of the log that goes on from here.
    pub log: u32,
    /// How large it was then, in bytes: so much of it was durable, and is not lost by a crash.
    pub log_size: u64,
    /// The number of the next file.
    pub next: u32,
    /// Where the store stood when the log was begun.
    pub stream_time: i64,
    pub checkpoint: Option<i64>,
    pub runs: Vec<RunInfo>,
}

/// A sorted file of ids and the event times that they are from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunInfo {
    pub number: u32,
    pub ids: usize,
    /// Milliseconds since the epoch, inclusive.
    pub from: i64,
    /// Exclusive.
    pub to: i64,
    /// It has all that its segment had when its time had passed.
    pub settled: bool,
}

/// Whether a file in the folder is the manifest's.
pub(super) fn is_name(name: &str) -> bool {
    name == FILE
}

/// Whether a file in the folder is a manifest that was never put in place.
pub(super) fn is_leftover(name: &str) -> bool {
    name == NEW_FILE
}

impl Manifest {
    /// Reads the manifest; the folder has one.
    ///
    /// # Errors
    /// `Refused`: of a version that we don't know.
    pub fn read(place: &Place) -> Result<Self, StateError> {
        let file = place.open(FILE)?;
        let mut bytes = vec![0; usize::try_from(file.size()?).unwrap_or(0)];
        file.read(&mut bytes, 0)?;
        let (version, body) = checked(&bytes).ok_or_else(|| file.damaged("the checksum is wrong"))?;
        if version != VERSION {
            return Err(StateError::Refused(format!(
                "the {NAME} store in {} has format version {version}, and this program knows version {VERSION} only: run the version of \
                 millstream that wrote it, or remove that folder and the store is restored from its changelog",
                place.folder.display()
            )));
        }
        serde_json::from_slice(body).map_err(|error| file.damaged(&error.to_string()))
    }

    /// Puts it in place of the one before, durably.
    pub fn write(&self, place: &Place) -> Result<(), StateError> {
        let body = serde_json::to_vec(self).map_err(|error| StateError::Refused(error.to_string()))?;
        let mut file = place.create(NEW_FILE)?;
        file.append(&with_checksum(VERSION, &body))?;
        file.sync()?;
        let (from, to) = (place.folder.join(NEW_FILE), place.folder.join(FILE));
        place
            .disk
            .rename(&from, &to)
            .map_err(|error| StateError::io("rename", &from, error))?;
        place.sync()
    }
}

fn checksum(version: u32, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&version.to_le_bytes());
    hasher.update(body);
    hasher.finalize()
}

fn with_checksum(version: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{FIRST_WORD} {version} {:08x}\n", checksum(version, body)).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Version and body, if they are as they were written.
fn checked(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut words = line.strip_prefix(FIRST_WORD)?.strip_prefix(' ')?.split(' ');
    let version = words.next()?.parse().ok()?;
    let body = bytes.get(end + 1..)?;
    (words.next()? == format!("{:08x}", checksum(version, body)) && words.next().is_none()).then_some((version, body))
}

#[cfg(test)]
mod tests {
    use super::super::place::Sizes;
    use super::*;
    use crate::state::Disk;
    use crate::state::budget::Budget;
    use crate::state::disk::simulated::SimulatedDisk;
    use std::sync::Arc;

    fn place(disk: &SimulatedDisk) -> Place {
        Place {
            disk: Arc::new(disk.clone()),
            folder: "/ids".into(),
            budget: Budget::new(0),
            sizes: Sizes::USUAL,
        }
    }

    fn manifest() -> Manifest {
        Manifest {
            log: 3,
            log_size: 16,
            next: 9,
            stream_time: i64::MIN,
            checkpoint: Some(i64::MAX),
            runs: vec![RunInfo {
                number: 2,
                ids: 7,
                from: -10,
                to: 0,
                settled: true,
            }],
        }
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let place = place(&SimulatedDisk::new(1));
        manifest().write(&place).unwrap();
        assert_eq!(Manifest::read(&place).unwrap(), manifest());
    }

    #[test]
    fn every_flipped_bit_is_damage_also_in_the_version() {
        let bytes = with_checksum(VERSION, &serde_json::to_vec(&manifest()).unwrap());
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(checked(&bytes), None, "bit {bit}");
        }
    }

    #[test]
    fn an_unknown_version_is_refused_and_the_remedy_told() {
        let disk = SimulatedDisk::new(1);
        let place = place(&disk);
        let mut file = disk.open("/ids/manifest".as_ref(), true).unwrap();
        file.append(&with_checksum(99, b"whatever a later version has here"))
            .unwrap();
        let error = Manifest::read(&place).unwrap_err();
        assert!(matches!(error, StateError::Refused(_)), "{error}");
        for part in ["version 99", "version 1 only", "/ids", "remove that folder"] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
