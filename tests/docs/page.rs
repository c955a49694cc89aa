//! Pages of Markdown: their blocks of code, tables and links.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub struct Page {
    /// Relative to the crate's root.
    pub path: String,
    pub text: String,
    pub blocks: Vec<Block>,
    pub tables: Vec<Table>,
}

/// A fenced block.
pub struct Block {
    pub line: usize,
    pub language: String,
    /// The file that it is: named in backticks on the last line of text before it.
    pub file: Option<String>,
    pub text: String,
}

pub struct Table {
    /// The first cell of its head.
    pub heading: String,
    pub rows: Vec<Row>,
}

pub struct Row {
    pub line: usize,
    pub cells: Vec<String>,
}

pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The README, CONTRIBUTING and everything in `docs`.
pub fn pages() -> Vec<Page> {
    let mut paths = vec![PathBuf::from("README.md"), PathBuf::from("CONTRIBUTING.md")];
    let mut folders = vec![PathBuf::from("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).into_iter().flatten() {
            let path = folder.join(entry.expect("an entry").file_name());
            if root().join(&path).is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    let read = |path: &PathBuf| {
        let text = std::fs::read_to_string(root().join(path)).expect("a page");
        Page::read(&path.to_string_lossy(), &text)
    };
    paths.iter().map(read).collect()
}

impl Page {
    pub fn read(path: &str, text: &str) -> Page {
        let mut page = Page {
            path: path.to_owned(),
            text: text.to_owned(),
            blocks: Vec::new(),
            tables: Vec::new(),
        };
        let mut before = "";
        let mut in_table = false;
        let mut lines = text.lines().enumerate();
        while let Some((index, line)) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let body: Vec<&str> = lines
                    .by_ref()
                    .map(|(_, line)| line)
                    .take_while(|line| line.trim_start() != "```")
                    .collect();
                page.blocks.push(Block {
                    line: index + 1,
                    language: language.to_owned(),
                    file: in_backticks(before).into_iter().rfind(|word| is_file(word)),
                    text: body.join("\n") + "\n",
                });
                continue;
            }
            if let Some(row) = line.strip_prefix('|') {
                let row = Row {
                    line: index + 1,
                    cells: cells(row),
                };
                match page.tables.last_mut().filter(|_| in_table) {
                    None => page.tables.push(Table {
                        heading: row.cells.first().cloned().unwrap_or_default(),
                        rows: Vec::new(),
                    }),
                    Some(_) if row.cells.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c))) => {}
                    Some(table) => table.rows.push(row),
                }
            }
            in_table = line.starts_with('|');
            if !line.trim().is_empty() {
                before = line;
            }
        }
        page
    }

    /// The file's name without folder and ending.
    pub fn stem(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or(&self.path);
        name.trim_end_matches(".md")
    }

    /// Links to other files, each with its line.
    pub fn links(&self) -> Vec<(usize, &str)> {
        let link = regex::Regex::new(r"\]\(([^)#\s]+)[^)]*\)").expect("a pattern");
        let of_line = |(index, line)| {
            let found = link.captures_iter(line).filter_map(|found| found.get(1));
            let targets: Vec<_> = found.map(|target| (index + 1, target.as_str())).collect();
            targets
        };
        let all = self.text.lines().enumerate().flat_map(of_line);
        all.filter(|(_, target)| !target.contains("://")).collect()
    }

    /// The path of a link's target.
    pub fn beside(&self, target: &str) -> PathBuf {
        let mut path = root().join(&self.path);
        path.pop();
        for part in Path::new(target).components() {
            match part {
                std::path::Component::ParentDir => {
                    path.pop();
                }
                std::path::Component::Normal(name) => path.push(name),
                _ => {}
            }
        }
        path
    }
}

fn is_file(word: &str) -> bool {
    [".yaml", ".json", ".jsonl", ".avsc"]
        .iter()
        .any(|ending| word.ends_with(ending))
}

/// The cells of a row without its first bar. A bar within backticks is text where it is escaped.
fn cells(row: &str) -> Vec<String> {
    let row = row.trim_end().trim_end_matches('|').replace("\\|", "\u{1}");
    row.split('|').map(|cell| cell.trim().replace('\u{1}', "|")).collect()
}

/// Every word between backticks.
pub fn in_backticks(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The words of the first columns of every table of that heading, each with where it stands.
pub fn first_column(pages: &[Page], heading: &str, words: impl Fn(&str) -> Vec<String>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for page in pages {
        for row in page
            .tables
            .iter()
            .filter(|table| table.heading == heading)
            .flat_map(|table| &table.rows)
        {
            let cell = row.cells.first().map_or("", String::as_str);
            all.extend(
                words(cell)
                    .into_iter()
                    .map(|word| (format!("{}:{}", page.path, row.line), word)),
            );
        }
    }
    all
}

/// Where the tables of a heading say something that is not known, or lack something, or say it twice.
pub fn compare_first_column(
    pages: &[Page],
    heading: &str,
    words: impl Fn(&str) -> Vec<String>,
    known: &BTreeSet<String>,
) -> Vec<String> {
    let documented = first_column(pages, heading, words);
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for (at, word) in &documented {
        if !known.contains(word) {
            findings.push(format!("{at}: there is no {heading} `{word}`"));
        }
        if !seen.insert(word.clone()) {
            findings.push(format!("{at}: the {heading} `{word}` is documented twice"));
        }
    }
    let missing = known.iter().filter(|word| !seen.contains(*word));
    findings.extend(missing.map(|word| format!("no table headed `{heading}` has `{word}`")));
    findings
}
