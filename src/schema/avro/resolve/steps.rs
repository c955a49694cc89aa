//! The steps of a plan.

use super::super::node::{Id, Logical};
use std::ops::Range;

/// Where a step stands in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schema::avro) struct StepId(pub u32);

#[derive(Debug)]
pub(in crate::schema::avro) struct Plan {
    pub steps: Vec<Step>,
    pub root: StepId,
    /// Names of all members, copied to the arena once for each value.
    pub names: String,
}

#[derive(Debug)]
pub(in crate::schema::avro) enum Step {
    Null,
    Boolean,
    Number(Read, Show),
    Text,
    /// A text of JSON, which stands for what it says.
    Json,
    /// A text that is the text of a UUID.
    UuidText,
    /// A text of one character a byte.
    Characters,
    Decimal {
        precision: usize,
        scale: usize,
    },
    Fixed(usize, ShowFixed),
    /// For each of the writer's symbols the reader's.
    Enum(Vec<Option<Box<str>>>),
    Array(StepId),
    Map(StepId),
    Record(RecordStep),
    /// For each of the writer's branches.
    Union(Vec<StepId>),
    /// What the reader can't take, and why.
    Never(Box<str>),
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schema::avro) enum Read {
    Int,
    Long,
    Float,
    Double,
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schema::avro) enum Show {
    Whole,
    Float,
    Double,
    Logical(Logical),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::schema::avro) enum ShowFixed {
    Characters,
    Decimal { precision: usize, scale: usize },
    Uuid,
    Duration,
}

#[derive(Debug)]
pub(in crate::schema::avro) struct RecordStep {
    /// The writer's fields, each with the reader's place for it; those without one are passed over.
    pub fields: Vec<(StepId, Option<usize>)>,
    /// The reader's members: where their names are in [`Plan::names`].
    pub names: Vec<Range<usize>>,
    /// What the writer does not have.
    pub fills: Vec<(usize, Fill)>,
    /// The reader's member whose map has further members.
    pub rest: Option<usize>,
}

/// A default.
#[derive(Debug)]
pub(in crate::schema::avro) enum Fill {
    Null,
    Bool(bool),
    /// As JSON.
    Json(Box<str>),
}

impl Fill {
    pub fn of(json: &str) -> Fill {
        match json {
            "null" => Fill::Null,
            "true" => Fill::Bool(true),
            "false" => Fill::Bool(false),
            json => Fill::Json(json.into()),
        }
    }
}

impl Plan {
    /// In the plan of one schema.
    pub fn of_node(&self, id: Id) -> StepId {
        StepId(id.0)
    }

    pub fn step(&self, id: StepId) -> &Step {
        self.steps.get(id.0 as usize).unwrap_or(&Step::Null)
    }
}
