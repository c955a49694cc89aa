//! Why a value or bytes do not fit, with the place put together on the way out.

use super::AvroError;
use crate::yaml::shortened;

/// The longest name of a member in a message, in characters.
const LONGEST_NAME: usize = 64;
/// As many parts of a path stand in a message.
const LONGEST_PATH: usize = 16;

/// The path's innermost part is first. Boxed where it is returned, so that the way without failures stays narrow.
#[derive(Debug)]
pub(super) struct Failure {
    path: Vec<String>,
    message: String,
}

pub(super) type Done<T> = Result<T, Box<Failure>>;

#[cold]
pub(super) fn failed<T>(message: impl Into<String>) -> Done<T> {
    Err(failure(message))
}

#[cold]
pub(super) fn failure(message: impl Into<String>) -> Box<Failure> {
    Box::new(Failure {
        path: Vec::new(),
        message: message.into(),
    })
}

/// A name as messages have it.
pub(super) fn name(name: &str) -> String {
    shortened(name, LONGEST_NAME)
}

impl Failure {
    #[cold]
    pub fn under(mut self: Box<Self>, part: &str) -> Box<Self> {
        self.path.push(name(&part.replace('~', "~0").replace('/', "~1")));
        self
    }

    #[cold]
    pub fn at(mut self: Box<Self>, index: usize) -> Box<Self> {
        self.path.push(index.to_string());
        self
    }
}

impl From<Box<Failure>> for AvroError {
    fn from(failure: Box<Failure>) -> AvroError {
        let mut at: String = failure
            .path
            .iter()
            .rev()
            .take(LONGEST_PATH)
            .map(|part| format!("/{part}"))
            .collect();
        if failure.path.len() > LONGEST_PATH {
            at.push_str("/…");
        }
        if at.is_empty() {
            at.push('/');
        }
        AvroError {
            at,
            message: failure.message,
        }
    }
}
