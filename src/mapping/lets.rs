//! The lets of a mapping and of the files that it uses, joined.
//!
//! A used let is a default: one of the same name in the using file takes its place, everywhere, also in what the used file's
//! own lets read. So names are looked up after joining, and a used file may read names that only the using file gives.

use crate::yaml::{self, Fields, Key, Mistakes, Node};
use std::collections::BTreeMap;
use std::path::{Component, Path};

/// A let as it was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub key: Key,
    pub node: Node,
    /// Written in the mapping itself, not in a file that it uses.
    pub own: bool,
}

pub(super) type Lets = BTreeMap<String, Found>;

/// How deep files may use files: deeper is a mistake, and most likely a circle.
const DEEPEST: usize = 16;

/// Reads `use:` and `let:` of a mapping, or of a file that a mapping uses.
pub(super) fn read(fields: &mut Fields<'_>, folder: &Path, depth: usize) -> Lets {
    let mut lets = Lets::new();
    let mut twice: BTreeMap<String, (Key, Key)> = BTreeMap::new();
    let files = fields.optional(
        "use",
        yaml::list_of(|node: &Node, mistakes: &mut Mistakes| Some((node.clone(), yaml::text(node, mistakes)?))),
    );
    for (node, name) in files.unwrap_or_default() {
        for (name, found) in file(&node, &name, folder, depth, fields.mistakes) {
            match lets.get(&name) {
                Some(other) if other.key.place != found.key.place => {
                    twice.insert(name, (other.key.clone(), found.key));
                }
                _ => {
                    lets.insert(name, found);
                }
            }
        }
    }
    if let Some(node) = fields.find("let") {
        if !matches!(node.kind, yaml::Kind::Map(_)) {
            let message = format!("`let` must be a map, and this is {}", node.type_name());
            fields.wrong(&node.place, message, "write it as {name: value or = expression}");
        }
        for (key, node) in node.entries() {
            twice.remove(&key.text);
            let found = Found {
                key: key.clone(),
                node: node.clone(),
                own: depth == 0,
            };
            lets.insert(key.text.clone(), found);
        }
    }
    for (name, (one, other)) in twice {
        let message = format!(
            "two files that are used give the name `{name}`: {} and {}",
            one.place, other.place
        );
        fields.wrong(
            &fields.place().clone(),
            message,
            format!("give `{name}` under `let:` here, which replaces both"),
        );
    }
    lets
}

fn file(node: &Node, name: &str, folder: &Path, depth: usize, mistakes: &mut Mistakes) -> Lets {
    if !Path::new(name)
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
    {
        mistakes.add(
            &node.place,
            format!("`{name}` is outside of the topology's folder"),
            "name a file in it",
        );
        return Lets::new();
    }
    if depth >= DEEPEST {
        mistakes.add(
            &node.place,
            format!("`{name}` is used through {DEEPEST} files: they use each other"),
            "break the circle",
        );
        return Lets::new();
    }
    let path = folder.join(name);
    if !path.is_file() {
        mistakes.add(
            &node.place,
            format!("there is no file `{name}`"),
            "name a file of lets, relative to the topology's folder",
        );
        return Lets::new();
    }
    let Some(tree) = mistakes.take(yaml::read_file(&path, name)) else {
        return Lets::new();
    };
    let Some(mut fields) = Fields::of("a file of lets", &tree.place, &tree, mistakes) else {
        return Lets::new();
    };
    let lets = read(&mut fields, folder, depth + 1);
    fields.finish();
    lets
}
