//! Reads a map key by key, and knows in the end which keys nobody asked for.

use super::{Key, Kind, Mistakes, Node, Place, suggest};

/// A map being read. Ask for every key that may be there, whatever was wrong with the others, then [`Fields::finish`]:
/// what was not asked for by then is an unknown key.
pub struct Fields<'a> {
    /// What the map is, for messages: "a source", "processor `dedupe`".
    what: String,
    place: &'a Place,
    entries: &'a [(Key, Node)],
    asked: Vec<&'static str>,
    /// Where mistakes go; open to whoever reads a field in its own way.
    pub mistakes: &'a mut Mistakes,
}

impl<'a> Fields<'a> {
    /// Begins to read a map. `place` is shown for what is missing: the map's own name, where it has one.
    /// Complains and gives nothing where the node is not a map.
    pub fn of(
        what: impl Into<String>,
        place: &'a Place,
        node: &'a Node,
        mistakes: &'a mut Mistakes,
    ) -> Option<Fields<'a>> {
        let what = what.into();
        let Kind::Map(entries) = &node.kind else {
            mistakes.add(
                &node.place,
                format!("{what} must be a map, and this is {}", node.type_name()),
                "write it as {key: value}",
            );
            return None;
        };
        Some(Fields {
            what,
            place,
            entries,
            asked: Vec::new(),
            mistakes,
        })
    }

    /// The place of the map, or of its name.
    pub fn place(&self) -> &'a Place {
        self.place
    }

    /// The value of a key, if it is there; from now on the key is known.
    pub fn find(&mut self, name: &'static str) -> Option<&'a Node> {
        self.asked.push(name);
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map(|(_, node)| node)
    }

    /// The place of a key that is there; else that of the map.
    pub fn key_place(&self, name: &str) -> &'a Place {
        self.entries
            .iter()
            .find(|(key, _)| key.text == name)
            .map_or(self.place, |(key, _)| &key.place)
    }

    /// Reads a key that must be there.
    pub fn required<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Node, &mut Mistakes) -> Option<T>,
    ) -> Option<T> {
        match self.find(name) {
            Some(node) => read(node, self.mistakes),
            None => {
                self.mistakes.add(
                    self.place,
                    format!("{} has no `{name}`", self.what),
                    format!("add `{name}:`"),
                );
                None
            }
        }
    }

    /// Reads a key that may be there. `None`: not there, or wrong (and complained of).
    pub fn optional<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&'a Node, &mut Mistakes) -> Option<T>,
    ) -> Option<T> {
        self.find(name).and_then(|node| read(node, self.mistakes))
    }

    /// Begins to read the map under a key that may be there.
    pub fn nested(&mut self, name: &'static str, what: impl Into<String>) -> Option<Fields<'_>> {
        let node = self.find(name)?;
        let place = self.key_place(name);
        Fields::of(what, place, node, self.mistakes)
    }

    /// Complains of a field.
    pub fn wrong(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.add(place, message, help);
    }

    /// Ends reading: complains of every key that nobody asked for.
    pub fn finish(self) {
        for (key, node) in self
            .entries
            .iter()
            .filter(|(key, _)| !self.asked.contains(&key.text.as_str()))
        {
            let known = self.asked.join(", ");
            let near = suggest(&key.text, self.asked.iter().copied());
            let cut =
                matches!(node.kind, Kind::Null) && self.entries.iter().any(|(_, node)| node.expression().is_some());
            let help = match near {
                Some(near) => format!("did you mean `{near}`? {} takes: {known}", self.what),
                None if cut => format!(
                    "an expression with a comma needs quotes inside `{{}}`; {} takes: {known}",
                    self.what
                ),
                None => format!("{} takes: {known}", self.what),
            };
            self.mistakes.add(
                &key.place,
                format!("unknown key `{}`", super::shortened(&key.text, 60)),
                help,
            );
        }
    }
}
