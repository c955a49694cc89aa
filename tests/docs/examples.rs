//! The examples of pages: laid out as the files that they say they are, checked, and run.
//!
//! A block of YAML or JSON is a file of a topology's folder, named in backticks on the line of text before it. A
//! `topology.yaml` begins a new folder.

use crate::page::Page;
use millstream::testkit::{case, run_case};
use millstream::topology::{self, Topology};
use millstream::yaml::{self, Mistake};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// A file of an example: its name in the topology's folder, and its text.
#[derive(Clone)]
pub struct File {
    pub line: usize,
    pub name: String,
    pub text: String,
}

/// The files of one folder.
pub type Example = Vec<File>;

/// The examples of a page, or what is wrong with how they are written down.
pub fn examples(page: &Page) -> (Vec<Example>, Vec<String>) {
    let mut examples: Vec<Example> = Vec::new();
    let mut findings = Vec::new();
    for block in page
        .blocks
        .iter()
        .filter(|block| ["yaml", "json", "jsonl"].contains(&block.language.as_str()))
    {
        let at = format!("{}:{}", page.path, block.line);
        let Some(name) = &block.file else {
            findings.push(format!(
                "{at}: name this block's file in backticks on the line before it, as in `topology.yaml`"
            ));
            continue;
        };
        let file = File {
            line: block.line,
            name: name.trim_start_matches("orders/").to_owned(),
            text: block.text.clone(),
        };
        if file.name == topology::FILE {
            examples.push(Vec::new());
        }
        match examples.last_mut() {
            Some(example) => example.push(file),
            None => findings.push(format!("{at}: `{name}` comes before any `topology.yaml`")),
        }
    }
    (examples, findings)
}

/// Everything that is wrong with a page's examples.
pub fn findings(page: &Page) -> Vec<String> {
    let (examples, mut findings) = examples(page);
    for example in &examples {
        let folder = lay_out(example);
        for file in example.iter().filter(|file| is_topology(file)) {
            let told = match inspect(&folder.path().join(&file.name)) {
                Err(mistakes) => shown(&mistakes, folder.path()),
                Ok(topology) if file.name == topology::FILE => run_cases(folder.path(), &Arc::new(topology)),
                Ok(_) => Vec::new(),
            };
            findings.extend(told.iter().map(|told| format!("{}:{}: {told}", page.path, file.line)));
        }
    }
    findings
}

/// Whether a file is a topology, or a variant of one.
pub fn is_topology(file: &File) -> bool {
    file.name == topology::FILE || file.text.starts_with("extends:") || file.text.contains("\nextends:")
}

pub fn lay_out(example: &[File]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for file in example {
        let path = folder.path().join(&file.name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, &file.text).expect("a file");
    }
    folder
}

pub fn inspect(path: &Path) -> Result<Topology, Vec<Mistake>> {
    topology::inspect(path, &|_| None).map(|(topology, _)| topology)
}

fn shown(mistakes: &[Mistake], folder: &Path) -> Vec<String> {
    let source = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    vec![format!(
        "an example has mistakes\n{}",
        yaml::render(mistakes, "", &source)
    )]
}

fn run_cases(folder: &Path, topology: &Arc<Topology>) -> Vec<String> {
    let cases = match case::read_folder(folder, topology) {
        Ok(cases) => cases,
        Err(mistakes) => return shown(&mistakes, folder),
    };
    let mut findings = Vec::new();
    for case in &cases {
        for problem in run_case(topology, case).problems {
            findings.push(format!(
                "the case `{}`: {}: expected {}, found {}",
                case.name, problem.at, problem.expected, problem.found
            ));
        }
    }
    findings
}
