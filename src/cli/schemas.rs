//! `millstream schemas`: what a topology needs of its schema registry, and having it.

use super::{Outcome, Output, Terminal, counted, mistakes};
use crate::ops::schemas::{self, Planned, Verdict, Wanted};
use crate::registry::{HttpRegistry, Level, Subjects};
use crate::topology::{self, Topology};
use serde_json::json;
use std::error::Error;
use std::io;
use std::path::PathBuf;

/// Compare the schemas of a topology with its registry, and register them
///
/// Of each schema that records are framed with the id of: those of sinks with `codec: avro` or `codec: json_schema`.
#[derive(clap::Args)]
pub(crate) struct SchemasCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Plan(Plan),
    Apply(Apply),
}

/// Say what would be registered, and what that would break
///
/// Changes nothing. Exit code 1 where a schema is not compatible with the newest version of its subject.
#[derive(clap::Args)]
struct Plan {
    #[command(flatten)]
    what: What,
}

/// Register what is not registered yet, unless one of them would break something
///
/// All are tested first, and nothing is registered where one of them is not compatible. One that failed half-way is finished by running
/// it again.
#[derive(clap::Args)]
struct Apply {
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
struct What {
    /// The topology's folder, or the file in it
    #[arg(value_name = "DIR", env = "MILLSTREAM_TOPOLOGY")]
    topology: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t)]
    output: Output,
}

/// A schema, and the id that it was registered with.
type Line<'p> = (&'p Planned, Option<u32>);

impl SchemasCommand {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
        let (what, is_apply) = match &self.command {
            Command::Plan(plan) => (&plan.what, false),
            Command::Apply(apply) => (&apply.what, true),
        };
        let topology = match topology::load(&what.topology, terminal.environment) {
            Ok(topology) => topology,
            Err(found) => {
                return mistakes::print(&what.topology, &found, what.output, terminal).map(|()| Outcome::Failed);
            }
        };
        let (wanted, registry) = match needed(&topology) {
            Ok(needed) => needed,
            Err(error) => return failed(&error.to_string(), terminal),
        };
        if let (true, Output::Text) = (wanted.is_empty(), what.output) {
            let note =
                "note: this topology registers nothing, as no sink writes with `codec: avro` or `codec: json_schema`";
            writeln!(terminal.err, "{note}")?;
        }
        what.with(wanted, registry.as_deref(), is_apply, terminal)
    }
}

/// The schemas, and the registry that they need, if there are any.
type Needed = (Vec<Wanted>, Option<Box<dyn Subjects>>);

fn needed(topology: &Topology) -> Result<Needed, Box<dyn Error>> {
    let wanted = schemas::wanted(topology)?;
    if wanted.is_empty() {
        return Ok((wanted, None));
    }
    let settings = topology.schema_registry.as_ref();
    let settings = settings.ok_or("the topology names no registry: add `schema_registry: {url: …}`")?;
    Ok((wanted, Some(Box::new(HttpRegistry::new(settings)?))))
}

impl What {
    fn with(
        &self,
        wanted: Vec<Wanted>,
        registry: Option<&dyn Subjects>,
        is_apply: bool,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Outcome> {
        let planned = match registry.map_or(Ok(Vec::new()), |registry| schemas::plan(wanted, registry)) {
            Ok(planned) => planned,
            Err(error) => return failed(&error.to_string(), terminal),
        };
        let forbidden = planned.iter().filter(|planned| planned.verdict.forbids()).count();
        let (mut ids, mut error) = (Vec::new(), None);
        if let (true, Some(registry)) = (is_apply, registry) {
            let mut done = |wanted: &Wanted, id: u32| ids.push((wanted.clone(), id));
            error = schemas::apply(&planned, registry, &mut done).err();
        }
        let id = |planned: &Planned| {
            ids.iter()
                .find(|(wanted, _)| *wanted == planned.wanted)
                .map(|(_, id)| *id)
        };
        let lines: Vec<Line<'_>> = planned.iter().map(|planned| (planned, id(planned))).collect();
        match self.output {
            Output::Text => lines.iter().try_for_each(|line| print(line, terminal))?,
            Output::Json => {
                let list: Vec<_> = lines.iter().map(as_json).collect();
                let ok = forbidden == 0 && error.is_none();
                writeln!(terminal.out, "{}", json!({"ok": ok, "schemas": list}))?;
            }
        }
        if let Some(error) = error {
            return failed(
                &format!("{error}; what is registered stays, and running it again goes on"),
                terminal,
            );
        }
        if forbidden > 0 {
            let schemas = counted(forbidden, "schema", "schemas");
            let consequence = if is_apply {
                "nothing was registered"
            } else {
                "nothing would be registered"
            };
            return failed(&format!("{schemas} can't be registered, so {consequence}"), terminal);
        }
        Ok(Outcome::Fine)
    }
}

fn failed(why: &str, terminal: &mut Terminal<'_>) -> io::Result<Outcome> {
    writeln!(terminal.err, "error: {why}")?;
    Ok(Outcome::Failed)
}

fn print((Planned { wanted, verdict }, registered): &Line<'_>, terminal: &mut Terminal<'_>) -> io::Result<()> {
    let sinks: Vec<&str> = wanted.sinks.iter().map(String::as_str).collect();
    let (subject, sinks) = (&wanted.subject, sinks.join(", "));
    let untested = |level: &Level| {
        if *level == Level::None {
            ", which tests nothing"
        } else {
            ""
        }
    };
    let is = match verdict {
        Verdict::Same { version, id } => format!("the same: version {version}, id {id}"),
        Verdict::New => "new".to_owned(),
        Verdict::Compatible { version, level } => {
            let untested = untested(level);
            format!(
                "changed, and compatible with version {version} ({}{untested})",
                level.name()
            )
        }
        Verdict::Breaks { version, level, .. } => {
            format!("changed, and NOT compatible with version {version} ({})", level.name())
        }
        Verdict::Refused(why) => format!("NOT taken: {why}"),
    };
    let id = registered.map_or_else(String::new, |id| format!("; registered with id {id}"));
    writeln!(terminal.out, "{subject} ({sinks}): {is}{id}")?;
    if let Verdict::Breaks { words, .. } = verdict {
        for word in words {
            writeln!(terminal.out, "  {word}")?;
        }
    }
    Ok(())
}

fn as_json((Planned { wanted, verdict }, registered): &Line<'_>) -> serde_json::Value {
    let (is, version, level, id, breaks) = match verdict {
        Verdict::Same { version, id } => ("same", Some(*version), None, Some(*id), &[][..]),
        Verdict::New => ("new", None, None, None, &[][..]),
        Verdict::Compatible { version, level } => ("compatible", Some(*version), Some(*level), None, &[][..]),
        Verdict::Breaks { version, level, words } => {
            ("incompatible", Some(*version), Some(*level), None, words.as_slice())
        }
        Verdict::Refused(why) => ("refused", None, None, None, std::slice::from_ref(why)),
    };
    json!({
        "subject": wanted.subject,
        "sinks": wanted.sinks,
        "is": is,
        "version": version,
        "level": level.map(Level::name),
        "id": registered.or(id),
        "registered": registered.is_some(),
        "breaks": breaks,
    })
}

#[cfg(test)]
mod tests;
