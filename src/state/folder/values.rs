//! The key-value stores of a state folder: one database for all of them, opened with the first.

use crate::state::budget::{Budget, Held, Use};
use crate::state::{Reads, StateError, StoreId, ValueStore, ValuesDatabase};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) const FOLDER: &str = "values";
const DAMAGED: &str = "values~damaged";

pub(super) struct Values {
    above: PathBuf,
    budget: Arc<Budget>,
    open: Mutex<Option<Open>>,
}

struct Open {
    database: ValuesDatabase,
    _memory: Held,
}

impl Values {
    /// `above`: the folder of the instance.
    pub fn new(above: &Path, budget: &Arc<Budget>) -> Self {
        Self {
            above: above.to_owned(),
            budget: Arc::clone(budget),
            open: Mutex::default(),
        }
    }

    /// One that is damaged is removed, to be restored from its changelog.
    pub fn store(&self, id: &StoreId) -> Result<Box<dyn ValueStore>, StateError> {
        let database = self.database()?;
        match database.store(&name(id)) {
            Err(StateError::Damaged { path, why }) => {
                tracing::error!(
                    task = id.task(),
                    store = id.store,
                    topic = id.topic,
                    partition = id.partition,
                    path = %path.display(),
                    why,
                    "a store is damaged: it is restored from its changelog"
                );
                database.remove(&name(id))?;
                database.store(&name(id))
            }
            opened => opened,
        }
    }

    pub fn remove(&self, id: &StoreId) -> Result<(), StateError> {
        self.database()?.remove(&name(id))
    }

    /// The stores that are there, by topic and store; none is opened for it, nor a database made.
    pub fn found(&self) -> Result<Vec<(String, String)>, StateError> {
        if !self.above.join(FOLDER).is_dir() {
            return Ok(Vec::new());
        }
        let names = self.database()?.names();
        let of = |name: &String| {
            let (store, rest) = name.split_once('/')?;
            let (topic, _) = rest.rsplit_once('/')?;
            Some((topic.to_owned(), store.to_owned()))
        };
        Ok(names.iter().filter_map(of).collect())
    }

    /// Of the parts of a store that were opened since the start.
    pub fn bytes(&self, store: &str) -> u64 {
        let open = self.lock();
        let prefix = format!("{store}/");
        open.as_ref().map_or(0, |open| open.database.bytes(&prefix))
    }

    /// Of the parts of a store that were opened since the start.
    pub fn reads(&self, store: &str) -> Reads {
        let open = self.lock();
        let prefix = format!("{store}/");
        open.as_ref()
            .map_or_else(Reads::default, |open| open.database.reads(&prefix))
    }

    /// One that is damaged as a whole is put aside: every store in it is restored from its changelog.
    fn database(&self) -> Result<ValuesDatabase, StateError> {
        let mut open = self.lock();
        if let Some(open) = open.as_ref() {
            return Ok(open.database.clone());
        }
        let path = self.above.join(FOLDER);
        // Half of the budget; the rest stays with the id stores.
        let memory = self.budget.limit() / 2;
        let database = match ValuesDatabase::open(&path, memory) {
            Err(StateError::Damaged { path: place, why }) => {
                tracing::error!(
                    path = %place.display(),
                    why,
                    "the key-value stores are damaged: all are put aside and restored from their changelogs"
                );
                self.put_aside(&path)?;
                ValuesDatabase::open(&path, memory)?
            }
            opened => opened?,
        };
        let opened = open.insert(Open {
            database,
            _memory: self.budget.hold(Use::Cache, memory),
        });
        Ok(opened.database.clone())
    }

    /// Only the latest damaged one is kept.
    fn put_aside(&self, path: &Path) -> Result<(), StateError> {
        let aside = self.above.join(DAMAGED);
        match fs::remove_dir_all(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StateError::io("remove", &aside, error));
            }
            _ => {}
        }
        fs::rename(path, &aside).map_err(|error| StateError::io("rename", path, error))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store's name in the database: neither a store's name nor a topic's has a slash in it.
pub(super) fn name(id: &StoreId) -> String {
    format!("{}{}", prefix(&id.topic, &id.store), id.partition)
}

/// What the names of its stores of all partitions begin with.
pub(super) fn prefix(topic: &str, store: &str) -> String {
    format!("{store}/{topic}/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(partition: i32) -> StoreId {
        StoreId {
            store: "totals".into(),
            topic: "in".into(),
            partition,
        }
    }

    fn values(folder: &Path) -> Values {
        Values::new(folder, &Budget::new(8_000_000))
    }

    #[test]
    fn a_store_is_as_it_was_left_and_takes_half_of_the_budget() {
        let folder = tempfile::tempdir().unwrap();
        let opened = values(folder.path());
        let mut store = opened.store(&id(0)).unwrap();
        store.apply(&[(b"k".to_vec(), Some(b"v".to_vec()))], Some(7)).unwrap();
        assert_eq!(opened.budget.used(), 4_000_000);
        assert_eq!(opened.found().unwrap(), [("in".to_owned(), "totals".to_owned())]);
        drop((store, opened));
        let opened = values(folder.path());
        let store = opened.store(&id(0)).unwrap();
        assert_eq!(
            (store.get(b"k").unwrap(), store.checkpoint()),
            (Some(b"v".to_vec()), Some(7))
        );
        drop(store);
        opened.remove(&id(0)).unwrap();
        assert_eq!(opened.store(&id(0)).unwrap().checkpoint(), None);
    }

    #[test]
    fn nothing_is_made_where_there_is_no_key_value_store() {
        let folder = tempfile::tempdir().unwrap();
        assert!(values(folder.path()).found().unwrap().is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_database_that_is_damaged_as_a_whole_is_put_aside_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let opened = values(folder.path());
        let mut store = opened.store(&id(0)).unwrap();
        store.apply(&[(b"k".to_vec(), Some(b"v".to_vec()))], Some(7)).unwrap();
        drop((store, opened));
        let mut manifests = 0;
        for keyspace in fs::read_dir(folder.path().join(FOLDER).join("keyspaces"))
            .unwrap()
            .flatten()
        {
            let manifest = keyspace.path().join("current");
            fs::write(&manifest, b"nonsense").unwrap();
            manifests += 1;
        }
        assert!(manifests > 0);
        let store = values(folder.path()).store(&id(0)).unwrap();
        assert_eq!((store.get(b"k").unwrap(), store.checkpoint()), (None, None));
        assert!(folder.path().join(DAMAGED).is_dir());
    }
}
