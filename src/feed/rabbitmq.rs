//! Takes the messages of a RabbitMQ queue, and acknowledges them once Kafka has them.

use super::FeedError;
use super::outlet::Outlet;
use super::running::Stop;
use crate::topology::Rabbitmq;

/// Runs until it is stopped.
///
/// # Errors
/// Settings that can't work.
pub async fn run(_settings: &Rabbitmq, outlet: Outlet, mut stop: Stop) -> Result<(), FeedError> {
    outlet.state().up();
    stop.requested().await;
    Ok(())
}
