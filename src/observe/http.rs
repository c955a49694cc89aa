//! The HTTP server. What it shows is in [`pages`].
//!
//! What must hold: whatever is sent, memory and connections are bounded, and a request that takes too long is ended. It has a thread
//! and a runtime of its own, so that it answers whatever workers do, and takes no time of theirs.

mod pages;
#[cfg(test)]
mod tests;

use super::connections::{self, Bounded};
use super::health::Probe;
use super::index;
use super::logs::Levels;
use super::metrics::Exposition;
use super::page::{self, Page};
use axum_server::Handle;
use pages::Shown;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long answers that are being written may take when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How often histograms are summed up when nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

/// Connections at a time: Prometheus, probes, and a few people.
const CONNECTIONS: usize = 64;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("can't listen on {address}: {error}; give another address, or port 0 for any free one")]
    Listen { address: SocketAddr, error: std::io::Error },
    #[error("the HTTP server can't start: {0}")]
    Start(std::io::Error),
}

/// A running server. Dropped, it stops.
pub struct HttpServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HttpServer {
    /// Listens from now on. Port 0 is any free one: see [`HttpServer::address`]. `levels`: who reaches the address may change them.
    ///
    /// # Errors
    /// Where the address can't be listened on, or there is no thread.
    pub fn start(
        address: SocketAddr,
        exposition: Exposition,
        probe: impl Probe + 'static,
        levels: Option<Levels>,
    ) -> Result<HttpServer, HttpError> {
        Self::start_with(address, exposition, probe, levels, None)
    }

    /// As [`HttpServer::start`], with the live page on `/`.
    ///
    /// # Errors
    /// As [`HttpServer::start`].
    pub fn start_with(
        address: SocketAddr,
        exposition: Exposition,
        probe: impl Probe + 'static,
        levels: Option<Levels>,
        page: Option<Page>,
    ) -> Result<HttpServer, HttpError> {
        let listener = TcpListener::bind(address).map_err(|error| HttpError::Listen { address, error })?;
        listener.set_nonblocking(true).map_err(HttpError::Start)?;
        let address = listener.local_addr().map_err(HttpError::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(HttpError::Start)?;
        let (stop, stopped) = oneshot::channel();
        let shown = Shown {
            exposition,
            probe: Arc::new(probe),
            levels,
            credentials: page.as_ref().and_then(|page| page.credentials.clone()),
        };
        let serve = move || {
            if let Err(error) = runtime.block_on(serve(listener, shown, page, stopped)) {
                tracing::error!(%error, "the HTTP server ended");
            }
        };
        let thread = std::thread::Builder::new()
            .name("http".to_owned())
            .spawn(serve)
            .map_err(HttpError::Start)?;
        Ok(HttpServer {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops listening, ends the answers that are being written, and waits for that.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // an error says that it has ended already
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(
    listener: TcpListener,
    shown: Shown,
    page: Option<Page>,
    stopped: oneshot::Receiver<()>,
) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let exposition = shown.exposition.clone();
    let (ending, ends) = watch::channel(false);
    let root = page.map_or_else(index::alone, |page| page::routes(page, ends));
    let handle: Handle<SocketAddr> = Handle::new();
    let server = connections::server(listener, handle.clone()).acceptor(Bounded::new(CONNECTIONS, || {}));
    let routes = pages::router(shown).merge(root);
    let upkeep = async {
        let mut interval = tokio::time::interval(UPKEEP);
        loop {
            interval.tick().await;
            exposition.upkeep();
        }
    };
    let end = async {
        let _ = stopped.await;
        let _ = ending.send(true);
        handle.graceful_shutdown(Some(LAST_ANSWERS));
        // a client that never reads its answer must not keep the process
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        ended = server.serve(routes.into_make_service()) => ended,
        () = upkeep => Ok(()),
        () = end => Ok(()),
    }
}
