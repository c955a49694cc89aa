//! Why an evaluation failed: for a reason of its own, or for that of another expression.

use super::ExpressionError;

/// Why an evaluation failed. Boxed, as it is rare and results are passed around all the time.
#[derive(Debug)]
pub(super) struct Failed(Box<Why>);

#[derive(Debug)]
enum Why {
    Reason(String),
    /// Another expression, that this one uses by name.
    Other(ExpressionError),
}

impl Failed {
    #[cold]
    pub(super) fn because(reason: String) -> Failed {
        Failed(Box::new(Why::Reason(reason)))
    }

    #[cold]
    pub(super) fn of(error: ExpressionError) -> Failed {
        Failed(Box::new(Why::Other(error)))
    }

    /// The reason, or the error of the other expression.
    pub(super) fn into_reason(self) -> Result<String, ExpressionError> {
        match *self.0 {
            Why::Reason(reason) => Ok(reason),
            Why::Other(error) => Err(error),
        }
    }
}

impl From<String> for Failed {
    fn from(reason: String) -> Failed {
        Failed::because(reason)
    }
}
