//! What a worker keeps whatever becomes of its session: how it works, its chain, what it counts, and room that is used again.

use super::chain::Chain;
use super::counts::Counts;
use super::output::Outputs;
use super::settings::WorkerSettings;
use super::shared::Shared;
use crate::state::Mark;
use bumpalo::Bump;
use std::sync::Arc;

pub struct Kit {
    pub shared: Arc<Shared>,
    pub settings: WorkerSettings,
    pub chain: Chain,
    pub arena: Bump,
    pub counts: Counts,
    pub outputs: Outputs,
    pub marks: Vec<Mark>,
}

impl Kit {
    pub fn new(shared: Arc<Shared>, settings: WorkerSettings) -> Self {
        let chain = Chain::build(&shared.topology);
        let counts = Counts::new(
            shared.wiring.entries.len(),
            shared.wiring.topics.len(),
            shared.topology.processors.len(),
            shared.wiring.sinks.len(),
        );
        Self {
            shared,
            settings,
            chain,
            arena: Bump::new(),
            counts,
            outputs: Outputs::default(),
            marks: Vec::new(),
        }
    }

    /// What its transactions are called; `None`: it has none.
    pub fn transactional_id(&self) -> Option<String> {
        self.settings.transactional_id(&self.shared.topology)
    }
}
