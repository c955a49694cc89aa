//! The schemas of a topology without a registry of its own: all are registered, in the order of the topology, so that their ids are
//! the same wherever a case is read, run or compared.

use crate::codec::{CodecError, Codecs, Format, Reader, Writer};
use crate::registry::memory::MemoryRegistry;
use crate::registry::{Registry, RegistryError};
use crate::topology::Topology;
use std::sync::Arc;

/// Reads what a topology writes, and writes what it reads.
pub struct TopicFormats<'t> {
    topology: &'t Topology,
    registry: Arc<dyn Registry>,
}

impl<'t> TopicFormats<'t> {
    pub fn new(topology: &'t Topology) -> Self {
        Self {
            topology,
            registry: registry(topology),
        }
    }

    /// What writes records to a source, or rows to a table.
    ///
    /// # Errors
    /// A schema that can't be written with.
    pub fn writer(&self, format: &Format, topic: &str) -> Result<Writer, CodecError> {
        let writer = Writer::new(format, topic)?;
        let prepared = writer.prepare(self.registry.as_ref(), true);
        prepared.map(|()| writer).map_err(|error: RegistryError| error.into())
    }

    /// How a topic that the topology writes is read: where it keeps and looks up a table, as it looks it up.
    ///
    /// # Errors
    /// A schema that can't be read by.
    pub fn reader(&self, topic: &str) -> Result<Reader, CodecError> {
        let topology = self.topology;
        let mut sinks = topology.sinks.iter();
        if let Some(sink) = sinks.find(|sink| sink.topic.topics().iter().any(|own| own == topic)) {
            return Reader::new(&sink.format.as_written(), &self.registry);
        }
        if let Some(table) = topology.tables.iter().find(|table| table.topic == topic) {
            return Reader::new(&table.format, &self.registry);
        }
        let of_processor = topology.processors.iter().find_map(|node| {
            let through = node.definition.through().filter(|through| through.topic == topic);
            let kept = node.definition.keeps().filter(|kept| kept.topic == topic);
            let kept = kept.map(|kept| Codecs {
                key: None,
                value: kept.codec,
            });
            through.map(|through| through.codec).or(kept)
        });
        Ok(Reader::plain(of_processor.unwrap_or_default()))
    }
}

/// A registry that knows every schema of a topology.
pub fn registry(topology: &Topology) -> Arc<dyn Registry> {
    let registry = MemoryRegistry::default();
    let sources = topology
        .sources
        .iter()
        .map(|source| (&source.format, source.topic.clone()));
    let tables = topology.tables.iter().map(|table| (&table.format, table.topic.clone()));
    let sinks = topology.sinks.iter();
    let sinks = sinks.flat_map(|sink| sink.topic.topics().into_iter().map(|topic| (&sink.format, topic)));
    for (format, topic) in sources.chain(tables).chain(sinks) {
        // What can't be written with is said where it is used.
        if let Ok(writer) = Writer::new(format, &topic) {
            let _ = writer.prepare(&registry, true);
        }
    }
    Arc::new(registry)
}
