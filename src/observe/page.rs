//! The live page on `/`, and the data behind it: the topology as a graph, and once a second how it stands.
//!
//! What is shown comes from a [`View`], which whoever runs the topology gives. The page is three files in the program, asks no
//! other host for anything, and has a policy that forbids it to. Behind a password where there is one ([`Credentials`]).

mod auth;
mod stream;
#[cfg(test)]
mod tests;

pub use auth::{BadCredentials, Credentials};

use axum::Router;
use axum::extract::{Request, State};
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
        .route_layer(from_fn_with_state(Arc::clone(&served), guard))
        .with_state(served)
}

async fn index(request: Request) -> Response {
    if super::http::pages::accepts(request.headers(), "text/html") {
        text("text/html", HTML)
    } else {
        super::http::pages::index(request.headers())
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

async fn live(State(served): State<Arc<Served>>) -> Response {
    Stream::answer(served)
}

fn json(value: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, value.to_string()).into_response()
}

/// Asks for the password, and says to browsers what the page may do.
async fn guard(State(served): State<Arc<Served>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION);
    let admitted = served
        .page
        .credentials
        .as_ref()
        .is_none_or(|credentials| credentials.admit(given));
    let mut answer = if admitted {
        next.run(request).await
    } else {
        let ask = [(
            header::WWW_AUTHENTICATE,
            "Basic realm=\"millstream\", charset=\"UTF-8\"",
        )];
        (StatusCode::UNAUTHORIZED, ask, "a user and a password are needed\n").into_response()
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
