//! Runs cases, and finds what none of them reached.

use super::case::{Case, DeadLetter, Problem, compare, shown};
use super::driver::{Driver, DriverError};
use super::schemas::TopicFormats;
use crate::broker::memory::Dumped;
use crate::engine::Counts;
use crate::topology::Topology;
use crate::value::to_text;
use crate::yaml::Place;
use bumpalo::Bump;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a case went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Empty: it passed.
    pub problems: Vec<Problem>,
    /// Dead letters that came, for a person who wonders.
    pub dead_letters: Vec<DeadLetter>,
    pub took: Duration,
    counts: Counts,
}

/// Runs a case through a cluster of its own.
pub fn run_case(topology: &Arc<Topology>, case: &Case) -> Outcome {
    let started = Instant::now();
    let mut counts = Counts::default();
    let (problems, dead_letters) = match run(topology, case) {
        Ok(driver) => {
            counts = driver.counts().clone();
            let letters: Vec<Dumped> = driver.dead_letters();
            let letters: Vec<DeadLetter> = letters.iter().map(DeadLetter::of).collect();
            (problems(topology, case, &driver, &letters), letters)
        }
        Err(error) => (vec![did_not_run(&case.place, &error)], Vec::new()),
    };
    Outcome {
        problems,
        dead_letters,
        took: started.elapsed(),
        counts,
    }
}

/// What comes out of a case, by topic: documents as JSON. Nothing, where it does not run.
pub fn outputs(topology: &Arc<Topology>, case: &Case) -> Vec<(String, String)> {
    let Ok(driver) = run(topology, case) else {
        return Vec::new();
    };
    let formats = TopicFormats::new(topology);
    let mut outputs = Vec::new();
    for (topic, records) in driver.outputs() {
        let Ok(reader) = formats.reader(&topic) else { continue };
        for record in records {
            let arena = Bump::new();
            if let Some(Ok(value)) = record.value.as_deref().map(|value| reader.value(value, &arena)) {
                outputs.push((topic.clone(), to_text(&value)));
            }
        }
    }
    outputs
}

/// Each input is processed and committed before the next, so that their order is the case's, whatever topics they go to.
fn run(topology: &Arc<Topology>, case: &Case) -> Result<Driver, DriverError> {
    let mut driver = Driver::new(topology)?;
    for row in &case.rows {
        driver.table_row(&row.table, &row.key, row.value.as_deref())?;
    }
    for input in &case.inputs {
        for _ in 0..input.times {
            driver.input(&input.source, &input.message)?;
            driver.run_until_idle()?;
        }
    }
    Ok(driver)
}

fn did_not_run(place: &Place, error: &DriverError) -> Problem {
    let (at, expected) = ("the run".to_owned(), "to end".to_owned());
    Problem {
        place: place.clone(),
        at,
        expected,
        found: error.to_string(),
    }
}

fn problems(topology: &Topology, case: &Case, driver: &Driver, letters: &[DeadLetter]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let outputs = driver.outputs();
    let formats = TopicFormats::new(topology);
    for expected in &case.outputs {
        problems.extend(compare::compare_lists(
            &expected.topic,
            &expected.place,
            &expected.records,
            &driver.records(&expected.topic),
            |record, found, at| compare::compare_record(record, found, &expected.reader, at),
            |found| compare::shown_record(found, &expected.reader),
            |expected, at| missing(&expected.place, at, "a record"),
        ));
    }
    for (topic, records) in outputs
        .iter()
        .filter(|(topic, _)| case.outputs.iter().all(|e| e.topic != *topic))
    {
        problems.extend(records.iter().enumerate().map(|(index, record)| Problem {
            place: case.place.clone(),
            at: format!("{topic}[{index}]"),
            expected: shown::NOTHING.to_owned(),
            found: formats.reader(topic).map_or_else(
                |error| error.to_string(),
                |reader| compare::shown_record(record, &reader),
            ),
        }));
    }
    problems.extend(compare::compare_lists(
        "dead letters",
        &case.place,
        &case.dead_letters,
        letters,
        compare::compare_dead_letter,
        ToString::to_string,
        |expected, at| missing(&expected.place, at, "a dead letter"),
    ));
    let through = topology.processors.iter().filter_map(|node| node.definition.through());
    let kept = topology.processors.iter().filter_map(|node| node.definition.keeps());
    let own = through.map(|through| through.topic).chain(kept.map(|kept| kept.topic));
    let middle: Vec<Dumped> = own.flat_map(|topic| driver.records(&topic)).collect();
    let records = outputs.iter().flat_map(|(_, records)| records).chain(&middle);
    for (word, place) in &case.never {
        problems.extend(leaks(word, place, records.clone(), letters));
    }
    problems
}

fn missing(place: &Place, at: &str, what: &str) -> Problem {
    let (place, at) = (place.clone(), at.to_owned());
    Problem {
        place,
        at,
        expected: what.to_owned(),
        found: shown::NOTHING.to_owned(),
    }
}

/// Where a word stands that must stand nowhere. The bytes of dead letters are the input's own and may have it.
fn leaks<'d>(
    word: &str,
    place: &Place,
    records: impl Iterator<Item = &'d Dumped>,
    letters: &[DeadLetter],
) -> Vec<Problem> {
    let leak = |at: String| Problem {
        place: place.clone(),
        at,
        expected: format!("never `{word}`"),
        found: format!("`{word}`"),
    };
    let has = |bytes: &Option<Vec<u8>>| bytes.as_deref().is_some_and(|bytes| shown::text(bytes).contains(word));
    let mut problems = Vec::new();
    for record in records {
        let headers = record
            .headers
            .iter()
            .any(|(name, value)| name.contains(word) || has(value));
        if has(&record.key) || has(&record.value) || headers {
            problems.push(leak(format!("{}[{}]", record.topic, record.offset)));
        }
    }
    let told = letters
        .iter()
        .enumerate()
        .filter(|(_, letter)| letter.message.contains(word) || letter.detail.contains(word));
    problems.extend(told.map(|(index, _)| leak(format!("dead letters[{index}] reason"))));
    problems
}

/// What all cases together reached of a topology.
#[derive(Debug, Default)]
pub struct Coverage {
    sources: BTreeSet<String>,
    branches: BTreeSet<(usize, usize)>,
    sinks: BTreeSet<usize>,
}

/// What no case reached, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unreached {
    pub sources: Vec<String>,
    /// Processor and branch: the cases of a switch, and its `otherwise`.
    pub branches: Vec<(String, String)>,
    pub sinks: Vec<String>,
}

impl Coverage {
    pub fn add(&mut self, case: &Case, outcome: &Outcome) {
        self.sources
            .extend(case.inputs.iter().map(|input| input.source.clone()));
        self.branches.extend(outcome.counts.branches.keys());
        let sinks = outcome.counts.sinks.iter().enumerate().filter(|(_, count)| **count > 0);
        self.sinks.extend(sinks.map(|(index, _)| index));
    }

    pub fn unreached(&self, topology: &Topology) -> Unreached {
        let sources = topology.sources.iter().map(|source| source.name.clone());
        let mut branches = Vec::new();
        for (index, node) in topology.processors.iter().enumerate() {
            for (branch, name) in node.definition.branches().into_iter().enumerate() {
                if !self.branches.contains(&(index, branch)) {
                    branches.push((node.name.clone(), name));
                }
            }
        }
        let sinks = topology
            .sinks
            .iter()
            .enumerate()
            .filter(|(index, _)| !self.sinks.contains(index));
        Unreached {
            sources: sources.filter(|name| !self.sources.contains(name)).collect(),
            branches,
            sinks: sinks.map(|(_, sink)| sink.name.clone()).collect(),
        }
    }
}

impl Unreached {
    pub fn is_empty(&self) -> bool {
        *self == Unreached::default()
    }
}
