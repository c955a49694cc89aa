//! How a running engine stands: what health, metrics and the page are made of.

use super::counts::Counts;
use super::failures::Failures;
use super::restoring::Progress;
use super::samples::Samples;
use super::task::Stand;
use super::wiring::Wiring;
use crate::topology::Topology;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// One worker's numbers, as last published.
#[derive(Clone, Debug)]
pub struct WorkerStatus {
    pub counts: Counts,
    pub tasks: TaskNumbers,
    /// Who is waited for; `None`: there is nothing to try again.
    pub waits_for: Option<&'static str>,
    pub at: Instant,
}

/// How a worker's tasks stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskNumbers {
    /// The group has said which tasks are the worker's; it may be none.
    pub assigned: bool,
    pub running: usize,
    pub restoring: Progress,
    /// How far each task has come.
    pub stands: Vec<Stand>,
    /// Entries of each store, in the order of [`Wiring::stores`].
    pub store_entries: Vec<usize>,
}

/// The names behind the indices of [`Counts`].
#[derive(Clone, Debug)]
pub struct Names {
    /// Sources and topics in the middle, with their topics.
    pub entries: Vec<(String, String)>,
    pub topics: Vec<String>,
    pub processors: Vec<String>,
    pub sinks: Vec<String>,
    pub stores: Vec<String>,
}

/// Shared by the engine's threads and whoever looks at them.
#[derive(Debug)]
pub struct Status {
    pub names: Names,
    /// The last records that failed.
    pub failures: Arc<Failures>,
    /// Records that pass, where somebody looks.
    pub samples: Arc<Samples>,
    workers: Vec<Mutex<Option<WorkerStatus>>>,
    rows: Mutex<Vec<(String, usize)>>,
    standbys: AtomicUsize,
    brokers_away: AtomicBool,
    schemas_away: AtomicBool,
    started: AtomicBool,
    tables_loaded: AtomicBool,
    failed: AtomicBool,
}

impl Status {
    pub fn new(topology: &Topology, wiring: &Wiring, workers: usize) -> Self {
        let names = Names {
            entries: wiring
                .entries
                .iter()
                .map(|entry| (entry.name.clone(), entry.topic.clone()))
                .collect(),
            topics: wiring.topics.clone(),
            processors: topology.processors.iter().map(|node| node.name.clone()).collect(),
            sinks: topology.sinks.iter().map(|sink| sink.name.clone()).collect(),
            stores: wiring.stores.iter().map(|store| store.spec.name.clone()).collect(),
        };
        Self {
            names,
            failures: Arc::default(),
            samples: Arc::new(Samples::of(topology)),
            workers: (0..workers).map(|_| Mutex::new(None)).collect(),
            rows: Mutex::default(),
            standbys: AtomicUsize::new(0),
            brokers_away: AtomicBool::new(false),
            schemas_away: AtomicBool::new(false),
            started: AtomicBool::new(false),
            tables_loaded: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        }
    }

    /// Shows a worker's numbers.
    pub fn publish(&self, index: usize, status: WorkerStatus) {
        if let Some(slot) = self.workers.get(index) {
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
        }
    }

    /// Every worker's numbers; `None` for one that has not begun.
    pub fn workers(&self) -> Vec<Option<WorkerStatus>> {
        self.workers
            .iter()
            .map(|slot| slot.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .collect()
    }

    pub(super) fn set_rows(&self, rows: Vec<(String, usize)>) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner) = rows;
    }

    /// Rows of each table.
    pub fn rows(&self) -> Vec<(String, usize)> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn set_standbys(&self, copies: usize) {
        self.standbys.store(copies, Ordering::Relaxed);
    }

    /// Warm copies of other instances' stores.
    pub fn standbys(&self) -> usize {
        self.standbys.load(Ordering::Relaxed)
    }

    pub(super) fn set_brokers_away(&self, away: bool) {
        self.brokers_away.store(away, Ordering::Release);
    }

    pub(super) fn set_schemas_away(&self, away: bool) {
        self.schemas_away.store(away, Ordering::Release);
    }

    pub(super) fn tables_loaded(&self) {
        self.tables_loaded.store(true, Ordering::Release);
    }

    pub fn are_tables_loaded(&self) -> bool {
        self.tables_loaded.load(Ordering::Acquire)
    }

    pub(super) fn failed(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// A thread ended that should not have.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Why the engine is not ready; nothing: it is. Once it was, it has started.
    pub fn reasons(&self) -> Vec<String> {
        let reasons = self.look();
        if reasons.is_empty() {
            self.started.store(true, Ordering::Release);
        }
        reasons
    }

    /// It was ready once.
    pub fn has_started(&self) -> bool {
        self.started.load(Ordering::Acquire)
    }

    fn look(&self) -> Vec<String> {
        if self.has_failed() {
            return vec!["a worker has failed".into()];
        }
        // Of the start one comes after the other, and workers after all of them. The brokers may go away later too.
        if self.brokers_away.load(Ordering::Acquire) {
            return vec!["the brokers are waited for".into()];
        }
        if self.schemas_away.load(Ordering::Acquire) {
            return vec!["the schema registry is waited for".into()];
        }
        if !self.are_tables_loaded() {
            return vec!["topics are being prepared and tables loaded".into()];
        }
        let workers = self.workers().into_iter().enumerate();
        let reasons = workers.filter_map(|(index, worker)| match worker {
            None => Some(format!("worker {index} is starting")),
            Some(WorkerStatus {
                waits_for: Some(who), ..
            }) => Some(format!("worker {index} waits for {who}")),
            Some(worker) if !worker.tasks.assigned => {
                Some(format!("worker {index} waits for the group to give it its tasks"))
            }
            Some(worker) if worker.tasks.restoring.tasks > 0 => {
                Some(format!("worker {index} restores {}", worker.tasks.restoring))
            }
            Some(_) => None,
        });
        reasons.collect()
    }
}
