//! Dead letters by their reason: how many, since when, until when.
//!
//! A reason is the kind, the processor and the shape of the message: what differs from record to record (numbers, ids) is left out. So
//! groups are few; of messages that are made to differ, [`MOST`] are told apart.

use super::At;
use crate::dead_letter::Letter;
use std::collections::HashMap;

/// Groups that are kept.
pub const MOST: usize = 1_000;
/// Characters of a shape.
const LONGEST: usize = 200;
/// A word of letters and digits from this length on is an id.
const ID: usize = 8;

/// What failed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub kind: String,
    pub processor: String,
    /// The message, with `#` in place of numbers and ids.
    pub shape: String,
    pub count: u64,
    /// The times of the records, in ms since the epoch: the earliest and the latest.
    pub first: i64,
    pub last: i64,
    /// The last that was read.
    pub example: At,
}

#[derive(Debug, Default)]
pub struct Groups {
    groups: HashMap<(String, String, String), Group>,
    /// Letters of reasons beyond [`MOST`].
    pub others: u64,
}

impl Groups {
    pub fn add(&mut self, letter: &Letter<'_>) {
        let key = (
            letter.kind.to_owned(),
            letter.processor.to_owned(),
            shape(letter.message),
        );
        let example = At {
            partition: letter.partition,
            offset: letter.offset,
        };
        let is_full = self.groups.len() >= MOST;
        match self.groups.get_mut(&key) {
            Some(group) => {
                group.count += 1;
                group.first = group.first.min(letter.timestamp);
                group.last = group.last.max(letter.timestamp);
                group.example = example;
            }
            None if is_full => self.others += 1,
            None => {
                let (kind, processor, shape) = key.clone();
                let group = Group {
                    kind,
                    processor,
                    shape,
                    count: 1,
                    first: letter.timestamp,
                    last: letter.timestamp,
                    example,
                };
                self.groups.insert(key, group);
            }
        }
    }

    /// The largest first.
    pub fn sorted(&self) -> Vec<&Group> {
        let mut groups: Vec<&Group> = self.groups.values().collect();
        groups.sort_by(|a, b| {
            let name = |group: &Group| (group.kind.clone(), group.processor.clone(), group.shape.clone());
            b.count.cmp(&a.count).then_with(|| name(a).cmp(&name(b)))
        });
        groups
    }
}

fn shape(message: &str) -> String {
    let mut shape = String::new();
    let mut word = String::new();
    for character in message.chars().chain(['\n']) {
        if character.is_alphanumeric() || character == '-' || character == '_' {
            word.push(character);
            continue;
        }
        let has_digit = word.contains(|c: char| c.is_ascii_digit());
        let is_number = word.chars().all(|c| c.is_ascii_digit() || c == '-');
        if has_digit && (is_number || word.chars().count() >= ID) {
            shape.push('#');
        } else {
            shape.push_str(&word);
        }
        word.clear();
        if shape.len() >= LONGEST {
            break;
        }
        shape.push(character);
    }
    let end = (0..=LONGEST.min(shape.trim_end().len()))
        .rev()
        .find(|end| shape.is_char_boundary(*end));
    end.and_then(|end| shape.get(..end)).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter<'r>(message: &'r str, offset: i64, timestamp: i64) -> Letter<'r> {
        Letter {
            partition: 1,
            offset,
            key: None,
            value: None,
            headers: &[],
            timestamp,
            kind: "decode",
            message,
            detail: None,
            processor: "orders",
            source: None,
            truncated: None,
        }
    }

    #[test]
    fn numbers_and_ids_make_no_difference_and_words_do() {
        for (message, expected) in [
            (
                "not JSON: expected a value at byte 312",
                "not JSON: expected a value at byte #",
            ),
            ("no row for 6d2be0b1-b53c-4e0a-9f5c-b0a7dd4a1f3e.", "no row for #."),
            (
                "`int32` has 4 bytes, and here are 17",
                "`int32` has # bytes, and here are #",
            ),
            ("`event.items[0].id`: no such key", "`event.items[#].id`: no such key"),
            ("", ""),
        ] {
            assert_eq!(shape(message), expected);
        }
        assert!(shape(&"ä".repeat(1_000)).len() <= LONGEST);
    }

    #[test]
    fn a_group_has_its_count_and_its_first_and_last_time() {
        let mut groups = Groups::default();
        for (offset, time) in [(0, 50), (1, 20), (2, 70)] {
            groups.add(&letter(&format!("at byte {offset}"), offset, time));
        }
        groups.add(&letter("else", 3, 10));
        let sorted = groups.sorted();
        let first = sorted[0];
        assert_eq!((first.shape.as_str(), first.count), ("at byte #", 3));
        assert_eq!((first.first, first.last, first.example.offset), (20, 70, 2));
        assert_eq!((sorted.len(), sorted[1].count, groups.others), (2, 1, 0));
    }

    #[test]
    fn of_messages_that_all_differ_only_so_many_are_kept_and_the_rest_is_counted() {
        let mut groups = Groups::default();
        let word = |number: i64| -> String {
            number
                .to_string()
                .bytes()
                .map(|digit| char::from(digit - b'0' + b'a'))
                .collect()
        };
        for number in 0..5_000 {
            groups.add(&letter(&word(number), number, 0));
        }
        assert_eq!((groups.sorted().len(), groups.others), (MOST, 4_000));
    }
}
