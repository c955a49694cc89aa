//! Mistakes: gathered, so that one run shows them all, and printed with the line they stand in.

use super::Place;
use std::fmt::{self, Write as _};

/// Something wrong with a topology: where, what, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    pub place: Place,
    pub message: String,
    pub help: Option<String>,
}

impl Mistake {
    pub fn new(place: &Place, message: impl Into<String>) -> Mistake {
        Mistake {
            place: place.clone(),
            message: message.into(),
            help: None,
        }
    }

    /// The same, with what would be right.
    pub fn help(mut self, help: impl Into<String>) -> Mistake {
        self.help = Some(help.into());
        self
    }
}

/// On one line: for logs. [`render`] is for people.
impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)?;
        self.help.as_ref().map_or(Ok(()), |help| write!(f, " ({help})"))
    }
}

impl std::error::Error for Mistake {}

/// Gathers mistakes.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    pub fn new() -> Mistakes {
        Mistakes::default()
    }

    pub fn add(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.0.push(Mistake::new(place, message).help(help));
    }

    pub fn push(&mut self, mistake: Mistake) {
        self.0.push(mistake);
    }

    pub fn extend(&mut self, mistakes: impl IntoIterator<Item = Mistake>) {
        self.0.extend(mistakes);
    }

    /// Takes a result's mistakes, hands out what is right.
    pub fn take<T>(&mut self, result: Result<T, Vec<Mistake>>) -> Option<T> {
        result.map_err(|mistakes| self.extend(mistakes)).ok()
    }

    /// As [`Mistakes::take`], of a single one.
    pub fn take_one<T>(&mut self, result: Result<T, Mistake>) -> Option<T> {
        result.map_err(|mistake| self.push(mistake)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In the order of files and lines, each once.
    pub fn into_sorted(mut self) -> Vec<Mistake> {
        self.0.sort();
        self.0.dedup();
        self.0
    }

    /// `value` where nothing was wrong; else what was.
    pub fn or<T>(self, value: Option<T>) -> Result<T, Vec<Mistake>> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self.into_sorted()),
        }
    }
}

/// The one of `known` that was probably meant.
pub fn suggest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = word.to_lowercase();
    let most = (word.chars().count() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(&lower, &known.to_lowercase()), known))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Mistakes as a person reads them: place and message, the line with a mark under it, and the help.
///
/// `source` answers a file's text by its name in [`Place`]; `prefix` is put before file names, so that they can be clicked.
pub fn render(mistakes: &[Mistake], prefix: &str, source: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for mistake in mistakes {
        let Place { file, line, column } = &mistake.place;
        // writing to a String can't fail
        let _ = writeln!(out, "{prefix}{file}:{line}:{column}: {}", mistake.message);
        let text = source(file);
        let shown = text
            .as_deref()
            .and_then(|text| text.lines().nth((*line as usize).saturating_sub(1)));
        if let Some(shown) = shown {
            frame(&mut out, shown, *line, *column);
        }
        if let Some(help) = &mistake.help {
            let _ = writeln!(out, "  help: {help}");
        }
        out.push('\n');
    }
    out
}

/// One line of source with a mark under the word that starts at `column`. Long lines are cut around it.
fn frame(out: &mut String, source: &str, line: u32, column: u32) {
    const BEFORE: usize = 60;
    const WIDTH: usize = 110;
    let characters: Vec<char> = source.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let at = (column as usize).saturating_sub(1).min(characters.len());
    let start = if characters.len() <= WIDTH {
        0
    } else {
        at.saturating_sub(BEFORE)
    };
    let shown: String = characters.iter().skip(start).take(WIDTH).collect();
    let (left, right) = (
        if start > 0 { "…" } else { "" },
        if characters.len() > start + WIDTH { "…" } else { "" },
    );
    let rest = characters.iter().skip(at);
    let word = rest
        .take_while(|c| c.is_alphanumeric() || "_-./$".contains(**c))
        .count()
        .clamp(1, WIDTH);
    let number = line.to_string();
    let blank = " ".repeat(number.len());
    let indent = " ".repeat(at - start + left.chars().count());
    let _ = writeln!(out, "  {number} | {left}{shown}{right}");
    let _ = writeln!(out, "  {blank} | {indent}{}", "^".repeat(word));
}
