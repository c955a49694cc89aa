//! Deleting the state of instances that do not run.

use super::{LOCK, file_name, is_of};
use crate::state::{Disk, DiskLock, OsDisk, StateError};
use std::path::{Path, PathBuf};

/// The state of an instance, locked in order to be deleted.
pub struct Removal {
    path: PathBuf,
    _lock: Box<dyn DiskLock>,
}

impl Removal {
    /// The instances of the application that have state in `root`, or the one that is named, each locked.
    ///
    /// # Errors
    /// `InUse`: a process runs as such an instance. `Refused`: a folder is none of this application's.
    pub fn of(root: &Path, application: &str, instance: Option<&str>) -> Result<Vec<Removal>, StateError> {
        let above = root.join(file_name(application));
        let mut names = list(&above)?;
        if let Some(instance) = instance.map(file_name) {
            names.retain(|name| *name == instance);
        }
        names.sort();
        let mut removals = Vec::new();
        for name in names {
            let path = above.join(name);
            if !path.is_dir() {
                continue;
            }
            let found = list(&path)?;
            let has_lock = found.iter().any(|name| name == LOCK);
            if !has_lock || found.len() == 1 {
                continue;
            }
            let lock = path.join(LOCK);
            let locked = OsDisk
                .lock(&lock)
                .map_err(|error| StateError::io("lock", &lock, error))?;
            let lock = locked.ok_or_else(|| StateError::InUse {
                path: path.clone(),
                by: "a process that runs as this instance: stop it first".into(),
            })?;
            is_of(&OsDisk, &path, application)?;
            removals.push(Removal { path, _lock: lock });
        }
        Ok(removals)
    }

    /// The folder of the instance.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes all but the lock, as who has it open has the lock. What is gone already is fine.
    ///
    /// # Errors
    /// `Io`: the disk. What could not be deleted can be tried again.
    pub fn remove(&self) -> Result<(), StateError> {
        for name in list(&self.path)? {
            if name == LOCK {
                continue;
            }
            let path = self.path.join(name);
            let removed = if path.is_dir() {
                OsDisk.remove_folder(&path)
            } else {
                OsDisk.remove_file(&path)
            };
            removed.map_err(|error| StateError::io("remove", &path, error))?;
        }
        OsDisk
            .sync_folder(&self.path)
            .map_err(|error| StateError::io("sync", &self.path, error))
    }
}

fn list(folder: &Path) -> Result<Vec<String>, StateError> {
    OsDisk
        .list(folder)
        .map_err(|error| StateError::io("list", folder, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{StateFolder, StoreId, StoreKind, StoreSpec, Stores};
    use std::sync::Arc;
    use std::time::Duration;

    fn filled(root: &Path, application: &str, instance: &str) -> Arc<StateFolder> {
        let folder = StateFolder::open(root, application, instance, 8 << 20, Arc::new(OsDisk)).unwrap();
        let window = Duration::from_secs(60);
        let spec = StoreSpec {
            name: "new".into(),
            kind: StoreKind::Ids { window },
        };
        let id = StoreId {
            store: "new".into(),
            topic: "in".into(),
            partition: 0,
        };
        drop(Stores::open(&*folder, &id, &spec).unwrap());
        folder
    }

    fn names(removals: &[Removal]) -> Vec<String> {
        let name = |removal: &Removal| removal.path().file_name().unwrap().to_string_lossy().into_owned();
        removals.iter().map(name).collect()
    }

    #[test]
    fn the_state_of_every_instance_is_deleted_or_of_the_one_that_is_named_and_no_other_applications() {
        let root = tempfile::tempdir().unwrap();
        for (application, instance) in [("shop", "a"), ("shop", "b/1"), ("shop-eu", "a")] {
            filled(root.path(), application, instance);
        }
        let of = |instance| Removal::of(root.path(), "shop", instance).unwrap();
        assert_eq!(names(&of(None)), ["a", "b%2F1"]);
        assert_eq!(names(&of(Some("b/1"))), ["b%2F1"]);
        assert!(of(Some("c")).is_empty());
        of(Some("a")).iter().for_each(|removal| removal.remove().unwrap());
        assert_eq!(names(&of(None)), ["b%2F1"]);
        of(None).iter().for_each(|removal| {
            removal.remove().unwrap();
            removal.remove().unwrap();
        });
        assert!(of(None).is_empty());
        assert!(
            Removal::of(&root.path().join("nowhere"), "shop", None)
                .unwrap()
                .is_empty()
        );
        assert_eq!(Removal::of(root.path(), "shop-eu", None).unwrap().len(), 1);
        filled(root.path(), "shop", "a");
    }

    #[test]
    fn state_that_a_process_has_open_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let running = filled(root.path(), "shop", "a");
        let refused = Removal::of(root.path(), "shop", None).err().unwrap();
        assert!(matches!(&refused, StateError::InUse { .. }), "{refused}");
        assert!(refused.to_string().contains("stop it first"), "{refused}");
        drop(running);
        let held = Removal::of(root.path(), "shop", None).unwrap();
        let refused = StateFolder::open(root.path(), "shop", "a", 8 << 20, Arc::new(OsDisk))
            .err()
            .unwrap();
        assert!(matches!(refused, StateError::InUse { .. }), "{refused}");
        held.iter().for_each(|removal| removal.remove().unwrap());
    }

    #[test]
    fn a_folder_of_something_else_is_left_alone() {
        let root = tempfile::tempdir().unwrap();
        let strange = root.path().join("shop").join("photos");
        std::fs::create_dir_all(&strange).unwrap();
        std::fs::write(strange.join("cat.jpg"), "").unwrap();
        assert!(Removal::of(root.path(), "shop", None).unwrap().is_empty());
        filled(root.path(), "shop", "a");
        std::fs::write(root.path().join("shop/a/format"), "millstream-state 1 other\n").unwrap();
        assert!(matches!(
            Removal::of(root.path(), "shop", None),
            Err(StateError::Refused(_))
        ));
    }
}
