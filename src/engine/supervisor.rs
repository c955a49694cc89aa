//! Threads: one for each worker, one that follows the tables. Starts them, hears of their ends, stops them.

use super::error::EngineError;
use super::follow::follow_tables;
use super::prepare::prepare;
use super::settings::WorkerSettings;
use super::shared::Shared;
use super::standby::follow_changelogs;
use super::status::Status;
use super::step::Step;
use super::trace::Tracing;
use super::wiring::Wiring;
use super::worker::Worker;
use crate::broker::{Broker, Reaction};
use crate::observe::{Repeats, Traces};
use crate::registry::{HttpRegistry, NoRegistry, Registry, RegistryError, Settings};
use crate::state::Stores;
use crate::topology::{Selection, Topology};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A running topology.
pub struct Engine {
    status: Arc<Status>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<(), EngineError>>>,
}

/// How often a worker's numbers are published.
const PUBLISH: Duration = Duration::from_millis(200);
/// How long before brokers that are away are asked again.
const BROKER_BACKOFF: Duration = Duration::from_secs(1);
/// How long the last commit may take when the engine stops.
const FINISH: Duration = Duration::from_secs(20);

impl Engine {
    /// Starts `workers` workers for what is selected, with `settings` (whose `index` is each worker's own).
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(
        topology: impl Into<Arc<Topology>>,
        backends: Backends,
        topics: Topics,
        selection: Selection,
        workers: usize,
        settings: &WorkerSettings,
    ) -> Result<Self, EngineError> {
        let topology = topology.into();
        // Where there are only feeds, topics are prepared all the same, and nothing else is done.
        let workers = if selection.is_feeds_only() { 0 } else { workers };
        let Backends {
            broker,
            stores,
            schemas: Schemas { registry, register },
            traces,
        } = backends;
        let wiring = Wiring::of(&topology, selection, &registry)?;
        let status = Arc::new(Status::new(&topology, &wiring, workers));
        let tracing = Tracing::new(&topology, &wiring, traces);
        let shared = Arc::new(Shared {
            failures: Arc::clone(&status.failures),
            tracing,
            samples: Arc::clone(&status.samples),
            ..Shared::new(topology, wiring, registry, broker, stores)?
        });
        let stop = Arc::new(AtomicBool::new(false));
        let mut engine = Self {
            status,
            stop,
            threads: Vec::new(),
        };
        let (setup, status, ends) = (shared.clone(), engine.status.clone(), engine.stop.clone());
        engine.spawn("tables", move || {
            prepare_topics(&setup, topics, &status, &ends)?;
            prepare_schemas(&setup, register, &status, &ends)?;
            follow_tables(&setup, &status, &ends)
        })?;
        let (keeper, status, ends) = (shared.clone(), engine.status.clone(), engine.stop.clone());
        let instance = settings.instance.clone();
        engine.spawn("standbys", move || {
            wait_for_tables(&status, &ends);
            follow_changelogs(&keeper, &instance, &status, &ends)
        })?;
        for index in 0..workers {
            let worker = Worker::new(
                shared.clone(),
                WorkerSettings {
                    index,
                    ..settings.clone()
                },
            );
            let (status, stop) = (engine.status.clone(), engine.stop.clone());
            engine.spawn(&format!("worker-{index}"), move || {
                run_worker(worker, index, &status, &stop)
            })?;
        }
        Ok(engine)
    }

    fn spawn(
        &mut self,
        name: &str,
        body: impl FnOnce() -> Result<(), EngineError> + Send + 'static,
    ) -> Result<(), EngineError> {
        let (status, stop) = (self.status.clone(), self.stop.clone());
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // A thread that ends in any way but by being stopped ends them all.
            let ended = EndsAll { stop, status };
            let result = body();
            if result.is_ok() {
                std::mem::forget(ended);
            }
            result
        });
        self.threads
            .push(thread.map_err(|error| EngineError::Thread(error.to_string()))?);
        Ok(())
    }

    pub fn status(&self) -> &Arc<Status> {
        &self.status
    }

    /// A worker has failed, or [`Self::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks all threads to end well: to commit what they processed and leave the group.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in &self.threads {
            thread.thread().unpark();
        }
    }

    /// Waits until all threads have ended.
    ///
    /// # Errors
    /// The first failure of a thread.
    pub fn join(self) -> Result<(), EngineError> {
        let mut result = Ok(());
        for thread in self.threads {
            let name = thread.thread().name().unwrap_or("a thread").to_owned();
            let ended = thread.join().unwrap_or(Err(EngineError::Panicked(name)));
            if result.is_ok() {
                result = ended;
            }
        }
        result
    }
}

/// What is done about topics before the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topics {
    /// Ours are created where they are missing, all are checked.
    Prepare,
    /// They are taken as they are: for a cluster without an admin API.
    AsTheyAre,
}

/// Waits for a broker that is away, for ever.
fn prepare_topics(shared: &Shared, topics: Topics, status: &Status, stop: &AtomicBool) -> Result<(), EngineError> {
    let (start, mut repeats) = (Instant::now(), Repeats::default());
    while topics == Topics::Prepare && !stop.load(Ordering::Relaxed) {
        match prepare(shared.broker.as_ref(), &shared.topology) {
            Ok(()) => break,
            Err(EngineError::Broker(error)) if error.reaction == Reaction::Retry => {
                if let Some(held) = repeats.ask((), start.elapsed()) {
                    tracing::warn!(%error, repeated = held.field(), "the brokers are waited for");
                }
                status.set_brokers_away(true);
                std::thread::park_timeout(BROKER_BACKOFF);
            }
            Err(error) => return Err(error),
        }
    }
    status.set_brokers_away(false);
    Ok(())
}

/// What the engine works with, outside of itself.
pub struct Backends {
    pub broker: Box<dyn Broker>,
    pub stores: Box<dyn Stores>,
    pub schemas: Schemas,
    /// Who gets spans of records.
    pub traces: Traces,
}

/// The schemas of a topology, and whose they are.
pub struct Schemas {
    pub registry: Arc<dyn Registry>,
    /// Whether what is not registered may be.
    pub register: bool,
}

impl Schemas {
    /// Of a topology without a registry.
    pub fn none() -> Self {
        Self {
            registry: Arc::new(NoRegistry),
            register: false,
        }
    }

    /// Of the registry that a topology names, if it does.
    ///
    /// # Errors
    /// Files of certificates that are of no use.
    pub fn of(settings: Option<&Settings>) -> Result<Self, String> {
        let Some(settings) = settings else {
            return Ok(Self::none());
        };
        Ok(Self {
            registry: Arc::new(HttpRegistry::new(settings)?),
            register: settings.auto_register,
        })
    }
}

/// Waits for a registry that is away, for ever.
fn prepare_schemas(shared: &Shared, register: bool, status: &Status, stop: &AtomicBool) -> Result<(), EngineError> {
    let (start, mut repeats) = (Instant::now(), Repeats::default());
    for writer in shared.wiring.sink_writers() {
        while !stop.load(Ordering::Relaxed) {
            match writer.prepare(shared.registry.as_ref(), register) {
                Ok(()) => break,
                Err(error @ RegistryError::Away(_)) => {
                    if let Some(held) = repeats.ask((), start.elapsed()) {
                        tracing::warn!(%error, repeated = held.field(), "it is waited for");
                    }
                    status.set_schemas_away(true);
                    std::thread::park_timeout(BROKER_BACKOFF);
                }
                Err(error) => return Err(EngineError::Schemas(error)),
            }
        }
    }
    status.set_schemas_away(false);
    Ok(())
}

struct EndsAll {
    stop: Arc<AtomicBool>,
    status: Arc<Status>,
}

impl Drop for EndsAll {
    fn drop(&mut self) {
        self.status.failed();
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Topics are prepared by then, too.
fn wait_for_tables(status: &Status, stop: &AtomicBool) {
    while !status.are_tables_loaded() && !stop.load(Ordering::Relaxed) {
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn run_worker(mut worker: Worker, index: usize, status: &Status, stop: &AtomicBool) -> Result<(), EngineError> {
    let start = Instant::now();
    let mut published = start;
    wait_for_tables(status, stop);
    while !stop.load(Ordering::Relaxed) {
        let step = worker.step(start.elapsed())?;
        if published.elapsed() >= PUBLISH {
            published = Instant::now();
            status.publish(index, worker.status());
        }
        if let Step::Wait(time) = step {
            status.publish(index, worker.status());
            std::thread::park_timeout(time);
        }
    }
    let deadline = Instant::now() + FINISH;
    while !worker.finish()? {
        if Instant::now() > deadline {
            tracing::warn!(
                worker = index,
                "the last commit did not come through in time; its records are processed again at the next start"
            );
            break;
        }
    }
    status.publish(index, worker.status());
    Ok(())
}
