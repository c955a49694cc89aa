//! What the HTTP server shows: `/metrics`, `/livez`, `/readyz`, `/startupz`, and `/logs/level` for those who may.

use crate::observe::accept::accepts;
use crate::observe::health::{Probe, Report};
use crate::observe::logs::Levels;
use crate::observe::metrics::Exposition;
use crate::observe::page::Credentials;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Of a filter for logs.
const BODY_BYTES: usize = 1 << 10;
const BODY_TIME: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub struct Shown {
    pub exposition: Exposition,
    pub probe: Arc<dyn Probe>,
    /// `None`: nobody may change them here.
    pub levels: Option<Levels>,
    /// Asked of those who change them; `None`: whoever reaches the address may.
    pub credentials: Option<Credentials>,
}

pub fn router(shown: Shown) -> Router {
    let router = match shown.levels {
        Some(_) => Router::new()
            .route("/logs/level", get(level).put(set_level))
            .route_layer(from_fn_with_state(shown.clone(), guard)),
        None => Router::new(),
    };
    router
        .route("/metrics", get(metrics))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/startupz", get(started))
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

async fn started(State(shown): State<Shown>, query: RawQuery, headers: HeaderMap) -> Response {
    let report = shown.probe.report();
    let reasons = report.not_started.clone();
    answer(report, &reasons, &query, &headers)
}

/// Asks for the page's password, where it has one: who may not see the page must not make it log more.
async fn guard(State(shown): State<Shown>, request: Request, next: Next) -> Response {
    let credentials = shown.credentials.as_ref();
    match credentials.and_then(|credentials| credentials.refuse(request.headers())) {
        Some(refused) => refused,
        None => next.run(request).await,
    }
}

async fn level(State(shown): State<Shown>) -> String {
    shown.levels.map_or_else(String::new, |levels| levels.get()) + "\n"
}

/// The body is a filter, as `debug` or `info,millstream::engine=debug`.
async fn set_level(State(shown): State<Shown>, body: Body) -> (StatusCode, String) {
    let body = tokio::time::timeout(BODY_TIME, to_bytes(body, BODY_BYTES)).await;
    let Ok(body) = body else {
        return (StatusCode::REQUEST_TIMEOUT, "the body did not come\n".to_owned());
    };
    let Ok(body) = body else {
        return (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("a filter has at most {BODY_BYTES} bytes\n"),
        );
    };
    let set = std::str::from_utf8(&body)
        .map_err(|error| error.to_string())
        .and_then(|filter| {
            let levels = shown.levels.ok_or("levels can't be changed here")?;
            levels.set(filter).map_err(|error| error.to_string())?;
            Ok(levels.get())
        });
    match set {
        Ok(filter) => {
            tracing::warn!(filter, "what is logged was changed");
            (StatusCode::OK, filter + "\n")
        }
        Err(why) => (StatusCode::BAD_REQUEST, why + "\n"),
    }
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

async fn unknown() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; see / for what is here\n")
}
