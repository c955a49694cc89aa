//! Takes the messages of an SQS queue, and deletes them once Kafka has them.
//!
//! SQS gives a message to one receiver and hides it from the others for a while; who deletes it in time is the last to see it.
//! So what was received is deleted only after Kafka has it, is hidden for longer while Kafka is slow, and is shown again at once
//! where Kafka refused it or the feed ends first. A delete that fails, a crash, a network that is cut: the message comes again.

mod flow;
mod held;
mod message;
mod queue;
mod standing;
#[cfg(test)]
mod tests;
mod trouble;

use super::FeedError;
use super::outlet::Outlet;
use super::stop::Stop;
use crate::topology::Sqs;
use flow::{Flow, Limits};
use queue::SqsQueue;
use std::time::Duration;

/// What is told to stop has so long for what is under way.
const GRACE: Duration = Duration::from_secs(5);

/// Runs until it is stopped. What SQS refuses is tried for ever: queues, roles and networks are mended elsewhere.
///
/// # Errors
/// None.
pub async fn run(settings: &Sqs, outlet: Outlet, mut stop: Stop) -> Result<(), FeedError> {
    let queue = tokio::select! {
        queue = SqsQueue::new(settings) => queue,
        () = stop.requested() => return Ok(()),
    };
    let limits = Limits {
        wait: settings.wait,
        visibility: settings.visibility,
        in_flight: settings.max_in_flight,
        receivers: settings.receivers,
        unwrap_sns: settings.unwrap_sns,
        grace: GRACE,
    };
    Flow::new(&queue, &outlet, limits).run(stop).await;
    Ok(())
}
