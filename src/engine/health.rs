//! The engine's health, as the HTTP server asks for it.

use super::status::Status;
use crate::observe::{Probe, Report};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// A worker that has not published for so long hangs: every call it makes ends sooner.
const STALLED: Duration = Duration::from_secs(120);

pub struct EngineHealth(pub Arc<Status>);

impl Probe for EngineHealth {
    fn report(&self) -> Report {
        let mut not_live = Vec::new();
        if self.0.has_failed() {
            not_live.push("a worker has failed".to_owned());
        }
        let workers = self.0.workers();
        for (index, worker) in workers.iter().enumerate() {
            if worker.as_ref().is_some_and(|worker| worker.at.elapsed() > STALLED) {
                not_live.push(format!("worker {index} has not moved for {} s", STALLED.as_secs()));
            }
        }
        let details = workers.iter().flatten().map(|worker| {
            let consumed: u64 = worker.counts.consumed.iter().sum();
            json!({"running": worker.tasks.running, "restoring": worker.tasks.restoring.tasks,
                   "remaining": worker.tasks.restoring.remaining, "consumed": consumed, "commits": worker.counts.commits})
        });
        let reasons = self.0.reasons();
        Report {
            not_live,
            not_started: if self.0.has_started() {
                Vec::new()
            } else {
                reasons.clone()
            },
            not_ready: reasons,
            details: json!({"workers": details.collect::<Vec<_>>(), "tables": self.0.rows()}),
        }
    }
}
