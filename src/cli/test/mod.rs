//! `millstream test`: the cases beside a topology, through the production code, without Kafka.

use super::{Outcome, Output, Terminal, counted, mistakes};
use crate::testkit::case::{self, Case, Problem};
use crate::testkit::{self, Coverage, Unreached, run_case};
use crate::topology::{self, Topology};
use crate::yaml::Mistake;
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Run the cases beside a topology
///
/// Every case in DIR/tests/*.yaml runs through the production task and transaction code with a broker in memory: no Kafka,
/// milliseconds. Ends with what no case reaches: cases of a switch, sinks, sources.
#[derive(clap::Args)]
pub(crate) struct Test {
    /// The topology's folder, or the file in it
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// Only cases with this text in their name or their file's
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

struct Report<'r> {
    cases: Vec<(&'r Case, testkit::Outcome)>,
    /// `None`: not all cases were run.
    unreached: Option<Unreached>,
    took: Duration,
}

impl Test {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let folder = topology::folder_of(&self.path);
        let topology = match topology::inspect(&self.path, terminal.environment) {
            Ok((topology, _)) => Arc::new(topology),
            Err(found) => {
                return mistakes::print(&self.path, &found, self.output, terminal).map(|()| Outcome::Failed);
            }
        };
        let cases = match case::read_folder(folder, &topology) {
            Ok(cases) => cases,
            Err(found) => return self.no_cases_of(&found, terminal),
        };
        let wanted: Vec<&Case> = cases.iter().filter(|case| self.is_wanted(case)).collect();
        if wanted.is_empty() {
            let tests = folder.join("tests").display().to_string();
            match &self.filter {
                Some(filter) if !cases.is_empty() => {
                    writeln!(terminal.err, "no case in {tests} has `{filter}` in its name")?;
                }
                _ => writeln!(
                    terminal.err,
                    "there are no cases in {tests}: write some, as in {EXAMPLE}"
                )?,
            }
            return Ok(Outcome::Failed);
        }
        let all = wanted.len() == cases.len();
        let report = report(&topology, wanted, all);
        match self.output {
            Output::Json => writeln!(terminal.out, "{}", as_json(&report))?,
            Output::Text => print(&report, &folder.join("").display().to_string(), terminal)?,
        }
        let failed = report.cases.iter().any(|(_, outcome)| !outcome.problems.is_empty());
        Ok(if failed { Outcome::Failed } else { Outcome::Fine })
    }

    /// The cases could not be read. Those of a folder are written for its topology: a variant of it that lacks what they
    /// name is no mistake in each of them.
    fn no_cases_of(&self, found: &[Mistake], terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let variant = self
            .path
            .file_name()
            .filter(|name| self.path.is_file() && *name != topology::FILE);
        match variant {
            Some(variant) if self.output == Output::Text => {
                let folder = topology::folder_of(&self.path).join("");
                writeln!(
                    terminal.err,
                    "the cases in {0}tests are for {0}{1} and do not fit {2} ({3}); the first: {4}\nrun `millstream test {0}`",
                    folder.display(),
                    topology::FILE,
                    variant.display(),
                    counted(found.len(), "mistake", "mistakes"),
                    found.first().map(ToString::to_string).unwrap_or_default(),
                )?;
            }
            _ => mistakes::print(&self.path, found, self.output, terminal)?,
        }
        Ok(Outcome::Failed)
    }

    fn is_wanted(&self, case: &Case) -> bool {
        let Some(filter) = &self.filter else { return true };
        let filter = filter.to_lowercase();
        [case.name.as_str(), &case.place.file]
            .iter()
            .any(|text| text.to_lowercase().contains(&filter))
    }
}

const EXAMPLE: &str =
    "`- {name: one in, one out, input: [{source: in, value: {id: 1}}], output: {out: [{value: {id: 1}}]}}`";

fn report<'r>(topology: &Arc<Topology>, cases: Vec<&'r Case>, all: bool) -> Report<'r> {
    let started = Instant::now();
    let mut coverage = Coverage::default();
    let mut ran = Vec::with_capacity(cases.len());
    for case in cases {
        let outcome = run_case(topology, case);
        coverage.add(case, &outcome);
        ran.push((case, outcome));
    }
    let unreached = all.then(|| coverage.unreached(topology));
    Report {
        cases: ran,
        unreached,
        took: started.elapsed(),
    }
}

fn print(report: &Report<'_>, prefix: &str, terminal: &mut Terminal<'_>) -> io::Result<()> {
    let paint = Paint { on: terminal.colours };
    let out = &mut *terminal.out;
    let mut failed = 0;
    for (case, outcome) in report.cases.iter().filter(|(_, outcome)| !outcome.problems.is_empty()) {
        failed += 1;
        writeln!(out, "{} {}", paint.red("FAIL"), paint.bold(&case.name))?;
        writeln!(out, "     {prefix}{}", case.place)?;
        for Problem {
            place,
            at,
            expected,
            found,
        } in &outcome.problems
        {
            let line = if place == &case.place {
                String::new()
            } else {
                format!("  line {}", place.line)
            };
            writeln!(out, "  {}{}", at.trim(), paint.dim(&line))?;
            writeln!(out, "    expected {}", paint.green(expected))?;
            writeln!(out, "    found    {}", paint.red(found))?;
        }
        let told = outcome
            .problems
            .iter()
            .any(|problem| problem.at.starts_with("dead letters"));
        for letter in outcome.dead_letters.iter().filter(|_| !told) {
            writeln!(out, "  {}", paint.dim(&format!("dead letter: {letter}")))?;
        }
        writeln!(out)?;
    }
    if let Some(unreached) = &report.unreached {
        tell_unreached(unreached, out)?;
    }
    let passed = report.cases.len() - failed;
    let failed = match failed {
        0 => String::new(),
        failed => format!(", {}", paint.red(&format!("{failed} failed"))),
    };
    let cases = counted(report.cases.len(), "case", "cases");
    let passed = paint.green(&format!("{passed} passed"));
    writeln!(out, "{cases}: {passed}{failed} in {:.2} s", report.took.as_secs_f64())
}

/// What no case reaches; or that there is nothing.
fn tell_unreached(unreached: &Unreached, out: &mut dyn io::Write) -> io::Result<()> {
    if unreached.is_empty() {
        return writeln!(out, "every source, switch case and sink is reached");
    }
    writeln!(out, "no case reaches")?;
    for source in &unreached.sources {
        writeln!(out, "  source {source}")?;
    }
    for (processor, branch) in &unreached.branches {
        writeln!(out, "  {processor}: {branch}")?;
    }
    for sink in &unreached.sinks {
        writeln!(out, "  sink {sink}")?;
    }
    writeln!(out)
}

fn as_json(report: &Report<'_>) -> Value {
    let problem = |problem: &Problem| {
        json!({
            "line": problem.place.line,
            "at": problem.at.trim(),
            "expected": problem.expected,
            "found": problem.found,
        })
    };
    let failed = report
        .cases
        .iter()
        .filter(|(_, outcome)| !outcome.problems.is_empty())
        .count();
    let cases: Vec<Value> = report
        .cases
        .iter()
        .map(|(case, outcome)| {
            json!({
                "name": case.name,
                "file": &*case.place.file,
                "line": case.place.line,
                "passed": outcome.problems.is_empty(),
                "problems": outcome.problems.iter().map(problem).collect::<Vec<_>>(),
                "microseconds": u64::try_from(outcome.took.as_micros()).unwrap_or(u64::MAX),
            })
        })
        .collect();
    let unreached = report.unreached.as_ref().map(|unreached| {
        let branch = |(processor, branch): &(String, String)| json!({"processor": processor, "branch": branch});
        json!({
            "sources": unreached.sources,
            "branches": unreached.branches.iter().map(branch).collect::<Vec<_>>(),
            "sinks": unreached.sinks,
        })
    });
    json!({
        "ok": failed == 0,
        "passed": report.cases.len() - failed,
        "failed": failed,
        "cases": cases,
        "unreached": unreached,
    })
}

/// Colours, where somebody sees them.
struct Paint {
    on: bool,
}

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.on && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
    fn red(&self, text: &str) -> String {
        self.with("31", text)
    }
    fn green(&self, text: &str) -> String {
        self.with("32", text)
    }
    fn bold(&self, text: &str) -> String {
        self.with("1", text)
    }
    fn dim(&self, text: &str) -> String {
        self.with("2", text)
    }
}

#[cfg(test)]
mod tests;
