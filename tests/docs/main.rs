//! The pages in `docs/` and the code, held together: every key, processor type, function, kind and command has its place in
//! a page, nothing stands there that is not in the code, and every example is checked and its cases are run.
//!
//! Nothing here lists what there is: keys are asked of the readers themselves ([`keys`]), types of their registry, commands
//! of clap. `MILLSTREAM_BLESS=1 cargo test --test docs` writes the pages of the commands.

mod commands;
mod examples;
mod keys;
mod metrics;
mod page;

use page::{Page, pages, root};
use std::collections::BTreeSet;
use std::fmt::Write as _;

#[test]
fn every_example_passes_check_and_its_cases() {
    report(pages().iter().flat_map(examples::findings).collect());
}

#[test]
fn pages_and_readers_know_the_same_keys() {
    report(keys::findings(&pages()));
}

#[test]
fn every_type_of_processor_and_feed_has_a_page_with_an_example() {
    let processors: Vec<&str> = millstream::processor::registry()
        .iter()
        .map(|(name, _)| *name)
        .collect();
    let feeds: Vec<&str> = millstream::topology::feed_types().collect();
    let pages = pages();
    let mut findings = Vec::new();
    for (folder, types) in [("docs/processors", processors), ("docs/feeds", feeds)] {
        for name in &types {
            let path = format!("{folder}/{name}.md");
            let has_it = |page: &Page| {
                let mut blocks = page.blocks.iter();
                blocks.any(|block| block.text.contains(&format!("type: {name}")))
            };
            match pages.iter().find(|page| page.path == path) {
                None => findings.push(format!(
                    "{path}: missing: write what `{name}` is for, its keys and an example"
                )),
                Some(page) if !has_it(page) => findings.push(format!("{path}: no example has `type: {name}` in it")),
                Some(_) => {}
            }
        }
        let of_types = pages.iter().filter(|page| page.path.starts_with(&format!("{folder}/")));
        for page in of_types.filter(|page| page.stem() != "README") {
            if !types.contains(&page.stem()) {
                findings.push(format!("{}: there is no such type", page.path));
            }
        }
    }
    report(findings);
}

#[test]
fn every_function_is_documented() {
    let known: BTreeSet<String> = millstream::expression::functions().map(str::to_owned).collect();
    let call = regex::Regex::new(r"\b([a-z][a-z0-9_]*)\(").expect("a pattern");
    let names = |cell: &str| call.captures_iter(cell).map(|found| found[1].to_owned()).collect();
    report(page::compare_first_column(&pages(), "function", names, &known));
}

#[test]
fn every_kind_of_failure_and_count_is_documented() {
    let mut findings = Vec::new();
    let constant = regex::Regex::new("&str = \"([a-z_]+)\";").expect("a pattern");
    for (heading, file) in [("kind", "src/processor/kind.rs"), ("counted", "src/processor/count.rs")] {
        let source = std::fs::read_to_string(root().join(file)).expect(file);
        let known: BTreeSet<String> = constant
            .captures_iter(&source)
            .map(|found| found[1].to_owned())
            .collect();
        let documented = page::first_column(&pages(), heading, page::in_backticks);
        for (_, word) in &documented {
            if !known.contains(word) && !is_literal(word) {
                findings.push(format!("the table `{heading}` has `{word}`, which is nowhere in src"));
            }
        }
        for word in known
            .iter()
            .filter(|word| documented.iter().all(|(_, other)| other != *word))
        {
            findings.push(format!("no table headed `{heading}` has `{word}` of {file}"));
        }
    }
    report(findings);
}

/// Whether a word stands in the engine as a text.
fn is_literal(word: &str) -> bool {
    let literal = format!("\"{word}\"");
    let files = |folder: &str| std::fs::read_dir(root().join(folder)).expect("a folder of src");
    files("src/engine")
        .chain(files("src/feed/webhook"))
        .filter_map(|entry| std::fs::read_to_string(entry.ok()?.path()).ok())
        .any(|source| source.contains(&literal))
}

#[test]
fn every_commands_page_is_what_clap_knows() {
    report(commands::findings(&pages()));
}

#[test]
fn every_metric_is_on_its_page_and_no_page_names_another() {
    report(metrics::findings(&pages()));
}

#[test]
fn links_lead_somewhere_and_every_page_is_linked() {
    let pages = pages();
    let mut findings = Vec::new();
    let mut linked = BTreeSet::new();
    for page in &pages {
        for (line, target) in page.links() {
            let path = page.beside(target);
            if !path.exists() {
                findings.push(format!("{}:{line}: the link to `{target}` leads nowhere", page.path));
            }
            linked.insert(path);
        }
    }
    for page in pages.iter().filter(|page| page.path.starts_with("docs/")) {
        if !linked.contains(&root().join(&page.path)) {
            findings.push(format!("{}: no page links here", page.path));
        }
    }
    report(findings);
}

fn report(findings: Vec<String>) {
    let mut list = String::new();
    for finding in &findings {
        let _ = writeln!(list, "  {finding}");
    }
    assert!(findings.is_empty(), "{} findings:\n{list}", findings.len());
}

#[test]
fn a_page_is_read_into_blocks_and_tables() {
    let page = Page::read(
        "docs/x.md",
        "In `topology.yaml`:\n\n```yaml\na: 1\n```\n\n| key of a thing | |\n| --- | --- |\n| `one` | [x](y.md) |\n| `two` | |\n",
    );
    assert_eq!(
        (page.blocks[0].file.as_deref(), page.blocks[0].text.as_str()),
        (Some("topology.yaml"), "a: 1\n")
    );
    assert_eq!(page.tables[0].heading, "key of a thing");
    assert_eq!(page.tables[0].rows[1].cells[0], "`two`");
    assert_eq!(page.links(), [(9, "y.md")]);
}
