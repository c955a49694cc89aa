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
        let writer = Writer::new(&format.unchecked(), topic)?;
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

#[cfg(test)]
mod tests {
    use super::super::driver::{Driver, DriverError, Message};
    use super::*;
    use crate::registry::{Declared, Language};
    use crate::topology::load_text;
    use std::path::Path;

    const TOPOLOGY: &str = "
application: shop
schema_registry: {url: http://localhost:8081}
sources: {orders: {topic: feed.orders, codec: json_schema}}
sinks: {out: {from: orders, topic: shop.orders}}
dead_letters: {topic: shop.dead-letters}
";

    fn message(id: u32, body: &str) -> Message {
        let framed = [&[0][..], &id.to_be_bytes(), body.as_bytes()].concat();
        Message {
            value: Some(framed),
            ..Message::default()
        }
    }

    fn driver(registry: &Arc<MemoryRegistry>) -> Driver {
        let topology = load_text(TOPOLOGY, Path::new("no-such-folder"), &|_| None);
        Driver::with_registry(&Arc::new(topology.unwrap()), registry.clone()).unwrap()
    }

    fn values(driver: &Driver, topic: &str) -> Vec<String> {
        let text = |value: Option<Vec<u8>>| String::from_utf8(value.unwrap_or_default()).unwrap();
        driver
            .records(topic)
            .into_iter()
            .map(|record| text(record.value))
            .collect()
    }

    fn any() -> Declared {
        Declared {
            language: Language::Json,
            text: "{}".to_owned(),
        }
    }

    #[test]
    fn records_wait_for_a_registry_that_is_away_and_none_is_lost_or_doubled() {
        let registry = Arc::new(MemoryRegistry::default());
        let id = registry.register("feed.orders-value", &any()).unwrap();
        let mut driver = driver(&registry);
        registry.set_away(true);
        for number in 0..3 {
            driver.input("orders", &message(id, &number.to_string())).unwrap();
        }
        assert!(matches!(driver.run_until_idle(), Err(DriverError::Restless(_))));
        assert_eq!(driver.waits_for(), Some("the schema registry"));
        assert!(values(&driver, "shop.orders").is_empty() && driver.dead_letters().is_empty());
        registry.set_away(false);
        driver.run_until_idle().unwrap();
        assert_eq!(values(&driver, "shop.orders"), ["0", "1", "2"]);
        assert_eq!(driver.waits_for(), None);
        let asked = registry.asked();
        driver.input("orders", &message(id, "3")).unwrap();
        driver.run_until_idle().unwrap();
        assert_eq!(registry.asked(), asked, "what is known is not asked for again");
    }

    #[test]
    fn a_schema_that_nobody_has_and_one_of_another_language_are_the_records_fault() {
        let registry = Arc::new(MemoryRegistry::default());
        let avro = Declared {
            language: Language::Avro,
            text: "\"int\"".to_owned(),
        };
        let id = registry.register("feed.orders-value", &avro).unwrap();
        let mut driver = driver(&registry);
        driver.input("orders", &message(77, "1")).unwrap();
        driver.input("orders", &message(id, "2")).unwrap();
        let unframed = Message {
            value: Some(b"{}".to_vec()),
            ..Message::default()
        };
        driver.input("orders", &unframed).unwrap();
        driver.run_until_idle().unwrap();
        let letters = driver.dead_letters();
        let said = |at: usize| crate::testkit::case::DeadLetter::of(&letters[at]).message;
        assert!(said(0).contains("schema 77, which the schema registry does not have"));
        assert!(said(1).contains("no JSON Schema") && said(2).contains("not framed"));
        assert!(values(&driver, "shop.orders").is_empty());
    }

    /// Producers are of three versions, and the reader of a fourth: a field of its own with a default, one of theirs that it does not
    /// want, one under another name, one that is wider.
    #[test]
    fn producers_of_older_and_newer_schemas_are_read_into_one_shape() {
        const READER: &str = r#"{"type":"record","name":"Order","fields":[
          {"name":"number","type":"long","aliases":["id"]},
          {"name":"total","type":"double"},
          {"name":"currency","type":"string","default":"EUR"}]}"#;
        const OLD: &str = r#"{"type":"record","name":"Order","fields":[
          {"name":"id","type":"int"},{"name":"total","type":"float"}]}"#;
        const NEW: &str = r#"{"type":"record","name":"Order","fields":[
          {"name":"gift","type":"boolean"},{"name":"number","type":"long"},{"name":"total","type":"double"},
          {"name":"currency","type":"string"}]}"#;
        const OTHER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"number","type":"string"}]}"#;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("order.avsc"), READER).unwrap();
        let text = TOPOLOGY.replace("codec: json_schema", "codec: avro, schema: order.avsc");
        let topology = Arc::new(load_text(&text, folder.path(), &|_| None).unwrap());
        let registry = Arc::new(MemoryRegistry::default());
        let mut driver = Driver::with_registry(&topology, registry.clone()).unwrap();
        for (schema, value) in [
            (OLD, r#"{"id":1,"total":0.5}"#),
            (NEW, r#"{"gift":true,"number":2,"total":2.25,"currency":"CHF"}"#),
            (OTHER, r#"{"number":"3"}"#),
            (READER, r#"{"number":4,"total":4}"#),
            (OLD, r#"{"id":5,"total":5}"#),
        ] {
            let declared = Declared {
                language: Language::Avro,
                text: schema.to_owned(),
            };
            let id = registry.register("feed.orders-value", &declared).unwrap();
            let arena = bumpalo::Bump::new();
            let value = crate::value::parse(value.as_bytes(), &arena).unwrap();
            let mut bytes = [&[0][..], &id.to_be_bytes()].concat();
            let schema = crate::schema::avro::AvroSchema::parse(schema, &[]).unwrap();
            schema.encode(&value, &Default::default(), &mut bytes).unwrap();
            let message = Message {
                value: Some(bytes),
                ..Message::default()
            };
            driver.input("orders", &message).unwrap();
        }
        driver.run_until_idle().unwrap();
        assert_eq!(
            values(&driver, "shop.orders"),
            [
                r#"{"currency":"EUR","number":1,"total":0.5}"#,
                r#"{"currency":"CHF","number":2,"total":2.25}"#,
                r#"{"currency":"EUR","number":4,"total":4.0}"#,
                r#"{"currency":"EUR","number":5,"total":5.0}"#,
            ]
        );
        let letters = driver.dead_letters();
        assert_eq!(letters.len(), 1);
        let said = crate::testkit::case::DeadLetter::of(&letters[0]).message;
        assert!(said.contains("can't be read by: field `total`"), "{said}");
    }
}
