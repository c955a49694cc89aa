//! `type: sqs`: a queue of Amazon SQS, or of what speaks like it.

use crate::yaml::{Fields, text};

/// Where the queue is, and how it is read.
#[derive(Debug)]
pub struct Sqs {
    pub queue_url: String,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Sqs> {
    Some(Sqs {
        queue_url: fields.required("queue_url", text)?,
    })
}
