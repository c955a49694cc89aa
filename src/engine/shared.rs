//! What all workers share.

use super::failures::Failures;
use super::samples::Samples;
use super::tables::Tables;
use super::trace::Tracing;
use super::warm::Standbys;
use super::wiring::Wiring;
use crate::broker::Broker;
use crate::codec::CodecError;
use crate::registry::Registry;
use crate::state::Stores;
use crate::topology::Topology;
use std::sync::Arc;

/// Never changed while the workers run, and shared by them.
pub struct Shared {
    pub topology: Arc<Topology>,
    pub wiring: Wiring,
    pub tables: Tables,
    pub broker: Box<dyn Broker>,
    pub registry: Arc<dyn Registry>,
    pub stores: Box<dyn Stores>,
    pub standbys: Standbys,
    pub failures: Arc<Failures>,
    pub tracing: Tracing,
    pub samples: Arc<Samples>,
}

impl Shared {
    /// With nobody who looks at it, and no spans.
    ///
    /// # Errors
    /// A table's schema that can't be used.
    pub fn new(
        topology: Arc<Topology>,
        wiring: Wiring,
        registry: Arc<dyn Registry>,
        broker: Box<dyn Broker>,
        stores: Box<dyn Stores>,
    ) -> Result<Self, CodecError> {
        Ok(Self {
            tables: Tables::new(&topology.tables, &registry)?,
            topology,
            wiring,
            broker,
            registry,
            stores,
            standbys: Standbys::default(),
            failures: Arc::default(),
            tracing: Tracing::off(),
            samples: Arc::default(),
        })
    }
}
