//! Says to a feed when to stop: handed to it by whoever started it.

use tokio::sync::watch;

/// Says when to stop. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Requested once `true` was sent, or the sender is gone.
    pub(super) fn of(stop: watch::Receiver<bool>) -> Self {
        Self(stop)
    }

    /// Waits until the feed is to stop.
    pub async fn requested(&mut self) {
        // An error: whoever could ask for it is gone.
        let _ = self.0.wait_for(|stop| *stop).await;
    }

    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }
}
