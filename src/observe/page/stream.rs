//! `/api/live`: once a second how it stands, as Server-Sent Events, for a bounded number of viewers.

use super::Served;
use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// So many may watch at a time.
pub(super) const VIEWERS: usize = 32;
const INTERVAL: Duration = Duration::from_secs(1);
/// What was made for one viewer a moment ago is good for the others.
const FRESH: Duration = Duration::from_millis(800);

/// What the viewers share.
pub(super) struct Stream {
    ending: watch::Receiver<bool>,
    viewers: AtomicUsize,
    last: Mutex<Option<(Instant, Bytes)>>,
}

/// Counted for as long as it is there.
struct Viewer {
    served: Arc<Served>,
    ending: watch::Receiver<bool>,
    interval: tokio::time::Interval,
}

impl Stream {
    pub(super) fn new(ending: watch::Receiver<bool>) -> Self {
        Self {
            ending,
            viewers: AtomicUsize::new(0),
            last: Mutex::new(None),
        }
    }

    /// An answer that goes on until the viewer leaves or the server stops.
    pub(super) fn answer(served: Arc<Served>) -> Response {
        let Some(viewer) = Viewer::new(served) else {
            let retry = [(header::RETRY_AFTER, "10")];
            let why = format!("{VIEWERS} are watching already\n");
            return (StatusCode::SERVICE_UNAVAILABLE, retry, why).into_response();
        };
        let events = unfold(viewer, |mut viewer| async move {
            tokio::select! {
                // said, or the server is gone
                _ = viewer.ending.changed() => None,
                _ = viewer.interval.tick() => {
                    let event = Ok::<Bytes, Infallible>(viewer.served.event());
                    Some((event, viewer))
                }
            }
        });
        let kind = [(header::CONTENT_TYPE, "text/event-stream")];
        (kind, Body::from_stream(events)).into_response()
    }
}

impl Served {
    /// How it stands, as an event.
    fn event(&self) -> Bytes {
        let mut last = self.stream.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, event)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return event.clone();
        }
        let event = Bytes::from(format!("data: {}\n\n", self.page.view.live()));
        *last = Some((Instant::now(), event.clone()));
        event
    }
}

impl Viewer {
    /// `None`: there are enough.
    fn new(served: Arc<Served>) -> Option<Self> {
        let one_more = |viewers| (viewers < VIEWERS).then_some(viewers + 1);
        let counted = served
            .stream
            .viewers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        counted.ok()?;
        let mut interval = tokio::time::interval(INTERVAL);
        // a viewer that read nothing for a while gets no burst
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let ending = served.stream.ending.clone();
        Some(Self {
            served,
            ending,
            interval,
        })
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.served.stream.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
