//! Whether the process is alive, and ready for work.
//!
//! - **Live**: no worker's thread ended before its time, and every one looped a while ago at most. Not live: restart it.
//! - **Ready**: live, not stopping, all tables loaded, no worker starting or restoring, the brokers answer. Not ready: wait.
//!
//! A broker that is away makes it not ready, never not live: a restart mends nothing.
//! Workers report by storing numbers; the one lock is taken when something is registered and when somebody looks.

#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A worker that has not looped for so long hangs: every call it makes ends sooner.
const STALLED_AFTER: Duration = Duration::from_secs(120);

/// Something that knows its health.
pub trait Probe: Send + Sync {
    fn report(&self) -> Report;
}

/// Health at one moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Why it is not live; empty: it is.
    pub not_live: Vec<String>,
    /// Why it has not started; empty: it has, and that stays so.
    pub not_started: Vec<String>,
    /// Why it is not ready, but for [`Report::not_live`].
    pub not_ready: Vec<String>,
    /// More, for people and dashboards.
    pub details: Value,
}

impl Report {
    pub fn is_live(&self) -> bool {
        self.not_live.is_empty()
    }

    pub fn is_ready(&self) -> bool {
        self.is_live() && self.not_ready.is_empty()
    }
}

/// The state that everybody reports to. Cloning shares it.
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

struct Shared {
    start: Instant,
    stalled_after: Duration,
    brokers_reachable: AtomicBool,
    stopping: AtomicBool,
    parts: Mutex<Parts>,
}

#[derive(Default)]
struct Parts {
    tables: Vec<(String, Arc<AtomicBool>)>,
    workers: Vec<(String, Arc<WorkerState>)>,
}

#[derive(Default)]
struct WorkerState {
    /// 0 until the first beat, then milliseconds since the start, and one.
    beat: AtomicU64,
    running: AtomicU64,
    restoring: AtomicU64,
    ended: AtomicU8,
}

const RUNNING: u8 = 0;
const FINISHED: u8 = 1;
const DIED: u8 = 2;

impl Default for Health {
    fn default() -> Health {
        Health::new()
    }
}

impl Health {
    pub fn new() -> Health {
        Health::stalled_after(STALLED_AFTER)
    }

    /// As [`Health::new`], with another patience for workers that do not loop.
    pub fn stalled_after(stalled_after: Duration) -> Health {
        let shared = Shared {
            start: Instant::now(),
            stalled_after,
            brokers_reachable: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            parts: Mutex::default(),
        };
        Health {
            shared: Arc::new(shared),
        }
    }

    /// A table that must be loaded first.
    pub fn table(&self, name: &str) -> TableHealth {
        let loaded = Arc::new(AtomicBool::new(false));
        self.parts(|parts| parts.tables.push((name.to_owned(), loaded.clone())));
        TableHealth { loaded }
    }

    /// A worker that must run. To be moved into its thread.
    pub fn worker(&self, name: &str) -> WorkerHealth {
        let state = Arc::new(WorkerState::default());
        self.parts(|parts| parts.workers.push((name.to_owned(), state.clone())));
        WorkerHealth {
            start: self.shared.start,
            state,
        }
    }

    /// Whether the brokers answer. They don't until said so.
    pub fn brokers_reachable(&self, reachable: bool) {
        self.shared.brokers_reachable.store(reachable, Ordering::Relaxed);
    }

    /// The process was asked to stop: no longer ready.
    pub fn stopping(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    fn parts<T>(&self, with: impl FnOnce(&mut Parts) -> T) -> T {
        with(&mut self.shared.parts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A table reports here.
pub struct TableHealth {
    loaded: Arc<AtomicBool>,
}

impl TableHealth {
    /// Read to its end.
    pub fn loaded(&self) {
        self.loaded.store(true, Ordering::Relaxed);
    }
}

/// A worker reports here. Dropped without [`WorkerHealth::finish`], as by a panic, it has died.
pub struct WorkerHealth {
    start: Instant,
    state: Arc<WorkerState>,
}

impl WorkerHealth {
    /// Once a loop, also while it restores or waits for a broker.
    pub fn beat(&self) {
        self.state
            .beat
            .store(milliseconds(self.start.elapsed()).saturating_add(1), Ordering::Relaxed);
    }

    /// How many tasks run, and how many are being restored.
    pub fn tasks(&self, running: usize, restoring: usize) {
        self.state.running.store(running as u64, Ordering::Relaxed);
        self.state.restoring.store(restoring as u64, Ordering::Relaxed);
    }

    /// The thread ends as it should.
    pub fn finish(self) {
        self.state.ended.store(FINISHED, Ordering::Relaxed);
    }
}

impl Drop for WorkerHealth {
    fn drop(&mut self) {
        // only where it has not finished
        let _ = self
            .state
            .ended
            .compare_exchange(RUNNING, DIED, Ordering::Relaxed, Ordering::Relaxed);
    }
}

impl Probe for Health {
    fn report(&self) -> Report {
        let shared = &*self.shared;
        let (mut not_live, mut not_ready) = (Vec::new(), Vec::new());
        if shared.stopping.load(Ordering::Relaxed) {
            not_ready.push("it is stopping".to_owned());
        }
        let reachable = shared.brokers_reachable.load(Ordering::Relaxed);
        if !reachable {
            not_ready.push("the brokers do not answer".to_owned());
        }
        let (tables, workers) = self.parts(|parts| {
            let mut tables = Vec::new();
            for (name, loaded) in &parts.tables {
                let loaded = loaded.load(Ordering::Relaxed);
                if !loaded {
                    not_ready.push(format!("table {name} is being loaded"));
                }
                tables.push(json!({"name": name, "loaded": loaded}));
            }
            let workers = parts.workers.iter();
            let workers = workers.map(|(name, state)| shared.look(name, state, &mut not_live, &mut not_ready));
            (tables, workers.collect::<Vec<_>>())
        });
        let details = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_seconds": shared.start.elapsed().as_secs(),
            "brokers_reachable": reachable,
            "tables": tables,
            "workers": workers,
        });
        Report {
            not_live,
            not_started: Vec::new(),
            not_ready,
            details,
        }
    }
}

impl Shared {
    fn look(&self, name: &str, state: &WorkerState, not_live: &mut Vec<String>, not_ready: &mut Vec<String>) -> Value {
        let beat = state.beat.load(Ordering::Relaxed);
        let now = milliseconds(self.start.elapsed());
        let since = beat.checked_sub(1).map(|beat| now.saturating_sub(beat));
        let running = state.running.load(Ordering::Relaxed);
        let restoring = state.restoring.load(Ordering::Relaxed);
        let stalled = milliseconds(self.stalled_after);
        let word = match (state.ended.load(Ordering::Relaxed), since) {
            (DIED, _) => {
                not_live.push(format!("{name} has died"));
                "died"
            }
            (FINISHED, _) => {
                not_ready.push(format!("{name} has finished"));
                "finished"
            }
            (_, Some(since)) if since > stalled => {
                not_live.push(format!("{name} has not looped for {} s", since / 1000));
                "stalled"
            }
            (_, None) => {
                not_ready.push(format!("{name} is starting"));
                "starting"
            }
            (_, Some(_)) if restoring > 0 => {
                let tasks = if restoring == 1 { "task" } else { "tasks" };
                not_ready.push(format!("{name} is restoring {restoring} {tasks}"));
                "restoring"
            }
            _ => "running",
        };
        json!({"name": name, "state": word, "tasks": running, "restoring": restoring, "last_loop_ms_ago": since})
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
