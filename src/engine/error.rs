//! Why the engine can't go on.

use super::step::StepError;
use crate::broker::BrokerError;
use crate::codec::CodecError;
use crate::registry::RegistryError;
use crate::state::StateError;
use crate::topology::Wrong;

/// Why the engine can't go on: a person must mend it.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(transparent)]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A schema that is not registered, or that the registry refuses.
    #[error("{0}; `millstream schemas plan` says which schemas the topology needs, `schemas apply` registers them")]
    Schemas(RegistryError),
    #[error("topics are not as the topology needs them:{}", list(.0))]
    Topics(Vec<Wrong>),
    #[error("no thread could be started: {0}")]
    Thread(String),
    #[error("{0} panicked: this is a bug of millstream, please report it with the log")]
    Panicked(String),
}

fn list(wrong: &[Wrong]) -> String {
    wrong.iter().map(|wrong| format!("\n  {wrong}")).collect()
}

impl From<StepError> for EngineError {
    fn from(error: StepError) -> Self {
        match error {
            StepError::Broker(error) => Self::Broker(error),
            StepError::State(error) => Self::State(error),
            StepError::Store(why) => Self::State(StateError::Refused(why)),
            StepError::Registry(why) => Self::Schemas(RegistryError::Away(why)),
        }
    }
}
