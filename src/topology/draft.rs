//! A topology as it was read: each part right in itself, nothing known yet of how they fit together.

use super::api::ApiInfo;
use super::feeds::Feed;
use super::from::From;
use super::{Condition, Guarantee, OnError, Source, StateSettings, Table, TopicTemplate};
use crate::codec::Format;
use crate::expression::Expression;
use crate::processor::Definition;
use crate::registry;
use crate::value::SecretNames;
use crate::yaml::{Key, Node, Place};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// A topology of which every part was read, but nothing was resolved. What could not be read is `None`, and a mistake.
pub(super) struct Draft<'a> {
    pub application: Option<String>,
    pub guarantee: Guarantee,
    pub commit_interval: Duration,
    pub workers: usize,
    pub state: StateSettings,
    pub standby_replicas: usize,
    pub kafka: BTreeMap<String, (String, Place)>,
    pub secrets: SecretNames,
    pub schema_registry: Option<registry::Settings>,
    pub api: Option<ApiInfo>,
    pub feeds: Vec<(&'a Key, Option<Feed>)>,
    pub sources: Vec<Named<'a, Source>>,
    pub tables: Vec<Named<'a, Table>>,
    pub processors: Vec<ProcessorDraft<'a>>,
    pub sinks: Vec<SinkDraft<'a>>,
    pub dead_letters: Option<(String, Place)>,
}

/// Something with a name and a topic.
pub(super) struct Named<'a, T> {
    pub key: &'a Key,
    pub item: Option<T>,
    pub topic_place: Place,
}

pub(super) struct ProcessorDraft<'a> {
    pub key: &'a Key,
    pub node: &'a Node,
    pub from: Option<From>,
    pub on_error: OnError,
    pub definition: Option<Arc<dyn Definition>>,
}

pub(super) struct SinkDraft<'a> {
    pub key: &'a Key,
    pub from: Option<From>,
    pub topic: Option<TopicTemplate>,
    pub topic_place: Place,
    /// `None` where it was wrong.
    pub condition: Option<Condition>,
    pub new_key: Option<Expression>,
    pub headers: Vec<(String, Expression)>,
    pub event_time: Option<Expression>,
    /// `None` where it was wrong.
    pub format: Option<Format>,
    pub description: Option<String>,
}
