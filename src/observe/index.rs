//! The index on `/`: what the HTTP server has, for people and for programs.

use super::accept::accepts;
use axum::Router;
use axum::http::HeaderMap;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

/// The index by itself, where no page is shown on `/`.
pub(super) fn alone() -> Router {
    Router::new().route("/", get(|headers: HeaderMap| async move { index(&headers) }))
}

pub(super) fn index(headers: &HeaderMap) -> Response {
    const PATHS: [(&str, &str); 4] = [
        ("/metrics", "metrics, for Prometheus"),
        ("/livez", "alive or not"),
        ("/startupz", "started or not"),
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
