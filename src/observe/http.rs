//! The HTTP server: `/metrics`, `/livez`, `/readyz`, and on `/` the live page or, without one, an index.
//!
//! It has a thread and a runtime of its own, so that it answers whatever workers do, and takes no time of theirs.

#[cfg(test)]
mod tests;

use super::health::{Probe, Report};
use super::metrics::Exposition;
use super::page::{self, Page};
use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long answers that are being written may take when the server stops.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How often histograms are summed up when nobody asks for them.
const UPKEEP: Duration = Duration::from_secs(5);

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

#[derive(Clone)]
struct Shown {
    exposition: Exposition,
    probe: Arc<dyn Probe>,
}

impl HttpServer {
    /// Listens from now on. Port 0 is any free one: see [`HttpServer::address`].
    ///
    /// # Errors
    /// Where the address can't be listened on, or there is no thread.
    pub fn start(
        address: SocketAddr,
        exposition: Exposition,
        probe: impl Probe + 'static,
    ) -> Result<HttpServer, HttpError> {
        Self::start_with(address, exposition, probe, None)
    }

    /// As [`HttpServer::start`], with the live page on `/`.
    ///
    /// # Errors
    /// As [`HttpServer::start`].
    pub fn start_with(
        address: SocketAddr,
        exposition: Exposition,
        probe: impl Probe + 'static,
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
    let (graceful, begin) = oneshot::channel::<()>();
    let (ending, ends) = watch::channel(false);
    let root = match page {
        Some(page) => page::routes(page, ends),
        None => Router::new().route("/", get(|headers: HeaderMap| async move { index(&headers) })),
    };
    let server = axum::serve(listener, router(shown).merge(root)).with_graceful_shutdown(async move {
        let _ = begin.await;
    });
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
        let _ = graceful.send(());
        // a client that never reads its answer must not keep the process
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    tokio::select! {
        ended = async { server.await } => ended,
        () = upkeep => Ok(()),
        () = end => Ok(()),
    }
}

fn router(shown: Shown) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .fallback(unknown)
        .with_state(shown)
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, shown.exposition.render())
}

async fn live(State(shown): State<Shown>, query: RawQuery, headers: HeaderMap) -> Response {
    let report = shown.probe.report();
    let reasons = report.not_live.clone();
    answer(report, &reasons, &query, &headers)
}

async fn ready(State(shown): State<Shown>, query: RawQuery, headers: HeaderMap) -> Response {
    let report = shown.probe.report();
    let reasons = [report.not_live.as_slice(), report.not_ready.as_slice()].concat();
    answer(report, &reasons, &query, &headers)
}

fn answer(report: Report, reasons: &[String], RawQuery(query): &RawQuery, headers: &HeaderMap) -> Response {
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let verbose = query
        .iter()
        .flat_map(|query| query.split('&'))
        .any(|part| matches!(part, "verbose" | "verbose=true"));
    if !verbose && !accepts(headers, "application/json") {
        let text = if reasons.is_empty() {
            "ok".to_owned()
        } else {
            reasons.join("\n")
        };
        return (status, text + "\n").into_response();
    }
    let mut body = json!({"live": report.is_live(), "ready": report.is_ready(), "reasons": reasons});
    if let (Value::Object(body), Value::Object(details)) = (&mut body, report.details) {
        body.extend(details);
    }
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        format!("{body:#}\n"),
    )
        .into_response()
}

pub(super) fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains(kind))
}

pub(super) fn index(headers: &HeaderMap) -> Response {
    const PATHS: [(&str, &str); 3] = [
        ("/metrics", "metrics, for Prometheus"),
        ("/livez", "alive or not"),
        ("/readyz?verbose", "ready or not, with details"),
    ];
    let title = concat!("millstream ", env!("CARGO_PKG_VERSION"));
    if !accepts(headers, "text/html") {
        let lines: Vec<String> = PATHS
            .iter()
            .map(|(path, about)| format!("{path:16} {about}\n"))
            .collect();
        return format!("{title}\n\n{}", lines.concat()).into_response();
    }
    let items: Vec<String> = PATHS
        .iter()
        .map(|(path, about)| format!("<li><a href=\"{path}\">{path}</a>: {about}</li>"))
        .collect();
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title><h1>{title}</h1><ul>{}</ul></html>\n",
        items.concat()
    ))
    .into_response()
}

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; see / for what is here\n")
}
