//! Helm as a child process, and what it rendered as objects.

use crate::matrix::{CASES, Case};
use crate::{programs, root};
use millstream::yaml::{Kind, Node, read_text};
use serde_json::Value;
use std::process::Command;
use std::sync::{Mutex, OnceLock};

/// The oldest and the newest Kubernetes that renderings are made for. The chart renders more for a newer one.
pub const OLDEST: &str = "1.28.0";
pub const NEWEST: &str = "1.34.0";

/// All that was rendered of one case.
pub struct Rendering {
    pub case: &'static str,
    pub kubernetes: &'static str,
    pub text: String,
    pub objects: Vec<Value>,
}

impl Rendering {
    /// For findings: which rendering, which object.
    pub fn at(&self, object: &Value) -> String {
        let word = |pointer| object.pointer(pointer).and_then(Value::as_str).unwrap_or("?");
        format!(
            "{} ({}): {} {}",
            self.case,
            self.kubernetes,
            word("/kind"),
            word("/metadata/name")
        )
    }

    pub fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Value> {
        let kind = kind.to_owned();
        self.objects
            .iter()
            .filter(move |object| object["kind"] == kind.as_str())
    }

    /// The object of that kind and name.
    pub fn object(&self, kind: &str, name: &str) -> &Value {
        let mut found = self.of_kind(kind).filter(|object| object["metadata"]["name"] == name);
        found
            .next()
            .unwrap_or_else(|| panic!("{}: no {kind} {name}", self.case))
    }
}

/// A program that `./test` fetches.
pub fn tool(path: &str) -> std::path::PathBuf {
    let path = root().join("target/test-tools").join(path);
    assert!(
        path.exists(),
        "{} is missing: run `./test --fetch` once",
        path.display()
    );
    path
}

/// Runs Helm with values on its standard input, where `-f -` says so.
pub fn helm(arguments: &[&str], values: &str) -> Result<String, String> {
    let mut command = Command::new(tool("helm-2.2.2/helm"));
    command.args(arguments).current_dir(root());
    let output = programs::output(&mut command, values).expect("helm runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

/// `helm template` with these values.
pub fn template(values: &str, kubernetes: &str) -> Result<String, String> {
    let arguments = ["template", "try", "helm/millstream", "--namespace", "events"];
    helm(
        &[&arguments[..], &["--kube-version", kubernetes, "-f", "-"]].concat(),
        values,
    )
}

/// One rendering, whatever the matrix has.
pub fn render(case: &'static str, values: &str, kubernetes: &'static str) -> Rendering {
    let text = template(values, kubernetes).unwrap_or_else(|said| panic!("{case} ({kubernetes}): {said}"));
    let objects = documents(&text, case);
    Rendering {
        case,
        kubernetes,
        text,
        objects,
    }
}

/// Every case of the matrix for the oldest and the newest Kubernetes, rendered once for all tests.
pub fn all() -> &'static [Rendering] {
    static ALL: OnceLock<Vec<Rendering>> = OnceLock::new();
    ALL.get_or_init(|| {
        let versions = |case: &'static Case| match case.newest_only {
            true => vec![(case, NEWEST)],
            false => vec![(case, OLDEST), (case, NEWEST)],
        };
        let todo = Mutex::new(CASES.iter().flat_map(versions).enumerate());
        let done = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while let Some((at, (case, kubernetes))) = { todo.lock().expect("a lock").next() } {
                        let rendering = render(case.name, &case.values(), kubernetes);
                        done.lock().expect("a lock").push((at, rendering));
                    }
                });
            }
        });
        let mut done = done.into_inner().expect("a lock");
        done.sort_by_key(|(at, _)| *at);
        done.into_iter().map(|(_, rendering)| rendering).collect()
    })
}

/// The documents of a text, those that are empty left out.
pub fn documents(text: &str, shown_as: &str) -> Vec<Value> {
    let parts = text.split("\n---\n").map(|part| part.trim_start_matches("---\n"));
    let read = |part| {
        let node = read_text(part, shown_as).unwrap_or_else(|mistakes| panic!("{shown_as}: {mistakes:?}\n{part}"));
        json(&node)
    };
    parts.map(read).filter(|value| !value.is_null()).collect()
}

pub fn json(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(text) => serde_json::from_str(text).expect("a number of JSON"),
        Kind::String(text) => Value::String(text.clone()),
        Kind::List(nodes) => nodes.iter().map(json).collect(),
        Kind::Map(entries) => entries
            .iter()
            .map(|(key, node)| (key.text.clone(), json(node)))
            .collect(),
    }
}
