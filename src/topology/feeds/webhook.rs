//! `type: webhook`: events that are posted, as by an API destination of EventBridge.

use crate::yaml::{Fields, text};

/// Where it listens, and who may post.
#[derive(Debug)]
pub struct Webhook {
    /// `/feeds/eventbridge`
    pub path: String,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Webhook> {
    Some(Webhook {
        path: fields.required("path", text)?,
    })
}
