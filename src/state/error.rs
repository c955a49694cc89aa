//! What can go wrong with a store, named by what is to be done about it.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Its files are not what was written: it is moved aside and restored from its changelog.
    #[error("the store in {} is damaged: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    /// The operating system refused: a person must mend it. Nothing is lost, the changelog has everything.
    #[error("{operation} {}: {source}{}", path.display(), remedy(source))]
    Io {
        operation: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    /// Somebody else has it: to be tried again, or, of a whole folder, another process's.
    #[error("{} is in use by {by}", path.display())]
    InUse { path: PathBuf, by: String },
    /// It is there and can't be used: what would help is in the message.
    #[error("{0}")]
    Refused(String),
}

impl StateError {
    pub fn damaged(path: &Path, why: impl Into<String>) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    pub fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; make room on that volume and start again: nothing is lost, the changelog has what the disk has not"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "; the state folder must be writable by this process: choose another with --state-dir"
        }
        _ if error.raw_os_error() == Some(libc::EMFILE) => {
            "; raise the limit of open files (ulimit -n): a store has about 20 open, and more when ids come late"
        }
        _ => "",
    }
}
