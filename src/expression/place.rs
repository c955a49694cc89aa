//! Where in its file a word of an expression stands.

use crate::yaml::Place;

/// A word of an expression.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Word {
    /// A name of its own, no member of something.
    Name(String),
    /// A function being called.
    Function(String),
    /// A member, by `.` or in brackets.
    Member(String),
    /// The expression as a whole.
    None,
}

impl Word {
    pub(super) fn function(name: &str) -> Word {
        Word::Function(name.to_owned())
    }
}

/// The place of a word in `text`, which itself begins at `start`.
pub(super) fn place_of(word: &Word, text: &str, start: &Place) -> Place {
    offset_of(word, text).map_or_else(|| start.clone(), |offset| place_at(offset, text, start))
}

fn offset_of(word: &Word, text: &str) -> Option<usize> {
    let (name, fits): (&str, fn(&str, &str) -> bool) = match word {
        Word::Name(name) => (name, |before, _| !before.ends_with('.') && !before.ends_with(".?")),
        Word::Function(name) => (name, |_, after| after.trim_start().starts_with('(')),
        Word::Member(name) => (name, |before, _| before.ends_with(['.', '?', '"', '\''])),
        Word::None => return None,
    };
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let alone = |before: &str, after: &str| !before.ends_with(part) && !after.starts_with(part);
    let found = text.match_indices(name).filter_map(|(offset, _)| {
        let (before, after) = (text.get(..offset)?, text.get(offset + name.len()..)?);
        alone(before, after).then(|| (offset, fits(before, after)))
    });
    let mut any = None;
    for (offset, fits) in found {
        if fits {
            return Some(offset);
        }
        any = any.or(Some(offset));
    }
    any
}

/// The place of the byte at `offset`. Exact on the first line; below it, where the file's indentation is not known, the
/// column is the one in the text.
pub(super) fn place_at(offset: usize, text: &str, start: &Place) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let (lines, last) = before
        .rsplit_once('\n')
        .map_or((0, before), |(lines, last)| (lines.matches('\n').count() + 1, last));
    let columns = u32::try_from(last.chars().count()).unwrap_or(u32::MAX);
    let lines = u32::try_from(lines).unwrap_or(u32::MAX);
    let column = if lines == 0 {
        start.column.saturating_add(columns)
    } else {
        columns.saturating_add(1)
    };
    Place {
        file: start.file.clone(),
        line: start.line.saturating_add(lines),
        column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(word: Word, text: &str) -> u32 {
        place_of(
            &word,
            text,
            &Place {
                file: "f.yaml".into(),
                line: 3,
                column: 10,
            },
        )
        .column
    }

    #[test]
    fn a_word_is_found_where_it_means_what_is_looked_for() {
        assert_eq!(column(Word::Name("id".to_owned()), "event.id == id"), 22);
        assert_eq!(column(Word::function("id"), "event.id == id(id)"), 22);
        assert_eq!(column(Word::Member("id".to_owned()), "id(event.id)"), 19);
        assert_eq!(column(Word::Member("a-b".to_owned()), "event['a-b']"), 17);
        assert_eq!(column(Word::Name("b".to_owned()), "'é' + ab + b"), 21);
        assert_eq!(column(Word::Name("gone".to_owned()), "x"), 10);
        assert_eq!(column(Word::None, "x"), 10);
    }

    #[test]
    fn lines_below_the_first_are_counted() {
        let start = Place {
            file: "f.yaml".into(),
            line: 3,
            column: 10,
        };
        let place = place_of(&Word::Name("foo".to_owned()), "a &&\n  foo", &start);
        assert_eq!((place.line, place.column), (4, 3));
    }
}
