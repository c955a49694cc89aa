//! A span: one record, read and processed by one sub-topology.

use super::Parent;
use opentelemetry::trace::{SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue, StringValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use std::sync::Arc;
use std::time::SystemTime;

/// The version of OpenTelemetry's semantic conventions that the attributes are named after.
const CONVENTIONS: &str = "https://opentelemetry.io/schemas/1.43.0";

/// What spans of one topic have in common.
#[derive(Debug)]
pub struct Place {
    topic: Arc<str>,
    group: Arc<str>,
    sub_topology: Arc<str>,
}

impl Place {
    pub fn new(topic: &str, group: &str, sub_topology: &str) -> Self {
        Self {
            topic: topic.into(),
            group: group.into(),
            sub_topology: sub_topology.into(),
        }
    }
}

/// Begun with a record and ended when what became of it is known.
#[derive(Debug)]
pub struct Span {
    place: Arc<Place>,
    parent: Parent,
    own: Parent,
    tracestate: Option<Box<str>>,
    partition: i32,
    offset: i64,
    start: SystemTime,
    end: SystemTime,
    failed: Option<(&'static str, String)>,
}

impl Span {
    /// Of the record at this place, which is processed from now on.
    pub fn begin(place: &Arc<Place>, partition: i32, offset: i64, parent: Parent, tracestate: Option<&[u8]>) -> Self {
        let now = SystemTime::now();
        Self {
            place: Arc::clone(place),
            parent,
            own: parent.child(&place.group, &place.topic, partition, offset),
            tracestate: tracestate.and_then(|state| Some(std::str::from_utf8(state).ok()?.into())),
            partition,
            offset,
            start: now,
            end: now,
            failed: None,
        }
    }

    /// What is made of the record has this for its parent.
    pub fn own(&self) -> &Parent {
        &self.own
    }

    /// The record failed: the kind of failure, and why. Neither may have anything of the record in it.
    pub fn failed(&mut self, kind: &'static str, why: String) {
        self.failed = Some((kind, why));
    }

    /// The record is done.
    pub fn end(&mut self) {
        self.end = SystemTime::now();
    }

    pub(super) fn data(self, scope: &InstrumentationScope) -> SpanData {
        let Self { place, parent, own, .. } = self;
        let text = |text: &Arc<str>| StringValue::from(Arc::clone(text));
        let mut attributes = vec![
            KeyValue::new("messaging.system", "kafka"),
            KeyValue::new("messaging.operation.name", "process"),
            KeyValue::new("messaging.operation.type", "process"),
            KeyValue::new("messaging.destination.name", text(&place.topic)),
            KeyValue::new("messaging.destination.partition.id", self.partition.to_string()),
            KeyValue::new("messaging.kafka.offset", self.offset),
            KeyValue::new("messaging.consumer.group.name", text(&place.group)),
            KeyValue::new("millstream.sub_topology", text(&place.sub_topology)),
            KeyValue::new("millstream.task", format!("{}-{}", place.topic, self.partition)),
        ];
        let status = match self.failed {
            None => Status::Unset,
            Some((kind, why)) => {
                attributes.push(KeyValue::new("error.type", kind));
                Status::error(why)
            }
        };
        let state = self.tracestate.as_deref().unwrap_or_default();
        SpanData {
            span_context: SpanContext::new(
                TraceId::from_bytes(own.trace),
                SpanId::from_bytes(own.span),
                TraceFlags::new(own.flags()),
                false,
                state.parse::<TraceState>().unwrap_or_default(),
            ),
            parent_span_id: SpanId::from_bytes(parent.span),
            parent_span_is_remote: true,
            span_kind: SpanKind::Consumer,
            name: format!("process {}", place.topic).into(),
            start_time: self.start,
            // a clock that was set back in between makes no span that ends before it begins
            end_time: self.end.max(self.start),
            attributes,
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status,
            instrumentation_scope: scope.clone(),
        }
    }
}

pub(super) fn scope() -> InstrumentationScope {
    InstrumentationScope::builder("millstream")
        .with_version(env!("CARGO_PKG_VERSION"))
        .with_schema_url(CONVENTIONS)
        .build()
}
