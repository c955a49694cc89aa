//! The house rules that a compiler doesn't know, as tests: which module may use which, where rdkafka lives, how long a file
//! may be, what may not be written outside tests. Every finding names file and line.

mod dependencies;
mod source;

use source::Source;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The modules, from the top down: a module uses those below it.
const LAYERS: &[&[&str]] = &[
    &["cli"],
    &["asyncapi"],
    &["testkit"],
    &["engine", "ops", "feed"],
    &["topology"],
    &["processor", "dead_letter"],
    &["mapping", "state", "broker", "codec"],
    &["expression"],
    &["record", "registry"],
    &["schema"],
    &["value", "yaml", "uri", "allocator", "sabotage"],
];
/// May be used from anywhere and uses nobody.
const FREE: &str = "observe";

const AIM: usize = 300;
const STOP: usize = 500;

/// Not outside tests: what comes from outside must never end the process.
const ENDS_THE_PROCESS: &[&str] = &[
    ".unwrap()",
    ".unwrap_err()",
    ".expect(",
    ".expect_err(",
    "panic!",
    "todo!",
    "unimplemented!",
    "unreachable!",
    "dbg!",
];
/// Paths of somebody's machine.
const MACHINES: &[&str] = &["/work/", "/root/", "/home/", "/Users/"];

#[test]
fn arrows_between_modules_point_down() {
    check(|source, findings| {
        let Some(module) = source.module() else { return };
        for (line, used) in source.modules_used() {
            let at = source.at(line);
            match (layer(&module), layer(&used)) {
                (None, _) => findings.push(format!(
                    "{at}: module `{module}` has no place in tests/tidy/main.rs: add it to LAYERS"
                )),
                (_, None) => findings.push(format!(
                    "{at}: module `{used}` has no place in tests/tidy/main.rs: add it to LAYERS"
                )),
                (Some(_), Some(FREE_LAYER)) => {}
                (Some(FREE_LAYER), Some(_)) => findings.push(format!(
                    "{at}: `{FREE}` is used from everywhere, so it uses nobody, but here `{used}`"
                )),
                (Some(own), Some(other)) if other <= own && used != module => {
                    let relation = if other == own { "beside" } else { "above" };
                    findings.push(format!("{at}: `{module}` uses `{used}`, which is {relation} it"));
                }
                _ => {}
            }
        }
    });
}

const FREE_LAYER: usize = usize::MAX;

fn layer(module: &str) -> Option<usize> {
    if module == FREE {
        return Some(FREE_LAYER);
    }
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn rdkafka_lives_in_the_kafka_broker_only() {
    check(|source, findings| {
        if source.path.starts_with("src/broker/kafka") {
            return;
        }
        for (line, _) in source.code_lines(true).filter(|(_, code)| has_word(code, "rdkafka")) {
            findings.push(format!(
                "{}: rdkafka is used in src/broker/kafka only: go through the `Broker` trait",
                source.at(line)
            ));
        }
    });
}

#[test]
fn files_are_short() {
    check(|source, findings| {
        let lines = source.text.lines().count();
        if lines > STOP {
            findings.push(format!(
                "{}: {lines} lines; {STOP} are the limit and {AIM} the aim: divide it",
                source.at(STOP + 1)
            ));
        }
    });
}

#[test]
fn nothing_outside_tests_ends_the_process() {
    check(|source, findings| {
        for (line, code) in source.code_lines(false) {
            for &word in ENDS_THE_PROCESS {
                let found = if word.starts_with('.') {
                    code.contains(word)
                } else {
                    has_word(code, word)
                };
                // a parser's own method of this name returns what it met
                if found && !(word == ".expect(" && code.contains("self.expect(")) {
                    findings.push(format!(
                        "{}: `{word}` outside tests: return an error that says what to do",
                        source.at(line)
                    ));
                }
            }
        }
    });
}

#[test]
fn metrics_are_named_in_observe_only() {
    check(|source, findings| {
        if source.module().as_deref() == Some(FREE) {
            return;
        }
        for (line, literal) in &source.literals {
            if literal.starts_with("millstream_") && !source.is_test(*line) {
                findings.push(format!(
                    "{}: the metric name \"{literal}\" belongs into `{FREE}`",
                    source.at(*line)
                ));
            }
        }
        for (line, code) in source.code_lines(false) {
            if ["counter!", "gauge!", "histogram!"]
                .iter()
                .any(|name| has_word(code, name))
            {
                findings.push(format!(
                    "{}: metrics are touched through functions of `{FREE}`",
                    source.at(line)
                ));
            }
        }
    });
}

#[test]
fn every_file_says_what_it_is_for() {
    check(|source, findings| {
        if !source.text.starts_with("//!") && !source.is_test(1) {
            findings.push(format!(
                "{}: begin with a `//!` line that says what this is for and what it keeps",
                source.at(1)
            ));
        }
    });
}

#[test]
fn every_module_has_a_line_in_the_crates_root() {
    let path = root().join("src/lib.rs");
    let text = std::fs::read_to_string(&path).expect("src/lib.rs");
    let mut findings = Vec::new();
    let mut before = "";
    for (index, line) in text.lines().enumerate() {
        if let Some(module) = line
            .trim()
            .strip_prefix("pub mod ")
            .or_else(|| line.trim().strip_prefix("mod "))
        {
            let module = module.trim_end_matches(';');
            let in_header = text
                .lines()
                .any(|line| line.starts_with("//!") && line.contains(&format!("`{module}`")));
            if !before.trim().starts_with("///") && !in_header {
                findings.push(format!(
                    "src/lib.rs:{}: say in one line what `{module}` is for and what it keeps",
                    index + 1
                ));
            }
        }
        before = line;
    }
    report(&findings);
}

#[test]
fn no_mark_of_a_merge_is_left() {
    let mut findings = Vec::new();
    for path in files(&root(), &|_| true) {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            if ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
                findings.push(format!("{}:{}: a mark of a merge", path.display(), index + 1));
            }
        }
    }
    report(&findings);
}

#[test]
fn nothing_names_a_machine() {
    let mut findings = Vec::new();
    for path in files(&root(), &|_| true) {
        let relative = path.strip_prefix(root()).expect("a path below the root").to_path_buf();
        if relative.starts_with("tests/tidy") {
            continue;
        }
        // What is no text has no lines to look at.
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            for word in MACHINES.iter().filter(|word| names_a_folder(line, word)) {
                findings.push(format!(
                    "{}:{}: `{word}` is a folder of somebody's machine",
                    relative.display(),
                    index + 1
                ));
            }
        }
    }
    report(&findings);
}

/// Whether `folder` begins a path in the line: `/work/` does not in `https://host/work/`.
fn names_a_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|before| before.is_alphanumeric() || ".-_}*".contains(before))
    })
}

// ---- the walk

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Runs a rule over every source file below `src`.
fn check(rule: impl Fn(&Source, &mut Vec<String>)) {
    let mut sources = Vec::new();
    for path in files(&root().join("src"), &|path| {
        path.extension().is_some_and(|extension| extension == "rs")
    }) {
        let text = std::fs::read_to_string(&path).expect("a source file");
        let relative = path.strip_prefix(root()).expect("a path below the root").to_path_buf();
        sources.push(Source::read(relative, text));
    }
    // A file is a test too if the file above it includes it under `#[cfg(test)]`.
    let test_modules: Vec<PathBuf> = sources.iter().flat_map(Source::test_modules).collect();
    let mut findings = Vec::new();
    for source in &mut sources {
        if test_modules
            .iter()
            .any(|module| source.path.starts_with(module) || source.path.with_extension("") == *module)
        {
            source.is_all_tests();
        }
        rule(source, &mut findings);
    }
    report(&findings);
}

fn report(findings: &[String]) {
    let mut list = String::new();
    for finding in findings {
        let _ = writeln!(list, "  {finding}");
    }
    assert!(findings.is_empty(), "{} findings:\n{list}", findings.len());
}

fn files(folder: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default();
        if name == "target" || name == ".git" {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, wanted));
        } else if wanted(&path) {
            found.push(path);
        }
    }
    found
}

/// Whether `word` is in `code` and not a part of a longer name.
fn has_word(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let after = code.get(at + word.len()..).and_then(|text| text.chars().next());
        let longer =
            before.is_some_and(part_of_name) || word.ends_with(part_of_name) && after.is_some_and(part_of_name);
        !longer
    })
}
