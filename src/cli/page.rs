//! What the live page shows of a running topology: its graph once, then how each node of it stands.

mod live;
mod nodes;
mod samples;
#[cfg(test)]
mod tests;

use crate::engine::Status;
use crate::feed::FeedState;
use crate::observe::{Live, NoSamples, Probe, View};
use crate::topology::{Selection, Topology, WrittenPart};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A part's section and name, as in [`crate::topology::written`].
pub(super) type Written = BTreeMap<(&'static str, String), WrittenPart>;

/// A running topology, looked at.
pub(super) struct RunView {
    pub topology: Arc<Topology>,
    pub selection: Selection,
    pub written: Written,
    pub instance: String,
    pub status: Arc<Status>,
    pub feeds: Vec<Arc<FeedState>>,
    pub lag: Arc<Live>,
    pub health: Box<dyn Probe>,
    pub started: SystemTime,
    /// Whether records may be shown.
    pub samples: bool,
}

impl View for RunView {
    fn topology(&self) -> Value {
        nodes::topology(self)
    }

    fn live(&self) -> Value {
        live::live(self)
    }

    fn failures(&self) -> Value {
        let latest = self.status.failures.latest().into_iter();
        let shown: Map<String, Value> = latest
            .map(|(name, failed)| {
                let failed = failed.iter().map(|failed| {
                    json!({"kind": failed.kind, "message": failed.message, "detail": failed.detail, "topic": failed.topic,
                           "partition": failed.partition, "offset": failed.offset, "at": milliseconds(failed.at)})
                });
                let id = nodes::id_of(&self.topology, &name);
                (id.unwrap_or_default(), failed.collect::<Vec<_>>().into())
            })
            .collect();
        shown.into()
    }

    fn samples(&self, node: &str) -> Result<Value, NoSamples> {
        samples::samples(self, node)
    }
}

fn milliseconds(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
