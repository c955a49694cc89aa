//! A worker: one consumer, one transactional producer, many tasks. It is stepped; it never sleeps and starts no thread, so the
//! same code runs in production threads and in tests that decide every step.
//!
//! A step does the most urgent thing there is: finish an abort, finish a commit, complete a rebalance, restore, or poll and
//! process. Every error comes back classified, and [`Worker::react`] is the one place that acts on it.

use super::counts::Counts;
use super::error::EngineError;
use super::kit::Kit;
use super::session::Session;
use super::settings::WorkerSettings;
use super::shared::Shared;
use super::status::{TaskNumbers, WorkerStatus};
use super::step::{Step, StepError};
use crate::broker::Reaction;
use crate::observe::Repeats;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Worker {
    kit: Kit,
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
        Self {
            kit: Kit::new(shared, settings),
            session: None,
            failures: 0,
            waits_for: None,
            repeats: Repeats::default(),
        }
    }

    pub fn counts(&self) -> &Counts {
        &self.kit.counts
    }

    /// Who is waited for. `None`: the worker has a producer and a consumer and nothing to try again.
    pub fn waits_for(&self) -> Option<&'static str> {
        self.waits_for
    }

    /// Its numbers, to be published.
    pub fn status(&self) -> WorkerStatus {
        WorkerStatus {
            counts: self.counts().clone(),
            tasks: self.tasks(),
            waits_for: self.waits_for(),
            at: Instant::now(),
        }
    }

    /// Tasks that run, and tasks that are being restored with what is still to go.
    fn tasks(&self) -> TaskNumbers {
        self.session
            .as_ref()
            .map(|session| session.numbers(&self.kit.shared.wiring))
            .unwrap_or_default()
    }

    /// Does the most urgent thing. `now` is the time since any fixed point.
    ///
    /// # Errors
    /// Only what a person must mend: the worker can't go on.
    pub fn step(&mut self, now: Duration) -> Result<Step, EngineError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match Session::open(&self.kit) {
                Ok(session) => session,
                Err(error) => return self.react(None, error.into(), now),
            },
        };
        match session.advance(&mut self.kit, now) {
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
                self.kit.counts.aborted(error.reason());
                if let Some(mut session) = session {
                    if !session.abort_next(&error) {
                        session.give_up();
                        return Err(error.into());
                    }
                    self.session = Some(session);
                }
            }
            Reaction::Rebuild => {
                self.kit.counts.rebuilds += 1;
                if session.as_ref().is_some_and(Session::is_open) {
                    self.kit.counts.aborted(error.reason());
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
        let worker = self.kit.settings.index;
        let transaction = self.kit.transactional_id();
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
        match session.finish(&mut self.kit) {
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
                let transaction = self.kit.transactional_id();
                tracing::info!(worker = self.kit.settings.index, transaction, %error, "the last commit is given up: its records are processed again");
                Ok(true)
            }
        }
    }
}
