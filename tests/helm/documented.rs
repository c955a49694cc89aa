//! What the pages tell people to type: every set of values, and every line of an installation.

use crate::rendering::{NEWEST, documents, helm, template, tool};
use crate::{read, report, root};
use std::path::Path;
use std::process::Command;

const PAGES: [&str; 5] = [
    "README.md",
    "docs/kubernetes.md",
    "helm/millstream/README.md",
    "helm/examples/small.yaml",
    "helm/examples/production.yaml",
];

/// The blocks of a page in that language.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = text.split(&fence).skip(1);
    after
        .filter_map(|rest| Some(rest.split_once("```")?.0.to_owned()))
        .collect()
}

#[test]
fn all_values_in_the_pages_are_taken() {
    let mut findings = Vec::new();
    let mut blocks = blocks(&read("docs/kubernetes.md"), "yml");
    // The adapter's configuration is none: tests/kubernetes runs it.
    blocks.retain(|block| !block.starts_with("rules:"));
    assert!(blocks.len() > 7, "{} sets of values", blocks.len());
    for block in blocks {
        let values = match block.contains("brokers:") {
            true => block,
            false => format!("{block}\nkafka: {{brokers: 'a:1'}}\n"),
        };
        if let Err(said) = template(&values, NEWEST) {
            findings.push(format!("{values}\n{said}"));
        }
    }
    report(&findings);
}

#[test]
fn all_lines_of_an_installation_render() {
    let mut findings = Vec::new();
    let mut seen = 0;
    for page in PAGES {
        let text = read(page);
        let lines = text.lines().map(|line| line.trim_start_matches(['#', ' ']));
        for line in lines.filter(|line| line.starts_with("helm install ") || line.starts_with("helm upgrade ")) {
            let words = line.split_whitespace().skip(2);
            // what a loop above it gathers is tested below
            let words = words.filter(|word| !["--install", "\"${arguments[@]}\""].contains(word));
            let arguments: Vec<&str> = ["template", "--kube-version", NEWEST]
                .into_iter()
                .chain(words)
                .collect();
            seen += 1;
            if let Err(said) = helm(&arguments, "") {
                findings.push(format!("{page}: {line}: {said}"));
            }
        }
    }
    assert!(seen > 5, "{seen} lines");
    report(&findings);
}

fn count(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
}

/// The loop over a topology's files, as it stands in the page, in a shell.
#[test]
fn the_loop_over_a_topologys_files_gives_helm_each_of_them_whole() {
    let blocks = blocks(&read("docs/kubernetes.md"), "sh");
    let script = blocks
        .iter()
        .find(|block| block.contains("arguments=()"))
        .expect("a loop");
    let folder = tempfile::tempdir().expect("a folder");
    let topology = root().join("topology/customer-events");
    std::os::unix::fs::symlink(&topology, folder.path().join("orders")).expect("a link");
    std::os::unix::fs::symlink(root().join("helm"), folder.path().join("helm")).expect("a link");
    let helm = format!(
        "set -eu; helm() {{ shift 2; {} template --kube-version {NEWEST} \"$@\"; }}\n",
        tool("helm-2.2.2/helm").display()
    );
    let mut bash = Command::new("bash");
    let output = bash
        .arg("-c")
        .arg(helm + script)
        .current_dir(folder.path())
        .output()
        .expect("bash starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let objects = documents(&String::from_utf8(output.stdout).expect("UTF-8"), "the loop");
    let mut maps = objects.iter().filter(|object| object["kind"] == "ConfigMap");
    let map = maps
        .find(|map| map["metadata"]["name"] == "orders-millstream-topology")
        .expect("a topology");
    assert_eq!(map["data"].as_object().expect("data").len(), count(&topology));
    let nested = read("topology/customer-events/normalize/rabbitmq/created.yaml");
    assert_eq!(map["data"]["normalize__rabbitmq__created.yaml"], nested);
}
