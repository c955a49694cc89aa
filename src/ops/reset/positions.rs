//! Where reading begins after a reset: what the user asks for.

use crate::broker::TopicPartition;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Where a partition is to be read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The first record that is there.
    Earliest,
    /// What can't be read yet.
    Latest,
    /// The first record that is not older, in ms since the epoch; where there is none, as [`Target::Latest`].
    Time(i64),
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            time => match time.parse::<jiff::Timestamp>() {
                Ok(time) => Ok(Self::Time(time.as_millisecond())),
                Err(_) => Err("write earliest, latest, or a time with its zone, as 2024-05-22T05:55:57Z".to_owned()),
            },
        }
    }
}

/// Where all partitions of the sources go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    /// Those that are not in `offsets`. `None`: earliest, and with `offsets` there must be none.
    pub target: Option<Target>,
    pub offsets: BTreeMap<TopicPartition, i64>,
}

/// Reads `topic:partition=offset`, several separated by commas or lines; what follows a `#` is a comment.
///
/// # Errors
/// The first entry that is none, or that contradicts another.
pub fn offsets(text: &str) -> Result<BTreeMap<TopicPartition, i64>, String> {
    let mut offsets = BTreeMap::new();
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let entries = lines.flat_map(|line| line.split(',')).map(str::trim);
    for entry in entries.filter(|entry| !entry.is_empty()) {
        let Some((partition, offset)) = read(entry) else {
            return Err(format!(
                "`{entry}` is no offset: write topic:partition=offset, as orders:0=42"
            ));
        };
        if offsets.insert(partition, offset).is_some_and(|before| before != offset) {
            return Err(format!("`{entry}` says another offset than an entry before it"));
        }
    }
    if offsets.is_empty() {
        return Err("there is no offset in it: write topic:partition=offset, as orders:0=42".to_owned());
    }
    Ok(offsets)
}

fn read(entry: &str) -> Option<(TopicPartition, i64)> {
    let (partition, offset) = entry.split_once('=')?;
    let (topic, partition) = partition.rsplit_once(':')?;
    let topic = topic.trim();
    let partition = TopicPartition {
        topic: topic.to_owned(),
        partition: partition.trim().parse().ok().filter(|partition| *partition >= 0)?,
    };
    let offset = offset.trim().parse().ok().filter(|offset| *offset >= 0)?;
    (!topic.is_empty()).then_some((partition, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_a_word_or_a_time_with_its_zone() {
        assert_eq!("earliest".parse(), Ok(Target::Earliest));
        assert_eq!("latest".parse(), Ok(Target::Latest));
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Target::Time(1500)));
        assert_eq!("1970-01-01T02:00:00+02:00".parse(), Ok(Target::Time(0)));
        for wrong in ["", "Earliest", "2024-05-22", "2024-05-22T05:55:57", "17"] {
            assert!(wrong.parse::<Target>().unwrap_err().contains("earliest"), "{wrong}");
        }
    }

    #[test]
    fn offsets_are_separated_by_commas_or_lines() {
        let expected = [("a", 0, 42), ("a", 1, 0), ("b.c", 7, 1)];
        let expected: BTreeMap<_, _> = expected
            .into_iter()
            .map(|(topic, partition, offset)| {
                let topic = topic.to_owned();
                (TopicPartition { topic, partition }, offset)
            })
            .collect();
        assert_eq!(offsets("a:0=42,a:1=0,b.c:7=1").as_ref(), Ok(&expected));
        let file = "# of last night\na:0 = 42\n\na:1=0, b.c:7=1 # the last\na:1=0\n";
        assert_eq!(offsets(file).as_ref(), Ok(&expected));
    }

    #[test]
    fn what_is_no_offset_is_named() {
        for wrong in [
            "a",
            "a:0",
            "a=1",
            "a:x=1",
            "a:-1=1",
            "a:0=-1",
            ":0=1",
            "a:0=1,b",
            "a:0=9999999999999999999",
        ] {
            let why = offsets(wrong).unwrap_err();
            assert!(why.contains("write topic:partition=offset"), "{wrong}: {why}");
        }
        assert!(offsets("a:0=1,a:0=2").unwrap_err().contains("another offset"));
        assert!(offsets("# nothing\n").unwrap_err().contains("no offset in it"));
    }
}
