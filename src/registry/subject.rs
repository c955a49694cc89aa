//! Subjects: the names under which a registry keeps the versions of a schema.

/// How a subject is named, after Confluent's strategies of these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subject {
    /// `<topic>-key` and `<topic>-value`: one schema a topic.
    #[default]
    Topic,
    /// The full name of the record: one schema a record, whatever the topic.
    Record,
    /// `<topic>-<full name of the record>`.
    TopicRecord,
}

/// Every strategy by its name in YAML.
pub const STRATEGIES: [(&str, Subject); 3] = [
    ("topic", Subject::Topic),
    ("record", Subject::Record),
    ("topic_record", Subject::TopicRecord),
];

impl Subject {
    /// Whether a schema without a name has no subject.
    pub fn needs_name(self) -> bool {
        self != Self::Topic
    }

    /// The subject of what is written to `topic`, as the key or the value, with a schema whose record has that name. `None`: the
    /// strategy needs a name, and there is none.
    pub fn of(self, topic: &str, is_key: bool, record: Option<&str>) -> Option<String> {
        match self {
            Self::Topic => Some(format!("{topic}-{}", if is_key { "key" } else { "value" })),
            Self::Record => record.map(str::to_owned),
            Self::TopicRecord => record.map(|record| format!("{topic}-{record}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_named_as_other_clients_name_them() {
        let of = |subject: Subject, is_key| subject.of("orders", is_key, Some("shop.Order"));
        assert_eq!(of(Subject::Topic, false).as_deref(), Some("orders-value"));
        assert_eq!(of(Subject::Topic, true).as_deref(), Some("orders-key"));
        assert_eq!(of(Subject::Record, false).as_deref(), Some("shop.Order"));
        assert_eq!(of(Subject::TopicRecord, false).as_deref(), Some("orders-shop.Order"));
        assert_eq!(Subject::TopicRecord.of("orders", false, None), None);
    }
}
