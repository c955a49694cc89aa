//! What a reader makes of a writer's schema, worked out once: steps that follow the writer's bytes and make the reader's values.

mod names;
mod steps;

pub(super) use steps::{Fill, Plan, Read, RecordStep, Show, ShowFixed, Step, StepId};

use super::error::{SchemaError, error};
use super::failure::name;
use super::node::{Id, Kind, Node, Nodes, Record};
use ahash::AHashMap;
use names::{mismatch, plain, same_name};
use std::ops::Range;

/// Pairs of types may lie this deep in each other.
const DEEPEST: usize = 400;

impl Plan {
    pub fn new(writer: &Nodes, reader: &Nodes) -> Result<Plan, SchemaError> {
        let mut planner = Planner::of(writer, reader);
        let root = planner.resolve(writer.root, reader.root)?;
        Ok(planner.plan(root))
    }

    /// To read what was written with the same schema, from any of its nodes on: each step has its node's place.
    pub fn of_one(nodes: &Nodes) -> Plan {
        let mut planner = Planner::of(nodes, nodes);
        for node in &nodes.nodes {
            let step = planner.same(node, &mut |id| StepId(id.0));
            planner.steps.push(step);
        }
        planner.plan(StepId(nodes.root.0))
    }
}

struct Planner<'n> {
    writer: &'n Nodes,
    reader: &'n Nodes,
    steps: Vec<Step>,
    names: String,
    /// Pairs of types that are planned or being planned.
    pairs: AHashMap<(Id, Id), StepId>,
    /// The writer's types that are passed over.
    passed: AHashMap<Id, StepId>,
    depth: usize,
}

impl<'n> Planner<'n> {
    fn of(writer: &'n Nodes, reader: &'n Nodes) -> Self {
        Self {
            writer,
            reader,
            steps: Vec::new(),
            names: String::new(),
            pairs: AHashMap::new(),
            passed: AHashMap::new(),
            depth: 0,
        }
    }

    fn plan(self, root: StepId) -> Plan {
        Plan {
            steps: self.steps,
            root,
            names: self.names,
        }
    }

    /// A step that is known before it is worked out, as it may lead back to itself.
    fn reserve(&mut self) -> StepId {
        let id = StepId(u32::try_from(self.steps.len()).unwrap_or(u32::MAX));
        self.steps.push(Step::Null);
        id
    }

    fn set(&mut self, id: StepId, step: Step) {
        if let Some(place) = self.steps.get_mut(id.0 as usize) {
            *place = step;
        }
    }

    fn name(&mut self, name: &str) -> Range<usize> {
        let start = self.names.len();
        self.names.push_str(name);
        start..self.names.len()
    }

    /// The step of a type for itself.
    fn same(&mut self, node: &Node, step: &mut dyn FnMut(Id) -> StepId) -> Step {
        match &node.kind {
            Kind::Array(of) => Step::Array(step(*of)),
            Kind::Map(of) => Step::Map(step(*of)),
            Kind::Union(union) => Step::Union(union.branches.iter().map(|branch| step(*branch)).collect()),
            Kind::Enum(of) => Step::Enum(of.symbols.iter().cloned().map(Some).collect()),
            Kind::Record(of) => Step::Record(RecordStep {
                fields: (0..)
                    .zip(&of.fields)
                    .map(|(slot, field)| (step(field.node), Some(slot)))
                    .collect(),
                names: of.fields.iter().map(|field| self.name(&field.name)).collect(),
                fills: Vec::new(),
                rest: of.rest,
            }),
            _ => plain(node, node).unwrap_or(Step::Null),
        }
    }

    /// Only to know what to pass over.
    fn pass(&mut self, id: Id) -> StepId {
        if let Some(step) = self.passed.get(&id) {
            return *step;
        }
        let own = self.reserve();
        self.passed.insert(id, own);
        let node = self.writer.get(id);
        let step = match &node.kind {
            Kind::Array(of) => Step::Array(self.pass(*of)),
            Kind::Map(of) => Step::Map(self.pass(*of)),
            Kind::Union(union) => Step::Union(union.branches.iter().map(|branch| self.pass(*branch)).collect()),
            Kind::Enum(of) => Step::Enum(of.symbols.iter().map(|_| None).collect()),
            Kind::Record(of) => Step::Record(RecordStep {
                fields: of.fields.iter().map(|field| (self.pass(field.node), None)).collect(),
                names: Vec::new(),
                fills: Vec::new(),
                rest: None,
            }),
            _ => plain(node, node).unwrap_or(Step::Null),
        };
        self.set(own, step);
        own
    }

    fn resolve(&mut self, writer: Id, reader: Id) -> Result<StepId, SchemaError> {
        if let Some(step) = self.pairs.get(&(writer, reader)) {
            return match self.steps.get(step.0 as usize) {
                Some(Step::Never(why)) => error(why.clone()),
                _ => Ok(*step),
            };
        }
        let (from, to) = (self.writer.get(writer), self.reader.get(reader));
        if let Kind::Union(union) = &to.kind
            && !matches!(from.kind, Kind::Union(_))
        {
            // a value of a branch is the union's, so this takes no step of its own
            return self.branch_for(writer, &union.branches);
        }
        if self.depth >= DEEPEST {
            return error(format!("types lie deeper in each other than {DEEPEST}"));
        }
        let own = self.reserve();
        self.pairs.insert((writer, reader), own);
        self.depth += 1;
        let step = self.pair(writer, reader);
        self.depth -= 1;
        match step {
            Ok(step) => {
                self.set(own, step);
                Ok(own)
            }
            Err(why) => {
                self.set(own, Step::Never(why.0.as_str().into()));
                Err(why)
            }
        }
    }

    fn pair(&mut self, writer_id: Id, reader_id: Id) -> Result<Step, SchemaError> {
        let (writer, reader) = (self.writer.get(writer_id), self.reader.get(reader_id));
        match (&writer.kind, &reader.kind) {
            (Kind::Union(union), _) => {
                let mut steps = Vec::new();
                let mut wrong = None;
                let mut any = union.branches.is_empty();
                for branch in &union.branches {
                    match self.resolve(*branch, reader_id) {
                        Ok(step) => {
                            any = true;
                            steps.push(step);
                        }
                        // only a value of that branch can't be read
                        Err(why) => {
                            let never = self.reserve();
                            self.set(never, Step::Never(why.0.as_str().into()));
                            steps.push(never);
                            wrong = Some(why);
                        }
                    }
                }
                match (any, wrong) {
                    (false, Some(why)) => Err(why),
                    _ => Ok(Step::Union(steps)),
                }
            }
            (Kind::Array(from), Kind::Array(to)) => {
                let step = self.resolve(*from, *to);
                Ok(Step::Array(
                    step.map_err(|why| SchemaError(format!("its elements: {why}")))?,
                ))
            }
            (Kind::Map(from), Kind::Map(to)) => {
                let step = self.resolve(*from, *to);
                Ok(Step::Map(
                    step.map_err(|why| SchemaError(format!("its values: {why}")))?,
                ))
            }
            (Kind::Record(from), Kind::Record(to)) if same_name(&from.name, &to.name) => self.record(from, to),
            (Kind::Enum(from), Kind::Enum(to)) if same_name(&from.name, &to.name) => {
                let known = |symbol: &str| to.symbols.iter().find(|other| ***other == *symbol).cloned();
                let symbols = from.symbols.iter();
                Ok(Step::Enum(
                    symbols
                        .map(|symbol| known(symbol).or_else(|| to.default.clone()))
                        .collect(),
                ))
            }
            _ => plain(writer, reader).map_or_else(|| error(mismatch(writer, reader)), Ok),
        }
    }

    /// The reader's branch for what is no union: one of the same type if there is one, else one that it can become.
    fn branch_for(&mut self, writer: Id, branches: &[Id]) -> Result<StepId, SchemaError> {
        let from = self.writer.get(writer);
        let mut wrong = None;
        for pass in [names::just_the_same, names::alike, names::any] {
            for branch in branches {
                if pass(from, self.reader.get(*branch)) {
                    match self.resolve(writer, *branch) {
                        Ok(step) => return Ok(step),
                        Err(why) => wrong = wrong.or(Some(why)),
                    }
                }
            }
        }
        match wrong {
            Some(why) if branches.len() == 1 || from.name().is_some() => Err(why),
            _ => error(format!(
                "the writer's {} is in no branch of the reader's union",
                from.described()
            )),
        }
    }

    fn record(&mut self, from: &Record, to: &Record) -> Result<Step, SchemaError> {
        let mut slots: Vec<Option<usize>> = vec![None; from.fields.len()];
        let mut fills = Vec::new();
        for (slot, field) in to.fields.iter().enumerate() {
            let named = |wanted: &str| from.fields.iter().position(|field| *field.name == *wanted);
            let alias = || field.aliases.iter().find_map(|alias| named(alias));
            let index = named(&field.name).or_else(alias);
            match index.and_then(|index| slots.get_mut(index)) {
                Some(place @ None) => *place = Some(slot),
                _ => match &field.default {
                    Some(default) => fills.push((slot, Fill::of(&default.text))),
                    None => {
                        return error(format!(
                            "field `{}`: the writer does not have it, and it has no default",
                            name(&field.name)
                        ));
                    }
                },
            }
        }
        let mut fields = Vec::new();
        for (field, slot) in from.fields.iter().zip(slots) {
            let target = slot.and_then(|slot| to.fields.get(slot));
            let step = match target {
                Some(target) => self
                    .resolve(field.node, target.node)
                    .map_err(|why| SchemaError(format!("field `{}`: {why}", name(&target.name))))?,
                None => self.pass(field.node),
            };
            fields.push((step, slot));
        }
        Ok(Step::Record(RecordStep {
            fields,
            names: to.fields.iter().map(|field| self.name(&field.name)).collect(),
            fills,
            rest: to.rest,
        }))
    }
}
