//! Which topology it is, in a few characters: what metrics show, so that one sees whether all instances run the same.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Its cases are beside the topology and change nothing of it.
const CASES: &str = "tests";
/// What a topology is made of. Whatever else lies in its folder, such as the state of an instance, is none of it.
const PARTS: [&str; 4] = ["yaml", "yml", "json", "avsc"];

/// Of the files in the topology's folder, its cases left out. What the environment sets is not in it.
///
/// # Errors
/// Those of reading. A file that is gone by then is none.
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
        let Some(content) = there(fs::read(&file))? else {
            continue;
        };
        bytes.extend(content);
        print = Uuid::new_v5(&print, &bytes);
    }
    let text = print.simple().to_string();
    Ok(text.chars().take(12).collect())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let Some(entries) = there(fs::read_dir(folder))? else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let Some(kind) = there(fs::metadata(&path))? else {
            continue;
        };
        if name.to_string_lossy().starts_with('.') || name == CASES {
            continue;
        }
        let is_part = path
            .extension()
            .is_some_and(|ending| PARTS.iter().any(|part| ending == *part));
        if kind.is_dir() {
            list(&path, files)?;
        } else if kind.is_file() && is_part {
            files.push(path);
        }
    }
    Ok(())
}

/// Others may take away what is theirs meanwhile.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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
        // an instance's state, where somebody keeps it here
        fs::create_dir_all(path.join("state/a")).unwrap();
        write("state/a/log", "x");
        std::os::unix::fs::symlink("nowhere", path.join("state/a/gone.json")).unwrap();
        assert_eq!(fingerprint(path).unwrap(), first);
        assert_eq!(fingerprint(&path.join("topology.yaml")).unwrap(), first);
        write("schemas/x.json", "{ }");
        let changed = fingerprint(path).unwrap();
        assert_ne!(changed, first);
        fs::rename(path.join("schemas/x.json"), path.join("schemas/y.json")).unwrap();
        assert_ne!(fingerprint(path).unwrap(), changed);
    }
}
