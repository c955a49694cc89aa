//! Text to [`Node`], by the parser's events: so every node has its place and what we do not take is refused where it stands.

use super::number::{is_json_number, is_other_number};
use super::{Key, Kind, Mistake, Mistakes, Node, Place, shortened};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// How deep a file may nest. Everything that walks a tree may recurse, as it is never deeper than this.
pub const DEEPEST: usize = 64;

/// How large a file may be, in bytes.
pub const LARGEST: usize = 4 * 1024 * 1024;

/// Reads a file. `shown_as` is its name in messages, relative to the topology's folder.
///
/// # Errors
/// Every mistake that was found before reading had to stop.
pub fn read_file(path: &Path, shown_as: &str) -> Result<Node, Vec<Mistake>> {
    let refuse = |message: String, help: &str| Err(vec![Mistake::new(&Place::start_of(shown_as), message).help(help)]);
    let bytes = match std::fs::metadata(path).and_then(|found| {
        if found.is_dir() {
            return Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a folder"));
        }
        if found.len() > LARGEST as u64 {
            return Ok(None);
        }
        std::fs::read(path).map(Some)
    }) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            return refuse(
                format!("the file is larger than {LARGEST} bytes"),
                "split it, or check that it is the right file",
            );
        }
        Err(error) => {
            return refuse(
                format!("the file can't be read: {error}"),
                "check the path and its permissions",
            );
        }
    };
    match std::str::from_utf8(&bytes) {
        Ok(text) => read_text(text, shown_as),
        Err(error) => {
            let good = String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default());
            let line = good.matches('\n').count() + 1;
            let column = good.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let place = Place {
                file: Arc::from(shown_as),
                line: small(line),
                column: small(column),
            };
            Err(vec![
                Mistake::new(&place, "the file is not UTF-8 here").help("save it as UTF-8"),
            ])
        }
    }
}

/// Reads one YAML document. An empty one is [`Kind::Null`].
///
/// # Errors
/// Every mistake that was found before reading had to stop.
pub fn read_text(text: &str, shown_as: &str) -> Result<Node, Vec<Mistake>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > LARGEST {
        let mistake = Mistake::new(
            &Place::start_of(shown_as),
            format!("the text is larger than {LARGEST} bytes"),
        );
        return Err(vec![mistake.help("split it, or check that it is the right file")]);
    }
    let mut reader = Reader {
        file: Arc::from(shown_as),
        open: Vec::new(),
        root: None,
        mistakes: Mistakes::new(),
    };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let mistake = reader.scan_mistake(&error, text);
                reader.mistakes.push(mistake);
                return Err(reader.mistakes.into_sorted());
            }
        };
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let place = reader.place(span.start);
                reader.mistakes.add(
                    &place,
                    "a second document starts here",
                    "a file holds one document: remove the `---`",
                );
                return Err(reader.mistakes.into_sorted());
            }
        }
        if !reader.event(event, span) {
            return Err(reader.mistakes.into_sorted());
        }
    }
    let root = reader
        .root
        .unwrap_or_else(|| Node::new(Place::start_of(shown_as), Kind::Null));
    reader.mistakes.or(Some(root))
}

/// A list or map that is not closed yet.
enum Open {
    List(Place, Vec<Node>),
    /// With the line of every key so far, as a map may be long.
    Map(Place, Vec<(Key, Node)>, Awaited, HashMap<String, u32>),
}

enum Awaited {
    Key,
    Value(Key),
    /// The value of a key that was refused: read and thrown away.
    Nothing,
}

struct Reader {
    file: Arc<str>,
    open: Vec<Open>,
    root: Option<Node>,
    mistakes: Mistakes,
}

impl Reader {
    fn place(&self, marker: Marker) -> Place {
        Place {
            file: self.file.clone(),
            line: small(marker.line()),
            column: small(marker.col() + 1),
        }
    }

    /// Takes one event; false where reading can't go on.
    fn event(&mut self, event: Event<'_>, span: Span) -> bool {
        let place = self.place(span.start);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_extras(anchor, tag.as_ref(), &place);
                self.scalar(text, style, place);
            }
            Event::Alias(_) => {
                self.mistakes.add(
                    &place,
                    "an alias (`*name`) is not taken here",
                    "write the value out, or give it a name under `variables:`",
                );
                self.value(Node::new(place, Kind::Null));
            }
            Event::SequenceStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.as_ref(), &place);
                return self.open(Open::List(place.clone(), Vec::new()), &place);
            }
            Event::MappingStart(anchor, tag) => {
                self.refuse_extras(anchor, tag.as_ref(), &place);
                return self.open(
                    Open::Map(place.clone(), Vec::new(), Awaited::Key, HashMap::new()),
                    &place,
                );
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(place, nodes)) => self.value(Node::new(place, Kind::List(nodes))),
                Some(Open::Map(place, entries, _, _)) => self.value(Node::new(place, Kind::Map(entries))),
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        true
    }

    fn refuse_extras(&mut self, anchor: usize, tag: Option<&Cow<'_, Tag>>, place: &Place) {
        if anchor != 0 {
            self.mistakes.add(
                place,
                "an anchor (`&name`) is not taken here",
                "write the value out, or give it a name under `variables:`",
            );
        }
        if let Some(tag) = tag {
            let message = format!("a tag (`{}`) is not taken here", shortened(&tag.to_string(), 40));
            self.mistakes
                .add(place, message, "remove it; put a text in quotes where it must be one");
        }
    }

    fn open(&mut self, open: Open, place: &Place) -> bool {
        if self.open.len() >= DEEPEST {
            self.mistakes
                .add(place, format!("nested more than {DEEPEST} deep"), "make it flatter");
            return false;
        }
        if let Some(Open::Map(_, _, Awaited::Key, _)) = self.open.last() {
            self.mistakes.add(
                place,
                "a key must be a text, not a list or a map",
                "put it in quotes if it is meant as a text, as in \"{a}\"",
            );
            return false;
        }
        self.open.push(open);
        true
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, place: Place) {
        if let Some(Open::Map(_, _, awaited @ Awaited::Key, lines)) = self.open.last_mut() {
            *awaited = match lines.get(&*text) {
                Some(first) => {
                    let message = format!("the key `{}` is here twice", shortened(&text, 60));
                    self.mistakes
                        .add(&place, message, format!("the first is in line {}: remove one", first));
                    Awaited::Nothing
                }
                None if text == "<<" && style == ScalarStyle::Plain => {
                    self.mistakes
                        .add(&place, "a merge key (`<<`) is not taken here", "write the keys out");
                    Awaited::Nothing
                }
                None => {
                    lines.insert(text.to_string(), place.line);
                    Awaited::Value(Key {
                        place,
                        text: text.into_owned(),
                    })
                }
            };
            return;
        }
        let kind = match style {
            ScalarStyle::Plain => self.plain(&text, &place),
            _ => Kind::String(text.into_owned()),
        };
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        self.value(Node {
            quoted,
            ..Node::new(place, kind)
        });
    }

    /// What a text without quotes is.
    fn plain(&mut self, text: &str, place: &Place) -> Kind {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
            "true" | "True" | "TRUE" => Kind::Bool(true),
            "false" | "False" | "FALSE" => Kind::Bool(false),
            _ if text.starts_with('=') && !text.starts_with("= ") => {
                let help = "write `= event.id`, with a space and an expression; put it in quotes if it is a text";
                self.mistakes
                    .add(place, "this is neither an expression nor a text", help);
                Kind::Null
            }
            _ if is_json_number(text) => Kind::Number(text.to_owned()),
            _ if is_other_number(text) => {
                let message = format!("`{}` could be a number or a text", shortened(text, 60));
                self.mistakes.add(
                    place,
                    message,
                    "put it in quotes if it is a text, else write the number as in JSON",
                );
                Kind::Null
            }
            _ => Kind::String(text.to_owned()),
        }
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, entries, awaited, _)) => match std::mem::replace(awaited, Awaited::Key) {
                Awaited::Value(key) => entries.push((key, node)),
                // an alias as a key: refused already
                Awaited::Key => *awaited = Awaited::Nothing,
                Awaited::Nothing => {}
            },
        }
    }

    fn scan_mistake(&self, error: &ScanError, text: &str) -> Mistake {
        let place = self.place(*error.marker());
        let line = text
            .lines()
            .nth((place.line as usize).saturating_sub(1))
            .unwrap_or_default();
        let help = if line.contains("${") {
            "put a text with `${NAME}` in it in quotes: \"${NAME}\""
        } else if line.contains("= ") {
            "put an expression that has `: `, ` #`, quotes at its start, or (inside `{}` and `[]`) a comma or a bracket in it in quotes"
        } else {
            "check indentation, quotes and brackets here and in the line before; a text needs quotes where it has `: ` or ` #` in it, or a bracket or comma inside `{}`"
        };
        Mistake::new(&place, format!("this is not YAML: {}", error.info())).help(help)
    }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
