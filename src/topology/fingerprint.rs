//! Which topology it is, in a few characters: what metrics show, so that one sees whether all instances run the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Its cases are beside the topology and change nothing of it.
const CASES: &str = "tests";

/// Of the files in the topology's folder, its cases left out. What the environment sets is not in it.
///
/// # Errors
/// Those of reading.
pub fn fingerprint(topology: &Path) -> io::Result<String> {
    let folder = match topology.parent() {
        Some(folder) if topology.is_file() => folder,
        _ => topology,
    };
    let mut files = Vec::new();
    list(folder, &mut files)?;
    files.sort();
    let mut print = Uuid::nil();
    for file in files {
        let name = file.strip_prefix(folder).unwrap_or(&file);
        let mut bytes = name.to_string_lossy().into_owned().into_bytes();
        bytes.push(0);
        bytes.extend(fs::read(&file)?);
        print = Uuid::new_v5(&print, &bytes);
    }
    let text = print.simple().to_string();
    Ok(text.chars().take(12).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (name, kind) = (entry.file_name(), fs::metadata(entry.path())?);
        if name.to_string_lossy().starts_with('.') || name == CASES {
            continue;
        }
        if kind.is_dir() {
            list(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_a_file_and_its_name_and_not_with_a_case() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let write = |name: &str, text: &str| fs::write(path.join(name), text).unwrap();
        fs::create_dir(path.join("schemas")).unwrap();
        fs::create_dir(path.join(CASES)).unwrap();
        write("topology.yaml", "a: 1");
        write("schemas/x.json", "{}");
        let first = fingerprint(path).unwrap();
        assert_eq!(first.len(), 12);
        write("tests/cases.yaml", "x");
        write(".hidden", "x");
        assert_eq!(fingerprint(path).unwrap(), first);
        assert_eq!(fingerprint(&path.join("topology.yaml")).unwrap(), first);
        write("schemas/x.json", "{ }");
        let changed = fingerprint(path).unwrap();
        assert_ne!(changed, first);
        fs::rename(path.join("schemas/x.json"), path.join("schemas/y.json")).unwrap();
        assert_ne!(fingerprint(path).unwrap(), changed);
    }
}
