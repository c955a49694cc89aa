//! How a feed stands: for readiness, metrics and the log.

use crate::observe::names;
use metrics::{Counter, Gauge};
use std::sync::atomic::{AtomicU64, Ordering};
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
    totals: [AtomicU64; 4],
}

/// What a feed did since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FeedTotals {
    pub received: u64,
    /// Messages that Kafka has.
    pub written: u64,
    pub dead_letters: u64,
    /// Taken and not acknowledged yet, now.
    pub unacknowledged: u64,
}

const RECEIVED: usize = 0;
const WRITTEN: usize = 1;
const DEAD_LETTERS: usize = 2;
const UNACKNOWLEDGED: usize = 3;

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
            totals: Default::default(),
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
        self.total(RECEIVED, 1);
    }

    pub(super) fn written(&self, records: usize) {
        self.written.increment(records as u64);
        self.total(WRITTEN, records as u64);
    }

    pub(super) fn dead_lettered(&self) {
        self.dead_letters.increment(1);
        self.total(DEAD_LETTERS, 1);
    }

    /// A message that its sender refuses or that is refused to its sender: `reason` is one word.
    pub fn refused(&self, reason: &'static str) {
        names::feed_refused(&self.name, reason).increment(1);
    }

    /// Messages taken and not acknowledged yet.
    #[expect(clippy::cast_precision_loss, reason = "gauges are doubles")]
    pub fn unacknowledged(&self, messages: usize) {
        self.unacknowledged.set(messages as f64);
        if let Some(now) = self.totals.get(UNACKNOWLEDGED) {
            now.store(messages as u64, Ordering::Relaxed);
        }
    }

    pub fn totals(&self) -> FeedTotals {
        let [received, written, dead_letters, unacknowledged] =
            self.totals.each_ref().map(|total| total.load(Ordering::Relaxed));
        FeedTotals {
            received,
            written,
            dead_letters,
            unacknowledged,
        }
    }

    fn total(&self, which: usize, more: u64) {
        if let Some(total) = self.totals.get(which) {
            total.fetch_add(more, Ordering::Relaxed);
        }
    }

    fn trouble(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
