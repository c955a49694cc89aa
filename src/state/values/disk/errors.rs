//! What the engine's errors mean to us.

use crate::state::StateError;
use fjall::{Error, LsmError};
use std::io;
use std::path::Path;

/// Named by what is to be done about it.
pub(super) fn state_error(operation: &'static str, path: &Path, error: Error) -> StateError {
    match error {
        Error::Io(source) | Error::Storage(LsmError::Io(source)) => of_io(operation, path, source),
        Error::Locked => StateError::InUse {
            path: path.to_owned(),
            by: "another process".into(),
        },
        Error::InvalidVersion(_) | Error::Storage(LsmError::InvalidVersion(_)) => StateError::Refused(format!(
            "the database in {} was written by another version of its engine: run the version of millstream that wrote it, or remove \
             the folder, and its stores are restored from their changelogs",
            path.display()
        )),
        Error::KeyspaceDeleted => {
            StateError::Refused(format!("a store in {} was removed while it was open", path.display()))
        }
        // what went wrong happened in a thread of the engine, which only logs it
        Error::Poisoned => StateError::io(
            operation,
            path,
            io::Error::other(
                "the engine takes no more writes since one failed in the background (see the log). Start again; if it comes back, remove \
                 the folder, and its stores are restored from their changelogs",
            ),
        ),
        other => StateError::damaged(path, other.to_string()),
    }
}

/// A file that is missing, ends early or holds what can't be is damaged; anything else is the operating system's refusal.
fn of_io(operation: &'static str, path: &Path, source: io::Error) -> StateError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
            StateError::damaged(path, source.to_string())
        }
        _ => StateError::io(operation, path, source),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_told_apart_by_what_helps() {
        let path = Path::new("values");
        let of = |error| state_error("read", path, error);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert!(of(Error::Io(full)).to_string().contains("make room"));
        let short = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert!(matches!(
            of(Error::Storage(LsmError::Io(short))),
            StateError::Damaged { .. }
        ));
        assert!(matches!(
            of(Error::Storage(LsmError::InvalidTrailer)),
            StateError::Damaged { .. }
        ));
        assert!(matches!(of(Error::Unrecoverable), StateError::Damaged { .. }));
        assert!(matches!(of(Error::Locked), StateError::InUse { .. }));
        assert!(matches!(of(Error::InvalidVersion(None)), StateError::Refused(_)));
        assert!(of(Error::Poisoned).to_string().contains("Start again"));
    }
}
