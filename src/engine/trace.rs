//! Traces of records: what is handed on in the headers of all that is made of one, and its span.
//!
//! What must hold: a span is of a transaction, and handed over once that is committed; of one that is aborted there is none. A record
//! that is read again is the same span again, so what names it for its parent stays right.

use super::wiring::{Entry, Wiring};
use crate::dead_letter::Reason;
use crate::observe::traces::{Context, LENGTH, Place, ROOM, Span, Traces};
use crate::record::RawRecord;
use crate::topology::Topology;
use std::sync::Arc;

/// Who gets spans, and what those of each entry have in common.
pub struct Tracing {
    traces: Traces,
    places: Vec<Arc<Place>>,
}

impl Tracing {
    /// Traces are passed on, and there are no spans.
    pub fn off() -> Self {
        Self {
            traces: Traces::off(),
            places: Vec::new(),
        }
    }

    pub fn new(topology: &Topology, wiring: &Wiring, traces: Traces) -> Self {
        if !traces.is_on() {
            return Self::off();
        }
        let place = |entry: &Entry| Arc::new(Place::new(&entry.topic, &topology.application, &entry.sub_topology));
        Self {
            places: wiring.entries.iter().map(place).collect(),
            traces,
        }
    }

    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// A record is about to be processed. All that it costs where a record has no trace is a look at its headers.
    pub fn begin<'r>(&self, entry: usize, record: &RawRecord<'r>) -> Option<Traced<'r>> {
        if record.headers.is_empty() {
            return None;
        }
        let context = Context::of(record.headers.iter().map(|header| (header.name, header.value)))?;
        let place = self.places.get(entry).filter(|_| context.parent.is_sampled());
        let origin = record.origin;
        let span = place.map(|place| {
            Span::begin(
                place,
                origin.partition,
                origin.offset,
                context.parent,
                context.tracestate,
            )
        });
        Some(Traced {
            own: span.as_ref().map(|span| span.own().write()),
            context,
            span,
        })
    }
}

/// A record that is part of a trace.
pub struct Traced<'r> {
    context: Context<'r>,
    /// The header that names our span; `None`: there is none.
    own: Option<[u8; LENGTH]>,
    span: Option<Span>,
}

impl Traced<'_> {
    /// What outputs have in their headers: our span or, where there is none, what came.
    pub fn traceparent(&self) -> &[u8] {
        self.own.as_ref().map_or(self.context.traceparent, |own| &own[..])
    }

    pub fn tracestate(&self) -> Option<&[u8]> {
        self.context.tracestate
    }

    /// The record failed. Of the message of a reason nothing is said, as some have a part of a value in them.
    pub fn failed(&mut self, reason: &Reason) {
        if let Some(span) = &mut self.span {
            let place = match reason.processor.as_str() {
                "" => String::new(),
                processor => format!(" in {processor}"),
            };
            let detail = reason.detail.as_ref().map(|detail| format!(": {detail}"));
            span.failed(
                reason.kind,
                format!("{}{place}{}", reason.kind, detail.unwrap_or_default()),
            );
        }
    }
}

/// Spans of the open transaction.
pub struct Spans {
    traces: Traces,
    spans: Vec<Span>,
    /// Of which there were too many to be kept.
    more: u64,
}

impl Spans {
    pub fn new(traces: &Traces) -> Self {
        Self {
            traces: traces.clone(),
            spans: Vec::new(),
            more: 0,
        }
    }

    /// A record is processed, and part of the transaction.
    pub fn end(&mut self, traced: Option<Traced<'_>>) {
        let Some(mut span) = traced.and_then(|traced| traced.span) else {
            return;
        };
        if self.spans.len() >= ROOM {
            self.more += 1;
            return;
        }
        span.end();
        self.spans.push(span);
    }

    /// The transaction is committed.
    pub fn committed(&mut self) {
        if !self.spans.is_empty() {
            self.traces.hand_over(&mut self.spans, self.more);
        }
        self.clear();
    }

    /// The transaction is gone.
    pub fn clear(&mut self) {
        self.spans.clear();
        self.more = 0;
    }
}
