//! A source file as the rules see it: code without comments and strings, the string literals, and which lines are tests.

use std::path::PathBuf;

pub struct Source {
    pub path: PathBuf,
    pub text: String,
    /// String literals with the line they begin in, from 1.
    pub literals: Vec<(usize, String)>,
    /// Line by line, with comments, strings and characters blanked out.
    code: Vec<String>,
    tests: Vec<bool>,
}

impl Source {
    pub fn read(path: PathBuf, text: String) -> Self {
        let (blanked, literals) = blank(&text);
        let code: Vec<String> = blanked.lines().map(str::to_owned).collect();
        let all = path
            .components()
            .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs");
        let tests = if all { vec![true; code.len()] } else { test_lines(&code) };
        Self {
            path,
            text,
            literals,
            code,
            tests,
        }
    }

    pub fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path.display())
    }

    pub fn is_test(&self, line: usize) -> bool {
        self.tests.get(line.saturating_sub(1)).copied().unwrap_or(false)
    }

    pub fn is_all_tests(&mut self) {
        self.tests.fill(true);
    }

    /// The paths (without `.rs`) of the modules that this file includes in tests only.
    pub fn test_modules(&self) -> Vec<PathBuf> {
        let stem = self.path.file_stem().unwrap_or_default();
        let folder = if ["mod", "lib", "main"].iter().any(|name| stem == *name) {
            self.path.parent().map(PathBuf::from).unwrap_or_default()
        } else {
            self.path.with_extension("")
        };
        let lines = self.code_lines(true).filter(|(line, _)| self.is_test(*line));
        let names = lines.filter_map(|(_, code)| {
            code.trim()
                .strip_suffix(';')?
                .rsplit_once("mod ")
                .map(|(_, name)| name.trim().to_owned())
        });
        names.map(|name| folder.join(name)).collect()
    }

    /// Number and code of every line; with or without those of tests.
    pub fn code_lines(&self, tests_too: bool) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .code
            .iter()
            .enumerate()
            .map(|(index, code)| (index + 1, code.as_str()));
        lines.filter(move |(line, _)| tests_too || !self.is_test(*line))
    }

    /// The module of the crate's root that this file belongs to. None for the root itself.
    pub fn module(&self) -> Option<String> {
        let first = self.path.components().nth(1)?.as_os_str().to_str()?;
        let module = first.strip_suffix(".rs").unwrap_or(first);
        (!["lib", "main"].contains(&module)).then(|| module.to_owned())
    }

    /// The root's modules that code outside tests names by `crate::`, with their lines.
    pub fn modules_used(&self) -> Vec<(usize, String)> {
        let mut text = String::new();
        let mut starts = Vec::new();
        for (line, code) in self.code_lines(false) {
            starts.push((text.len(), line));
            text.push_str(code);
            text.push('\n');
        }
        let line_of = |at: usize| {
            starts
                .iter()
                .take_while(|(start, _)| *start <= at)
                .last()
                .map_or(1, |(_, line)| *line)
        };
        let mut used = Vec::new();
        for (at, found) in text.match_indices("crate::") {
            let rest = &text[at + found.len()..];
            match rest.trim_start().strip_prefix('{') {
                None => used.push((line_of(at), name(rest))),
                Some(group) => used.extend(first_names(group).into_iter().map(|name| (line_of(at), name))),
            }
        }
        // What begins with a capital is an item of the root, not a module.
        used.retain(|(_, name)| name.starts_with(|c: char| c.is_ascii_lowercase()));
        used
    }
}

fn name(text: &str) -> String {
    text.trim_start()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// `a::{b, c}, d}` has the first names a and d.
fn first_names(group: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut begins = true;
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            c if begins && !c.is_whitespace() => {
                names.push(name(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

/// Which lines belong to an item under `#[cfg(test)]` (or `#[test]`).
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut tests = vec![false; code.len()];
    let mut line = 0;
    while line < code.len() {
        let trimmed = code[line].trim_start();
        if !(trimmed.starts_with("#[cfg(test)]")
            || trimmed.starts_with("#[cfg(any(test")
            || trimmed.starts_with("#[test]"))
        {
            line += 1;
            continue;
        }
        // The item ends with its outermost brace, or with a semicolon before any.
        let mut depth = 0;
        let mut opened = false;
        'item: while line < code.len() {
            tests[line] = true;
            for c in code[line].chars() {
                match c {
                    '{' => {
                        depth += 1;
                        opened = true;
                    }
                    '}' => depth -= 1,
                    ';' if depth == 0 => break 'item,
                    _ => {}
                }
                if opened && depth == 0 {
                    break 'item;
                }
            }
            line += 1;
        }
        line += 1;
    }
    tests
}

/// The text with comments, strings and characters replaced by spaces (lines kept), and the strings.
fn blank(text: &str) -> (String, Vec<(usize, String)>) {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut literals = Vec::new();
    let (mut at, mut line) = (0, 1);
    let peek = |at: usize| chars.get(at).copied().unwrap_or('\0');
    // Copies characters as blanks.
    let skip = |out: &mut String, line: &mut usize, from: usize, to: usize| {
        for c in chars.iter().take(to.min(chars.len())).skip(from) {
            out.push(if *c == '\n' { '\n' } else { ' ' });
            *line += usize::from(*c == '\n');
        }
    };
    while at < chars.len() {
        let c = peek(at);
        let named_before = at > 0 && (peek(at - 1).is_alphanumeric() || peek(at - 1) == '_');
        let end = match c {
            '/' if peek(at + 1) == '/' => (at..chars.len()).find(|i| peek(*i) == '\n').unwrap_or(chars.len()),
            '/' if peek(at + 1) == '*' => comment_end(&chars, at),
            '"' => string_end(&chars, at),
            'r' if !named_before && raw_hashes(&chars, at + 1).is_some() => raw_end(&chars, at + 1),
            'b' if !named_before && peek(at + 1) == 'r' && raw_hashes(&chars, at + 2).is_some() => {
                raw_end(&chars, at + 2)
            }
            // a character, not a lifetime
            '\'' if peek(at + 1) == '\\' => (at + 3..chars.len())
                .find(|i| peek(*i) == '\'')
                .map_or(chars.len(), |i| i + 1),
            '\'' if peek(at + 2) == '\'' => at + 3,
            _ => at,
        };
        if end == at {
            out.push(c);
            line += usize::from(c == '\n');
            at += 1;
            continue;
        }
        if c != '/' && c != '\'' {
            let literal: String = chars[at..end.min(chars.len())].iter().collect();
            literals.push((
                line,
                literal
                    .trim_start_matches(['b', 'r', '#'])
                    .trim_end_matches('#')
                    .trim_matches('"')
                    .to_owned(),
            ));
        }
        skip(&mut out, &mut line, at, end);
        at = end;
    }
    (out, literals)
}

fn comment_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at + 1 < chars.len() {
        match (chars[at], chars[at + 1]) {
            ('/', '*') => (depth, at) = (depth + 1, at + 2),
            ('*', '/') => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], start: usize) -> usize {
    let mut at = start + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// How many `#` come before the quote of a raw string, if there is one.
fn raw_hashes(chars: &[char], start: usize) -> Option<usize> {
    let hashes = chars.iter().skip(start).take_while(|c| **c == '#').count();
    (chars.get(start + hashes) == Some(&'"')).then_some(hashes)
}

fn raw_end(chars: &[char], start: usize) -> usize {
    let hashes = raw_hashes(chars, start).unwrap_or(0);
    let mut at = start + hashes + 1;
    while at < chars.len() {
        if chars[at] == '"' && chars.iter().skip(at + 1).take(hashes).filter(|c| **c == '#').count() == hashes {
            return at + 1 + hashes;
        }
        at += 1;
    }
    chars.len()
}

#[test]
fn comments_and_strings_are_no_code_and_lines_stay() {
    let text = "let a = \"panic! \\\" x\"; // todo!\n/* crate::cli\n */ let b = r#\"a \" b\"#; let c = '\"'; let d: &'static str = b'x';\n";
    let (code, literals) = blank(text);
    assert!(
        !code.contains("panic") && !code.contains("todo") && !code.contains("cli"),
        "{code}"
    );
    assert_eq!(code.lines().count(), 3);
    assert_eq!(literals, [(1, "panic! \\\" x".to_owned()), (3, "a \" b".to_owned())]);
}

#[test]
fn what_stands_under_cfg_test_is_a_test() {
    let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c(); }\n}\nfn d() {}\n#[cfg(test)]\nmod other;\nfn e() {}\n";
    let source = Source::read("src/x/y.rs".into(), text.to_owned());
    let outside: Vec<usize> = source.code_lines(false).map(|(line, _)| line).collect();
    assert_eq!(outside, [1, 6, 9]);
    assert_eq!(source.test_modules(), [PathBuf::from("src/x/y/other")]);
}

#[test]
fn used_modules_are_found_in_groups_too() {
    let text = "use crate::{broker::{A, B}, record::C};\nfn f(x: crate::value::Value) {}\nuse crate::Error;\n";
    let source = Source::read("src/engine/x.rs".into(), text.to_owned());
    let used: Vec<String> = source
        .modules_used()
        .into_iter()
        .map(|(line, name)| format!("{line} {name}"))
        .collect();
    assert_eq!(used, ["1 broker", "1 record", "2 value"]);
    assert_eq!(source.module().as_deref(), Some("engine"));
}
