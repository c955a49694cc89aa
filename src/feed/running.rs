//! The feeds of a process, each on a thread and an event loop of its own.

use super::keys::Keys;
use super::outlet::Outlet;
use super::state::FeedState;
use super::stop::Stop;
use super::{FeedError, rabbitmq, sqs, webhook};
use crate::broker::{Broker, Writer};
use crate::topology::{Feed, FeedKind, Topology};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::watch;

/// Running feeds.
pub struct Feeds {
    stop: watch::Sender<bool>,
    states: Vec<Arc<FeedState>>,
    threads: Vec<(String, JoinHandle<Result<(), FeedError>>)>,
}

impl Feeds {
    /// Starts those of the topology's feeds that `wanted` names.
    ///
    /// # Errors
    /// Where there is no producer, thread or event loop for them.
    pub fn start(
        topology: &Arc<Topology>,
        broker: &dyn Broker,
        wanted: &dyn Fn(&Feed) -> bool,
    ) -> Result<Self, FeedError> {
        let (stop, stopped) = watch::channel(false);
        let mut feeds = Self {
            stop,
            states: Vec::new(),
            threads: Vec::new(),
        };
        if !topology.feeds.iter().any(wanted) {
            return Ok(feeds);
        }
        let writer: Arc<dyn Writer> = Arc::from(broker.writer()?);
        for (index, feed) in topology.feeds.iter().enumerate() {
            if !wanted(feed) {
                continue;
            }
            let state = Arc::new(FeedState::new(&feed.name));
            let outlet = Outlet {
                topic: feed.topic.clone(),
                dead_letters: topology.dead_letters.clone(),
                writer: Arc::clone(&writer),
                keys: Mutex::new(Keys::new(Arc::clone(topology), index)),
                state: Arc::clone(&state),
            };
            feeds.states.push(state);
            let (topology, stop) = (Arc::clone(topology), Stop::of(stopped.clone()));
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| FeedError::Thread(error.to_string()))?;
            let thread = std::thread::Builder::new().name(format!("feed-{}", feed.name));
            let body = move || {
                let Some(feed) = topology.feeds.get(index) else {
                    return Ok(());
                };
                runtime.block_on(run(&topology, feed, outlet, stop))
            };
            let thread = thread
                .spawn(body)
                .map_err(|error| FeedError::Thread(error.to_string()))?;
            feeds.threads.push((feed.name.clone(), thread));
        }
        Ok(feeds)
    }

    /// How each stands.
    pub fn states(&self) -> &[Arc<FeedState>] {
        &self.states
    }

    /// A feed has ended that was not told to.
    pub fn has_ended(&self) -> bool {
        self.threads.iter().any(|(_, thread)| thread.is_finished())
    }

    /// Asks all to end well: to take nothing more, and to acknowledge what Kafka gets in time.
    pub fn stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Waits until all have ended.
    ///
    /// # Errors
    /// The first failure.
    pub fn join(self) -> Result<(), FeedError> {
        let mut result = Ok(());
        for (name, thread) in self.threads {
            let ended = thread.join().unwrap_or(Err(FeedError::Panicked(name)));
            if result.is_ok() {
                result = ended;
            }
        }
        result
    }
}

async fn run(topology: &Topology, feed: &Feed, outlet: Outlet, stop: Stop) -> Result<(), FeedError> {
    match &feed.kind {
        FeedKind::Rabbitmq(settings) => {
            let queue = settings.queue(&topology.application, &feed.name);
            rabbitmq::run(settings, &queue, outlet, stop).await
        }
        FeedKind::Webhook(settings) => webhook::run(settings, outlet, stop).await,
        FeedKind::Sqs(settings) => sqs::run(settings, outlet, stop).await,
    }
}
