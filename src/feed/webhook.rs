//! Takes events that are posted, and answers once Kafka has them.
//!
//! What must hold:
//! - **2xx only after Kafka has everything of the request**, as records or dead letters, and an answer within `timeout`
//!   whatever Kafka does. What was queued when it ran out may still arrive; it is sent again, and dropped as a duplicate;
//! - **nothing of who may not post is read**, let alone parsed or kept: a request is refused by its head;
//! - **memory is bounded** by events and bytes under way, also those whose sender was told to come again, and by connections.

mod answer;
mod auth;
mod body;
mod delivery;
mod jwks;
#[cfg(test)]
mod tests;
mod tls;

use super::FeedError;
use super::outlet::Outlet;
use super::stop::Stop;
use super::trace;
use crate::observe::connections::{self, Bounded};
use crate::topology::{Webhook, WebhookAuth};
use answer::{Accepted, Refusal};
use auth::Auth;
use axum::extract::{Request, State};
use axum::handler::Handler as _;
use axum::http::Method;
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use delivery::Delivery;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket};
use tokio::time::Instant;

/// Connections at a time. Each may hold a head and the buffers of TLS; bodies have a limit of their own.
const CONNECTIONS: usize = 512;
/// Connections that wait until they are taken; the system may have a limit of its own.
const BACKLOG: u32 = 1024;
/// Beyond `timeout`, so that an answer at the last moment is still written.
const LAST_ANSWERS: Duration = Duration::from_millis(500);

/// Runs until it is stopped.
///
/// # Errors
/// Settings that can't work.
pub async fn run(settings: &Webhook, outlet: Outlet, stop: Stop) -> Result<(), FeedError> {
    let listener = listen(settings.listen).map_err(|error| {
        let message = format!("can't listen on {}: {error}; give another address", settings.listen);
        wrong(&outlet, message)
    })?;
    serve(listener, settings, outlet, stop).await
}

fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // as one that was here a moment ago may have left connections behind
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

async fn serve(listener: TcpListener, settings: &Webhook, outlet: Outlet, stop: Stop) -> Result<(), FeedError> {
    let start = |error: std::io::Error| FeedError::Thread(error.to_string());
    let auth = Auth::new(&settings.auth).map_err(|why| wrong(&outlet, why))?;
    let tls = match &settings.tls {
        Some(files) => Some(tls::Files::read(files).await.map_err(|why| wrong(&outlet, why))?),
        None => None,
    };
    let outlet = Arc::new(outlet);
    let delivery = Arc::new(Delivery::new(Arc::clone(&outlet), settings));
    let receiver = Arc::new(Receiver {
        path: settings.path.clone(),
        max_body: settings.max_body,
        timeout: settings.timeout,
        auth,
        delivery: Arc::clone(&delivery),
        outlet: Arc::clone(&outlet),
    });
    let telling = tokio::spawn(async move { delivery.tell_all().await });
    let handle = Handle::new();
    let server = connections::server(listener, handle.clone());
    let bounded = Bounded::new(CONNECTIONS, {
        let state = Arc::clone(outlet.state());
        move || state.refused("connections")
    });
    // without a router: there is one path, and it is compared below
    let app = receive.with_state(receiver).into_make_service();
    let stopping = tokio::spawn(stopped(handle, stop, settings.timeout));
    let feed = &outlet.state().name;
    tracing::info!(feed, address = %settings.listen, tls = tls.is_some(), "the feed listens");
    if matches!(settings.auth, WebhookAuth::Nothing) {
        tracing::warn!(
            feed,
            "whoever reaches the feed's address may post events: it has `auth: none`"
        );
    }
    outlet.state().up();
    let served = match tls {
        None => server.acceptor(bounded).serve(app).await,
        Some(files) => {
            let acceptor = files.acceptor().handshake_timeout(connections::FIRST).acceptor(bounded);
            tokio::select! {
                served = server.acceptor(acceptor).serve(app) => served,
                never = files.keep_up(&outlet.state().name) => match never {},
            }
        }
    };
    stopping.abort();
    telling.abort();
    served.map_err(start)
}

/// Ends the server well: it takes nothing more, and what is under way has its time.
async fn stopped(handle: Handle<SocketAddr>, mut stop: Stop, timeout: Duration) {
    stop.requested().await;
    handle.graceful_shutdown(Some(timeout + LAST_ANSWERS));
}

fn wrong(outlet: &Outlet, message: String) -> FeedError {
    FeedError::Settings {
        feed: outlet.state().name.clone(),
        message,
    }
}

/// What a request meets.
struct Receiver {
    path: String,
    max_body: usize,
    timeout: Duration,
    auth: Auth,
    delivery: Arc<Delivery>,
    outlet: Arc<Outlet>,
}

async fn receive(State(receiver): State<Arc<Receiver>>, request: Request) -> Response {
    match receiver.take(request).await {
        Ok(accepted) => accepted.into_response(),
        Err(refusal) => {
            receiver.outlet.state().refused(refusal.reason());
            refusal.into_response()
        }
    }
}

impl Receiver {
    /// One request, from the head on. What is cheap is asked first, and nothing of the body before all of the head is right.
    async fn take(&self, request: Request) -> Result<Accepted, Refusal> {
        let deadline = Instant::now() + self.timeout;
        let (head, body) = request.into_parts();
        if head.uri.path() != self.path {
            return Err(Refusal::NotFound);
        }
        if head.method != Method::POST {
            return Err(Refusal::Method);
        }
        let known = tokio::time::timeout_at(deadline, self.auth.check(&head.headers)).await;
        known.unwrap_or(Err(Refusal::KeysAway))?;
        let trace = trace::of_request(&head.headers);
        let length = body::check(&head.headers, self.max_body)?;
        let room = self.delivery.room_for_bytes(length.unwrap_or(self.max_body))?;
        let read = body::read(body, length, self.max_body);
        let bytes = tokio::time::timeout_at(deadline, read).await;
        let bytes = bytes.unwrap_or(Err(Refusal::Slow))?;
        self.delivery.deliver(bytes, trace, room, deadline).await
    }
}
