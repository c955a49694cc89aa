//! How a feed stands: for readiness, metrics and the log.

use crate::observe::names;
use metrics::{Counter, Gauge};
use std::sync::{Mutex, PoisonError};

/// One feed's, shared by its event loop and whoever looks at it.
pub struct FeedState {
    pub name: String,
    /// Why it takes no messages; `None`: it does.
    trouble: Mutex<Option<String>>,
    received: Counter,
    written: Counter,
    dead_letters: Counter,
    connected: Gauge,
    unacknowledged: Gauge,
}

impl FeedState {
    pub fn new(name: &str) -> Self {
        let state = Self {
            name: name.to_owned(),
            trouble: Mutex::new(Some("it is starting".to_owned())),
            received: names::feed_received(name),
            written: names::feed_written(name),
            dead_letters: names::feed_dead_letters(name),
            connected: names::feed_connected(name),
            unacknowledged: names::feed_unacknowledged(name),
        };
        state.connected.set(0.0);
        state
    }

    /// It takes messages.
    pub fn up(&self) {
        let was = self.trouble().take();
        if was.is_some() {
            tracing::info!(feed = self.name, "the feed takes messages");
        }
        self.connected.set(1.0);
    }

    /// It takes none, and why; said once for as long as it is the same.
    pub fn down(&self, why: &str) {
        let mut trouble = self.trouble();
        if trouble.as_deref() != Some(why) {
            tracing::warn!(feed = self.name, why, "the feed takes no messages");
            *trouble = Some(why.to_owned());
        }
        self.connected.set(0.0);
    }

    /// Why it takes no messages.
    pub fn why_down(&self) -> Option<String> {
        self.trouble().clone()
    }

    pub(super) fn received(&self) {
        self.received.increment(1);
    }

    pub(super) fn written(&self, records: usize) {
        self.written.increment(records as u64);
    }

    pub(super) fn dead_lettered(&self) {
        self.dead_letters.increment(1);
    }

    /// A message that its sender refuses or that is refused to its sender: `reason` is one word.
    pub fn refused(&self, reason: &'static str) {
        names::feed_refused(&self.name, reason).increment(1);
    }

    /// Messages taken and not acknowledged yet.
    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    pub fn unacknowledged(&self, messages: usize) {
        self.unacknowledged.set(messages as f64);
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
