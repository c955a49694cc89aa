//! The thread on which requests run, for callers that block.
//!
//! Connections are kept between requests, and belong to the runtime that opened them: so there is one, as long as the registry.

use crate::registry::RegistryError;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::future::Future;
use std::sync::mpsc::sync_channel;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

type Job = BoxFuture<'static, ()>;

/// Ends its thread when it is dropped.
pub(super) struct Asking {
    jobs: UnboundedSender<Job>,
}

impl Asking {
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("no runtime to ask the schema registry on: {error}"))?;
        let (jobs, mut given) = unbounded_channel::<Job>();
        let run = move || {
            runtime.block_on(async {
                while let Some(job) = given.recv().await {
                    drop(tokio::spawn(job));
                }
            });
        };
        let thread = std::thread::Builder::new().name("registry".to_owned()).spawn(run);
        thread.map_err(|error| format!("no thread to ask the schema registry on: {error}"))?;
        Ok(Self { jobs })
    }

    /// Runs a request there, and waits for its end.
    pub fn wait<T: Send + 'static>(
        &self,
        request: impl Future<Output = Result<T, RegistryError>> + Send + 'static,
    ) -> Result<T, RegistryError> {
        let (done, outcome) = sync_channel(1);
        let job = async move {
            let _ = done.send(request.await);
        };
        let gone = || RegistryError::Away("nobody is there to ask it".to_owned());
        self.jobs.send(job.boxed()).map_err(|_| gone())?;
        outcome.recv().unwrap_or_else(|_| Err(gone()))
    }
}
