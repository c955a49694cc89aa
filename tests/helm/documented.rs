//! What the pages tell people to type: every set of values, and every line of an installation.

use crate::rendering::{NEWEST, helm, template};
use crate::{read, report};

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
    let blocks = blocks(&read("docs/kubernetes.md"), "yml");
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
            // what a loop above it gathers is tested in `topology`
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
