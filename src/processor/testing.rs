//! A context in memory, and what else tests of processors need.

use super::{Context, Definition, Failure, Processor, Reading, registry};
use crate::expression::Names;
use crate::record::{Key, Origin, Record};
use crate::state::Remembered;
use crate::value::{self, SecretNames, Value};
use crate::yaml::{self, Fields, Mistake, Mistakes};
use bumpalo::Bump;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

/// Keeps what a processor does.
pub(crate) struct FakeContext<'a> {
    arena: &'a Bump,
    pub forwarded: Vec<Record<'a>>,
    pub rows: HashMap<(String, String), String>,
    pub counts: BTreeMap<&'static str, usize>,
    pub branches: Vec<usize>,
    /// Store, id and time of what was remembered.
    pub remembered: Vec<(usize, u128, i64)>,
    /// What the next id is said to be.
    pub next: Remembered,
    /// Values by store and key.
    pub stored: BTreeMap<(usize, Vec<u8>), Vec<u8>>,
    /// How often a value was set or removed.
    pub puts: usize,
    /// Rows set and removed, in order.
    pub kept: Vec<(String, Option<String>)>,
}

impl<'a> FakeContext<'a> {
    pub fn new(arena: &'a Bump) -> FakeContext<'a> {
        FakeContext {
            arena,
            forwarded: Vec::new(),
            rows: HashMap::new(),
            counts: BTreeMap::new(),
            branches: Vec::new(),
            remembered: Vec::new(),
            next: Remembered::New,
            stored: BTreeMap::new(),
            puts: 0,
            kept: Vec::new(),
        }
    }

    pub fn with_row(mut self, table: &str, key: &str, row: &str) -> FakeContext<'a> {
        self.rows.insert((table.to_owned(), key.to_owned()), row.to_owned());
        self
    }

    /// The forwarded values, as canonical JSON.
    pub fn values(&self) -> Vec<String> {
        self.forwarded
            .iter()
            .map(|record| value::to_text(&record.value))
            .collect()
    }

    pub fn counted(&self, what: &str) -> usize {
        self.counts.get(what).copied().unwrap_or_default()
    }
}

impl<'a> Context<'a> for FakeContext<'a> {
    fn arena(&self) -> &'a Bump {
        self.arena
    }

    fn forward(&mut self, record: Record<'a>) {
        self.forwarded.push(record);
    }

    fn row(&mut self, table: &str, key: Key<'a>) -> Result<Option<Value<'a>>, Failure> {
        let key = String::from_utf8_lossy(key.bytes).into_owned();
        let row = self.rows.get(&(table.to_owned(), key));
        Ok(row.map(|row| json(row, self.arena)))
    }

    fn keep(&mut self, key: Key<'a>, value: Option<Value<'a>>) -> Result<(), Failure> {
        let key = String::from_utf8_lossy(key.bytes).into_owned();
        self.kept.push((key, value.map(|value| value::to_text(&value))));
        Ok(())
    }

    fn remember(&mut self, store: usize, id: u128, event_time: i64) -> Remembered {
        self.remembered.push((store, id, event_time));
        self.next
    }

    fn get(&mut self, store: usize, key: &[u8]) -> Option<&'a [u8]> {
        let value = self.stored.get(&(store, key.to_vec()))?;
        Some(self.arena.alloc_slice_copy(value))
    }

    fn put(&mut self, store: usize, key: &[u8], value: Option<&[u8]>) {
        self.puts += 1;
        match value {
            Some(value) => self.stored.insert((store, key.to_vec()), value.to_vec()),
            None => self.stored.remove(&(store, key.to_vec())),
        };
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn branch(&mut self, index: usize) {
        self.branches.push(index);
    }
}

/// A value of its JSON.
pub(crate) fn json<'a>(text: &str, arena: &'a Bump) -> Value<'a> {
    value::parse(arena.alloc_slice_copy(text.as_bytes()), arena).expect("JSON")
}

/// A record with that JSON as its value, `k` as its key and 1000 as its timestamp.
pub(crate) fn record<'a>(text: &str, arena: &'a Bump) -> &'a Record<'a> {
    let origin = Origin {
        topic: "in",
        partition: 0,
        offset: 0,
    };
    arena.alloc(Record {
        key: Some(Key::raw(b"k")),
        value: json(text, arena),
        headers: &[],
        timestamp: 1000,
        origin,
    })
}

/// Reads a processor's YAML as a topology does: `type` and the type's own keys.
pub(crate) fn try_definition(text: &str, folder: &Path, secrets: &[&str]) -> Result<Arc<dyn Definition>, Vec<Mistake>> {
    let node = yaml::read_text(text, "topology.yaml")?;
    let mut mistakes = Mistakes::new();
    let reading = Reading {
        name: "under-test",
        folder,
        names: &Names::default(),
        secrets: &SecretNames::new(secrets),
    };
    let mut fields = Fields::of("the processor", &node.place, &node, &mut mistakes).expect("a map");
    let name = fields.required("type", yaml::text).expect("a type");
    let (_, read) = registry()
        .iter()
        .find(|(known, _)| *known == name)
        .expect("a known type");
    let definition = read(&mut fields, &reading);
    fields.finish();
    mistakes.or(definition)
}

/// As [`try_definition`], of what is right.
pub(crate) fn definition(text: &str) -> Arc<dyn Definition> {
    try_definition(text, Path::new("."), &[]).unwrap_or_else(|mistakes| panic!("{mistakes:#?}"))
}

pub(crate) fn processor(text: &str) -> Box<dyn Processor> {
    definition(text).build()
}

/// The mistakes in a processor's YAML, as text.
pub(crate) fn mistakes(text: &str) -> Vec<String> {
    let read = try_definition(text, Path::new("."), &[]);
    read.err().unwrap_or_default().iter().map(ToString::to_string).collect()
}
