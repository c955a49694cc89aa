//! What the program is given, in pods, hooks and tests: arguments and variables that it takes, with values that it takes.

use crate::pods::pods;
use crate::rendering::all;
use crate::report;
use clap::{Arg, ArgAction, Command};
use serde_json::Value;

/// Variables that are no option's.
const OTHERS: [&str; 2] = ["MILLSTREAM_HTTP_AUTH", "MILLSTREAM_LOG"];
/// Properties of librdkafka: any name.
const KAFKA: &str = "MILLSTREAM_KAFKA_";

/// A container's arguments as one line, what it has as variables among them.
fn line(container: &Value, findings: &mut Vec<String>) -> Vec<String> {
    let own = container["args"].as_array().expect("arguments");
    let mut line: Vec<String> = own.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect();
    let root = millstream::cli::command();
    let mut command: &Command = &root;
    for word in &line {
        match command.find_subcommand(word) {
            Some(deeper) => command = deeper,
            None => break,
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().expect("a name");
        if !name.starts_with("MILLSTREAM_") || name.starts_with(KAFKA) || OTHERS.contains(&name) {
            continue;
        }
        let is_it = |argument: &&Arg| argument.get_env().is_some_and(|env| env == name);
        let Some(argument) = command.get_arguments().find(is_it) else {
            // `check` has the topology as an argument, too
            if command.get_name() != "check" {
                findings.push(format!("`{}` takes no {name}", command.get_name()));
            }
            continue;
        };
        let long = argument.get_long().expect("a long name");
        let value = variable["value"].as_str().unwrap_or("from-elsewhere");
        match argument.get_action() {
            ArgAction::SetTrue => line.push(format!("--{long}")),
            _ => line.push(format!("--{long}={value}")),
        }
    }
    line
}

#[test]
fn the_program_takes_what_it_is_given() {
    let mut findings = Vec::new();
    let mut seen = 0;
    for rendering in all() {
        for pod in pods(rendering) {
            let containers = pod.containers().into_iter();
            for container in containers.filter(|container| container["args"].is_array()) {
                let line = line(container, &mut findings);
                let words = std::iter::once("millstream").chain(line.iter().map(String::as_str));
                if let Err(error) = millstream::cli::command().try_get_matches_from(words) {
                    findings.push(format!("{}: {error}", pod.at));
                }
                seen += 1;
            }
        }
    }
    assert!(seen > 300, "{seen} containers");
    findings.dedup();
    report(&findings);
}
