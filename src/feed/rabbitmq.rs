//! Takes the messages of a queue of RabbitMQ, and acknowledges them once Kafka has them.
//!
//! What must hold, beside what every feed holds:
//! - messages go on in the order of the queue, and are acknowledged in it: never one before another that came earlier;
//! - what was taken and not acknowledged is bounded by `prefetch`, so Kafka may be away as long as it likes;
//! - whatever breaks, the channel is closed and the queue consumed anew: RabbitMQ then gives again what was not acknowledged.

mod connection;
mod consuming;
mod headers;
#[cfg(test)]
mod tests;
mod under_way;

use super::FeedError;
use super::backoff::Backoff;
use super::outlet::Outlet;
use super::stop::Stop;
use crate::topology::Rabbitmq;
use connection::{Opener, Session};
use consuming::Ended;
use std::time::{Duration, Instant};

/// Who consumed for so long, or got anything done, has no lasting trouble: the next attempt comes soon.
const STEADY: Duration = Duration::from_secs(10);

/// Runs until it is stopped. Whatever RabbitMQ refuses is tried again: somebody may mend it there.
///
/// # Errors
/// Settings that can't work.
pub async fn run(settings: &Rabbitmq, queue: &str, outlet: Outlet, mut stop: Stop) -> Result<(), FeedError> {
    let state = outlet.state();
    let wrong = |message| FeedError::Settings {
        feed: state.name.clone(),
        message,
    };
    let opener = Opener::new(settings, queue, &state.name).map_err(wrong)?;
    let backoff = Backoff::default();
    loop {
        let opened = tokio::select! {
            biased;
            () = stop.requested() => return Ok(()),
            opened = open_any(&opener, &outlet) => opened,
        };
        if let Some(mut session) = opened {
            state.up();
            let since = Instant::now();
            let ended = consuming::consume(&mut session, &outlet, &mut stop).await;
            session.close().await;
            state.unacknowledged(0);
            match ended {
                Ended::Stopped => return Ok(()),
                Ended::Lost { why, progress } => {
                    state.down(&why);
                    if progress || since.elapsed() > STEADY {
                        backoff.worked();
                    }
                }
            }
        }
        backoff.failed();
        tokio::select! {
            biased;
            () = stop.requested() => return Ok(()),
            () = backoff.wait() => {}
        }
    }
}

/// The first URL that works.
async fn open_any(opener: &Opener<'_>, outlet: &Outlet) -> Option<Session> {
    let mut troubles = Vec::new();
    for uri in opener.uris() {
        match opener.open(uri).await {
            Ok(session) => return Some(session),
            Err(why) => troubles.push(why),
        }
    }
    outlet.state().down(&troubles.join("; "));
    None
}
