//! `extends: topology.yaml`: a variant of a topology, such as the same pipeline over other topics, says only what differs.
//!
//! The named file is read first. What the extending file says at its top replaces what is there; in the sections of named
//! parts it is the parts that are replaced, one by one and whole: there is no deeper merge, so a part is always read in one
//! place. A part that is `~` is removed. The order is the extended file's, new parts come last, as the order of sinks matters.

use crate::yaml::{self, Key, Kind, Mistake, Mistakes, Node, suggest};
use std::path::{Component, Path};

const EXTENDS: &str = "extends";

/// The sections whose entries are replaced one by one.
const SECTIONS: [&str; 7] = [
    "kafka",
    "variables",
    "feeds",
    "sources",
    "tables",
    "processors",
    "sinks",
];

/// Reads a topology's file and all that it extends into one tree.
///
/// # Errors
/// What can't be read, a circle, a removed part that is not there.
pub(super) fn read(folder: &Path, file: &str) -> Result<Node, Vec<Mistake>> {
    let mut read = Vec::new();
    let mut mistakes = Mistakes::new();
    let mut next = file.to_owned();
    loop {
        let tree = yaml::read_file(&folder.join(&next), &next)?;
        let extended = tree.get(EXTENDS).and_then(|node| base(node, folder, &mut mistakes));
        let place = tree.get(EXTENDS).map(|node| node.place.clone());
        read.push((std::mem::take(&mut next), tree));
        let (Some(extended), Some(place)) = (extended, place) else {
            break;
        };
        if read.iter().any(|(name, _)| *name == extended) {
            let message = format!("`{extended}` extends itself");
            mistakes.add(&place, message, "extend a file that does not come back to this one");
            break;
        }
        next = extended;
    }
    let mut trees = read.into_iter().map(|(_, tree)| tree).rev();
    let first = trees.next().map(without_extends);
    let merged = trees.fold(first, |base, over| base.map(|base| merged(base, over, &mut mistakes)));
    mistakes.or(merged)
}

/// The file that is extended, which lies beside the one that extends it.
fn base(node: &Node, folder: &Path, mistakes: &mut Mistakes) -> Option<String> {
    let name = yaml::text(node, mistakes)?;
    let mut components = Path::new(&name).components();
    let beside = matches!(
        (components.next(), components.next()),
        (Some(Component::Normal(_)), None)
    );
    if beside && folder.join(&name).is_file() {
        return Some(name);
    }
    let message = format!("there is no file `{}` to extend", yaml::shortened(&name, 60));
    mistakes.add(&node.place, message, "name a topology's file in the same folder");
    None
}

fn without_extends(mut tree: Node) -> Node {
    if let Kind::Map(entries) = &mut tree.kind {
        entries.retain(|(key, _)| key.text != EXTENDS);
    }
    tree
}

fn merged(mut base: Node, over: Node, mistakes: &mut Mistakes) -> Node {
    let (Kind::Map(entries), Kind::Map(replacing)) = (&mut base.kind, without_extends(over).kind) else {
        return base;
    };
    for (key, node) in replacing {
        let there = entries.iter().position(|(other, _)| other.text == key.text);
        let Some((_, old)) = there.and_then(|at| entries.get_mut(at)) else {
            entries.push((key, node));
            continue;
        };
        match &mut old.kind {
            Kind::Map(old) if SECTIONS.contains(&key.text.as_str()) && matches!(node.kind, Kind::Map(_)) => {
                parts(old, node, mistakes);
            }
            _ => *old = node,
        }
    }
    base
}

/// Replaces the parts of one section.
fn parts(old: &mut Vec<(Key, Node)>, new: Node, mistakes: &mut Mistakes) {
    let Kind::Map(new) = new.kind else { return };
    for (key, node) in new {
        let at = old.iter().position(|(other, _)| other.text == key.text);
        match (at, node.kind == Kind::Null) {
            (Some(at), true) => {
                old.remove(at);
            }
            (Some(at), false) => {
                if let Some(entry) = old.get_mut(at) {
                    *entry = (key, node);
                }
            }
            (None, false) => old.push((key, node)),
            (None, true) => {
                let near = suggest(&key.text, old.iter().map(|(key, _)| key.text.as_str()));
                let help = near.map_or_else(
                    || "name a part of the extended file".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("there is no `{}` to remove", yaml::shortened(&key.text, 60));
                mistakes.add(&key.place, message, help);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn without_places(tree: &Node) -> String {
        let place = regex::Regex::new("@[0-9]+:[0-9]+").unwrap();
        place.replace_all(&format!("{tree:?}"), "").into_owned()
    }

    const BASE: &str =
        "application: a\nsources: {one: {topic: x}, two: {topic: y}}\nsinks: {s: {topic: p}, t: {topic: q}}\n";

    #[test]
    fn parts_are_replaced_whole_in_their_place_added_last_and_removed_by_a_null() {
        let folder = folder(&[
            ("topology.yaml", BASE),
            (
                "variant.yaml",
                "extends: topology.yaml\napplication: b\nsources: {two: ~, three: {topic: z}}\nsinks: {s: {key: k}}\n",
            ),
        ]);
        let tree = read(folder.path(), "variant.yaml").unwrap();
        let wanted =
            "application: b\nsources: {one: {topic: x}, three: {topic: z}}\nsinks: {s: {key: k}, t: {topic: q}}\n";
        assert_eq!(
            without_places(&tree),
            without_places(&yaml::read_text(wanted, "wanted.yaml").unwrap())
        );
    }

    #[test]
    fn a_variant_of_a_variant_starts_from_the_first_file() {
        let folder = folder(&[
            ("topology.yaml", BASE),
            ("b.yaml", "extends: topology.yaml\nsources: {two: ~}\n"),
            ("c.yaml", "extends: b.yaml\nworkers: 2\n"),
        ]);
        let tree = read(folder.path(), "c.yaml").unwrap();
        assert_eq!(tree.get("sources").unwrap().entries().len(), 1);
        assert!(tree.get("workers").is_some() && tree.get("extends").is_none());
    }

    #[test]
    fn places_stay_those_of_the_file_that_says_it() {
        let folder = folder(&[
            ("topology.yaml", BASE),
            ("b.yaml", "extends: topology.yaml\nsources:\n  one: {topic: z}\n"),
        ]);
        let tree = read(folder.path(), "b.yaml").unwrap();
        let one = tree.get("sources").and_then(|sources| sources.get("one")).unwrap();
        assert_eq!(one.place.to_string(), "b.yaml:3:8");
    }

    #[test]
    fn what_can_not_be_extended_or_removed_is_a_mistake_with_its_place() {
        let cases = [
            (
                "extends: nowhere.yaml\n",
                "b.yaml:1:10: there is no file `nowhere.yaml` to extend",
            ),
            (
                "extends: ../topology.yaml\n",
                "there is no file `../topology.yaml` to extend",
            ),
            ("extends: b.yaml\n", "`b.yaml` extends itself"),
            (
                "extends: topology.yaml\nsources: {tow: ~}\n",
                "b.yaml:2:11: there is no `tow` to remove (did you mean `two`?)",
            ),
        ];
        for (text, wanted) in cases {
            let folder = folder(&[("topology.yaml", BASE), ("b.yaml", text)]);
            let mistakes = read(folder.path(), "b.yaml").unwrap_err();
            let shown = mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
            assert!(shown.contains(wanted), "{shown}");
        }
    }
}
