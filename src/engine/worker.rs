//! A worker: one consumer, one transactional producer, many tasks. It is stepped; it never sleeps and starts no thread, so the
//! same code runs in production threads and in tests that decide every step.
//!
//! A step does the most urgent thing there is: finish an abort, finish a commit, complete a rebalance, restore, or poll and
//! process. Every error comes back classified, and [`Worker::react`] is the one place that acts on it.

use super::chain::Chain;
use super::counts::Counts;
use super::failures::Failures;
use super::output::Outputs;
use super::restoring::Progress;
use super::samples::Samples;
use super::session::Session;
use super::standby::Standbys;
use super::tables::Tables;
use super::task::Stand;
use super::trace::Tracing;
use super::wiring::Wiring;
use super::{EngineError, StepError, WorkerSettings};
use crate::broker::{Broker, Reaction};
use crate::codec::CodecError;
use crate::observe::Repeats;
use crate::registry::Registry;
use crate::state::{Mark, Stores};
use crate::topology::Topology;
use bumpalo::Bump;
use std::sync::Arc;
use std::time::Duration;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There was something to do; there may be more.
    Busy,
    /// Nothing came within the poll.
    Idle,
    /// Something has to be tried again after this time.
    Wait(Duration),
}

/// Never changed while the workers run, and shared by them.
pub struct Shared {
    pub topology: Arc<Topology>,
    pub wiring: Wiring,
    pub tables: Tables,
    pub broker: Box<dyn Broker>,
    pub registry: Arc<dyn Registry>,
    pub stores: Box<dyn Stores>,
    pub standbys: Standbys,
    pub failures: Arc<Failures>,
    pub tracing: Tracing,
    pub samples: Arc<Samples>,
}

impl Shared {
    /// With nobody who looks at it, and no spans.
    ///
    /// # Errors
    /// A table's schema that can't be used.
    pub fn new(
        topology: Arc<Topology>,
        wiring: Wiring,
        registry: Arc<dyn Registry>,
        broker: Box<dyn Broker>,
        stores: Box<dyn Stores>,
    ) -> Result<Self, CodecError> {
        Ok(Self {
            tables: Tables::new(&topology.tables, &registry)?,
            topology,
            wiring,
            broker,
            registry,
            stores,
            standbys: Standbys::default(),
            failures: Arc::default(),
            tracing: Tracing::off(),
            samples: Arc::default(),
        })
    }
}

pub struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) settings: WorkerSettings,
    pub(super) chain: Chain,
    pub(super) arena: Bump,
    pub(super) counts: Counts,
    pub(super) outputs: Outputs,
    pub(super) marks: Vec<Mark>,
    session: Option<Session>,
    failures: u32,
    /// Who is waited for, until something was done again.
    waits_for: Option<&'static str>,
    /// What was logged lately: one that waits for a broker must not say so each time.
    repeats: Repeats<(Reaction, &'static str)>,
}

const FIRST_BACKOFF: Duration = Duration::from_millis(50);
const LONGEST_BACKOFF: Duration = Duration::from_secs(5);

impl Worker {
    pub fn new(shared: Arc<Shared>, settings: WorkerSettings) -> Self {
        let chain = Chain::build(&shared.topology);
        let counts = Counts::new(
            shared.wiring.entries.len(),
            shared.wiring.topics.len(),
            shared.topology.processors.len(),
            shared.wiring.sinks.len(),
        );
        Self {
            shared,
            settings,
            chain,
            arena: Bump::new(),
            counts,
            outputs: Outputs::default(),
            marks: Vec::new(),
            session: None,
            failures: 0,
            waits_for: None,
            repeats: Repeats::default(),
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Who is waited for. `None`: the worker has a producer and a consumer and nothing to try again.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.waits_for
    }

    /// Tasks that run, and tasks that are being restored with what is still to go.
    pub fn tasks(&self) -> TaskNumbers {
        self.session
            .as_ref()
            .map(|session| session.numbers(&self.shared.wiring))
            .unwrap_or_default()
    }

    /// Does the most urgent thing. `now` is the time since any fixed point.
    ///
    /// # Errors
    /// Only what a person must mend: the worker can't go on.
    pub fn step(&mut self, now: Duration) -> Result<Step, EngineError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match Session::open(self.shared.broker.as_ref(), &self.shared, &self.settings) {
                Ok(session) => session,
                Err(error) => return self.react(None, error.into(), now),
            },
        };
        match session.advance(self, now) {
            Ok(step) => {
                self.session = Some(session);
                // An abort is not yet a step ahead: what failed is to come again.
                if !matches!(step, Step::Wait(_)) {
                    self.failures = 0;
                    self.waits_for = None;
                }
                Ok(step)
            }
            Err(error) => self.react(Some(session), error, now),
        }
    }

    /// What is done about an error: the only place that decides.
    fn react(&mut self, session: Option<Session>, error: StepError, now: Duration) -> Result<Step, EngineError> {
        let wait = FIRST_BACKOFF
            .saturating_mul(1 << self.failures.min(10))
            .min(LONGEST_BACKOFF);
        self.failures = self.failures.saturating_add(1);
        self.waits_for = Some(error.waits_for());
        let said = self.repeats.ask((error.reaction(), error.waits_for()), now);
        if let Some(held) = said {
            self.tell(&error, held.field());
        }
        match error.reaction() {
            Reaction::Retry => {
                self.session = session;
            }
            Reaction::Abort | Reaction::DeadLetter => {
                self.counts.aborted(error.reason());
                if let Some(mut session) = session {
                    if !session.abort_next(&error) {
                        session.give_up();
                        return Err(error.into());
                    }
                    self.session = Some(session);
                }
            }
            Reaction::Rebuild => {
                self.counts.rebuilds += 1;
                if session.as_ref().is_some_and(Session::is_open) {
                    self.counts.aborted(error.reason());
                }
                drop(session);
            }
            Reaction::Fatal => {
                if let Some(mut session) = session {
                    session.give_up();
                }
                return Err(error.into());
            }
        }
        Ok(Step::Wait(wait))
    }

    /// `repeated`: how often the like happened since it was last told.
    fn tell(&self, error: &StepError, repeated: Option<u64>) {
        let worker = self.settings.index;
        let transaction = self.settings.transactional_id(&self.shared.topology);
        match error.reaction() {
            Reaction::Retry => tracing::info!(worker, transaction, %error, repeated, "tried again"),
            Reaction::Abort | Reaction::DeadLetter => {
                tracing::info!(worker, transaction, %error, repeated, "the transaction is aborted and begun again");
            }
            Reaction::Rebuild => {
                tracing::warn!(worker, transaction, %error, repeated, "the producer is of no more use: a new one is built");
            }
            Reaction::Fatal => tracing::error!(worker, transaction, %error, "the worker can't go on"),
        }
    }

    /// Ends well: commits what was processed and leaves the group. `false`: call again, the commit is not through yet.
    ///
    /// # Errors
    /// As [`Self::step`]; what was not committed is processed again after the next start.
    pub fn finish(&mut self) -> Result<bool, EngineError> {
        let Some(mut session) = self.session.take() else {
            return Ok(true);
        };
        match session.finish(&mut self.counts) {
            Ok(()) => Ok(true),
            Err(error) if error.reaction() == Reaction::Retry => {
                self.session = Some(session);
                Ok(false)
            }
            Err(error) => {
                session.give_up();
                if error.reaction() == Reaction::Fatal {
                    return Err(error.into());
                }
                let transaction = self.settings.transactional_id(&self.shared.topology);
                tracing::info!(worker = self.settings.index, transaction, %error, "the last commit is given up: its records are processed again");
                Ok(true)
            }
        }
    }
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
