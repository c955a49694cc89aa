//! The plan against what is there. Pure: what was found goes in, what to do comes out.

use super::{Expected, Missing, Partitions, Plan, PlannedTopic, Setting};
use crate::broker::TopicState;
use std::collections::BTreeMap;

/// What is to be done about a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict<'p> {
    pub topic: &'p PlannedTopic,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Fine,
    Create(TopicState),
    /// Nothing may start before a person mended it.
    Wrong(Vec<Wrong>),
}

/// A difference that we do not mend ourselves: the topic may be somebody else's, or hold what a change would lose.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic {topic}: {what} is {found}, and must be {expected}: {remedy}")]
pub struct Wrong {
    pub topic: String,
    /// A setting's name, `partitions`, or `topic` where it is missing.
    pub what: &'static str,
    pub expected: String,
    pub found: String,
    pub remedy: String,
}

/// A verdict for every topic of the plan, in its order. `found` has the topics that exist; a setting that was not reported is
/// taken to be fine.
pub fn compare<'p>(plan: &'p Plan, found: &[TopicState]) -> Vec<Verdict<'p>> {
    let found: BTreeMap<&str, &TopicState> = found.iter().map(|state| (state.name.as_str(), state)).collect();
    let widths = Widths { plan, found: &found };
    let verdict = |topic: &'p PlannedTopic| {
        let action = match found.get(topic.name.as_str()) {
            Some(state) => judge(topic, state, &widths),
            None => missing(topic, &widths),
        };
        Verdict { topic, action }
    };
    plan.topics.iter().map(verdict).collect()
}

fn missing(topic: &PlannedTopic, widths: &Widths<'_>) -> Action {
    match topic.missing {
        Missing::Create => Action::Create(TopicState {
            name: topic.name.clone(),
            partitions: widths.of(&topic.name).unwrap_or(1),
            settings: topic
                .settings
                .iter()
                .map(|setting| (setting.name.to_owned(), setting.value.clone()))
                .collect(),
        }),
        Missing::Refuse => Action::Wrong(vec![Wrong {
            topic: topic.name.clone(),
            what: "topic",
            expected: "there".to_owned(),
            found: "missing".to_owned(),
            remedy: format!(
                "create it, or correct the topic of the {} `{}`",
                topic.role.name(),
                topic.of
            ),
        }]),
    }
}

fn judge(topic: &PlannedTopic, state: &TopicState, widths: &Widths<'_>) -> Action {
    let mut wrong = Vec::new();
    let expected = match &topic.partitions {
        Partitions::Exactly(count) => Some((*count, format!("create it anew, or write `partitions: {}`", state.partitions))),
        Partitions::Same(other) => widths.of(other).map(|count| {
            (count, format!("it must have as many as `{other}`: stop the application, delete it, and start again; its state is lost"))
        }),
        Partitions::Any | Partitions::Widest(_) => None,
    };
    if let Some((count, remedy)) = expected.filter(|(count, _)| *count != state.partitions) {
        wrong.push(Wrong {
            topic: topic.name.clone(),
            what: "partitions",
            expected: count.to_string(),
            found: state.partitions.to_string(),
            remedy,
        });
    }
    for setting in &topic.settings {
        let Some((_, value)) = state.settings.iter().find(|(name, _)| name == setting.name) else {
            continue;
        };
        if !fits(setting, value) {
            let least = if setting.expected == Expected::AtLeast {
                "at least "
            } else {
                ""
            };
            wrong.push(Wrong {
                topic: topic.name.clone(),
                what: setting.name,
                expected: format!("{least}{}", setting.value),
                found: value.clone(),
                // brackets keep a list one value for kafka-configs
                remedy: format!(
                    "kafka-configs --alter --entity-type topics --entity-name {} --add-config '{}=[{}]'",
                    topic.name, setting.name, setting.value
                ),
            });
        }
    }
    if wrong.is_empty() {
        Action::Fine
    } else {
        Action::Wrong(wrong)
    }
}

fn fits(setting: &Setting, found: &str) -> bool {
    match setting.expected {
        Expected::Anything => true,
        Expected::Same => {
            let words = |text: &str| {
                let mut words: Vec<String> = text.split(',').map(|word| word.trim().to_owned()).collect();
                words.sort_unstable();
                words
            };
            words(&setting.value) == words(found)
        }
        Expected::AtLeast => {
            let number = |text: &str| {
                text.trim()
                    .parse::<i128>()
                    .ok()
                    .map(|n| if n < 0 { i128::MAX } else { n })
            };
            match (number(&setting.value), number(found)) {
                (Some(least), Some(found)) => found >= least,
                _ => false,
            }
        }
    }
}

/// How many partitions a topic has or will have.
struct Widths<'w> {
    plan: &'w Plan,
    found: &'w BTreeMap<&'w str, &'w TopicState>,
}

impl Widths<'_> {
    fn of(&self, topic: &str) -> Option<i32> {
        self.search(topic, &mut Vec::new())
    }

    /// `path` has the topics being asked about: stages may read each other's topics in a ring.
    fn search<'t>(&'t self, topic: &'t str, path: &mut Vec<&'t str>) -> Option<i32> {
        if let Some(state) = self.found.get(topic) {
            return Some(state.partitions);
        }
        if path.contains(&topic) {
            return None;
        }
        path.push(topic);
        let planned = self.plan.topics.iter().find(|planned| planned.name == topic);
        let width = match planned.map(|planned| &planned.partitions) {
            Some(Partitions::Exactly(count)) => Some(*count),
            Some(Partitions::Same(other)) => self.search(other, path),
            Some(Partitions::Widest(others)) => others.iter().filter_map(|other| self.search(other, path)).max(),
            Some(Partitions::Any) | None => None,
        };
        path.pop();
        width
    }
}
