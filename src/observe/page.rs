//! The live page on `/`, and the data behind it: the topology as a graph, and once a second how it stands.
//!
//! What is shown comes from a [`View`], which whoever runs the topology gives. The page is three files in the program, asks no
//! other host for anything, and has a policy that forbids it to. Behind a password where there is one ([`Credentials`]).

mod auth;
mod stream;
#[cfg(test)]
mod tests;

pub use auth::{BadCredentials, Credentials};

use super::accept::accepts;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use std::sync::Arc;
use stream::Stream;
use tokio::sync::watch;

/// What the page shows.
pub trait View: Send + Sync {
    /// What stays as it is: the graph with its nodes' settings. Without anything secret.
    fn topology(&self) -> Value;
    /// How it stands: totals, from which the page makes rates. Asked once a second at most.
    fn live(&self) -> Value;
    /// The last failures of each node. Without anything of the records.
    fn failures(&self) -> Value;
    /// A few records that passed a node, without secrets; asked for again and again while somebody looks.
    ///
    /// # Errors
    /// Why there are none.
    fn samples(&self, node: &str) -> Result<Value, NoSamples>;
}

/// Why no samples of records are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSamples {
    /// Nobody said that they may be.
    Off,
    /// No such node, or one that has none.
    Unknown,
}

/// What the HTTP server needs for the page.
pub struct Page {
    pub view: Box<dyn View>,
    /// `None`: whoever reaches the address sees it.
    pub credentials: Option<Credentials>,
}

/// Shared by all requests.
pub(super) struct Served {
    page: Page,
    stream: Stream,
}

const HTML: &str = include_str!("page/page.html");
const CSS: &str = include_str!("page/page.css");
const JS: &str = include_str!("page/page.js");

const SAMPLES_ARE_OFF: &str = "records are not shown here; `millstream run --page-samples` (or MILLSTREAM_PAGE_SAMPLES=true) shows a few, without secrets\n";

/// Nothing from elsewhere, nothing written into the page runs, and nobody frames it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page's paths but for `/` itself, each behind the password. Streams end when `ending` says so, or is gone.
pub(super) fn routes(page: Page, ending: watch::Receiver<bool>) -> Router {
    let served = Arc::new(Served {
        page,
        stream: Stream::new(ending),
    });
    Router::new()
        .route("/", get(index))
        .route("/page.css", get(|| async { text("text/css", CSS) }))
        .route("/page.js", get(|| async { text("text/javascript", JS) }))
        .route("/api/topology", get(topology))
        .route("/api/failures", get(failures))
        .route("/api/live", get(live))
        .route("/api/samples/{node}", get(samples))
        .route_layer(from_fn_with_state(Arc::clone(&served), guard))
        .with_state(served)
}

async fn index(request: Request) -> Response {
    if accepts(request.headers(), "text/html") {
        text("text/html", HTML)
    } else {
        super::index::index(request.headers())
    }
}

fn text(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, format!("{kind}; charset=utf-8"))], text).into_response()
}

async fn topology(State(served): State<Arc<Served>>) -> Response {
    json(&served.page.view.topology())
}

async fn failures(State(served): State<Arc<Served>>) -> Response {
    json(&served.page.view.failures())
}

async fn samples(State(served): State<Arc<Served>>, Path(node): Path<String>) -> Response {
    match served.page.view.samples(&node) {
        Ok(samples) => json(&samples),
        Err(NoSamples::Off) => (StatusCode::FORBIDDEN, SAMPLES_ARE_OFF).into_response(),
        Err(NoSamples::Unknown) => {
            let why = "no source, processor or sink is called so, as in source:orders; see /api/topology\n";
            (StatusCode::NOT_FOUND, why).into_response()
        }
    }
}

async fn live(State(served): State<Arc<Served>>) -> Response {
    Stream::answer(served)
}

fn json(value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, value.to_string()).into_response()
}

/// Asks for the password, and says to browsers what the page may do.
async fn guard(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let refused = served
        .page
        .credentials
        .as_ref()
        .and_then(|credentials| credentials.refuse(request.headers()));
    let mut answer = match refused {
        Some(refused) => refused,
        None => next.run(request).await,
    };
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
