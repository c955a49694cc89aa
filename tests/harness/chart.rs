//! What the chart gives a pod, so that a process can be started as one.

use super::programs;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Helm and kubectl; the folder of `./test --fetch` is named so.
const TOOLS: &str = "target/test-tools/helm-2.2.2";
/// Where the chart has the pod's volume and its topology.
const STATE: &str = "/var/lib/millstream";
const TOPOLOGY: &str = "/topology/customer-events";

/// The container of a StatefulSet's pods.
pub struct Container {
    arguments: Vec<String>,
    environment: Vec<(String, Variable)>,
    pub grace_period: Duration,
}

enum Variable {
    Text(String),
    PodName,
}

impl Container {
    /// Of the stage that runs all, with these values (`NAME=VALUE`).
    pub fn rendered(values: &[&str]) -> Self {
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("helm/millstream");
        let mut helm = Command::new(tool("helm"));
        helm.args(["template", "millstream", "--show-only", "templates/statefulset.yaml"]);
        helm.arg(chart);
        for value in values {
            helm.args(["--set", value]);
        }
        let yaml = output(helm, "");
        // An object that is changed in nothing, as JSON, without a cluster.
        let mut kubectl = Command::new(tool("kubectl"));
        kubectl.args([
            "patch",
            "--local",
            "--filename",
            "-",
            "--patch",
            "{}",
            "--output",
            "json",
        ]);
        let set: Value = serde_json::from_str(&output(kubectl, &yaml)).expect("JSON of kubectl");
        let pod = &set["spec"]["template"]["spec"];
        let container = &pod["containers"][0];
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let variable = |entry: &Value| {
            let value = match entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
                None => Variable::Text(entry["value"].as_str().unwrap_or_default().to_owned()),
                Some("metadata.name") => Variable::PodName,
                Some(path) => panic!("{} is {path}, which no process has", entry["name"]),
            };
            (text(&entry["name"]), value)
        };
        let mounts = list(&container["volumeMounts"]);
        assert!(
            mounts.iter().any(|mount| mount["mountPath"] == STATE),
            "the pod has no volume at {STATE}: {mounts:?}"
        );
        Self {
            arguments: list(&container["args"]).iter().map(text).collect(),
            environment: list(&container["env"]).iter().map(variable).collect(),
            grace_period: Duration::from_secs(pod["terminationGracePeriodSeconds"].as_u64().expect("seconds")),
        }
    }

    /// The pod `name` as a process: where the chart has a mount, it has a folder of this machine, and its page is at `http`.
    pub fn command(&self, name: &str, volume: &Path, topology: &Path, http: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_millstream"));
        command.args(&self.arguments);
        for (variable, value) in &self.environment {
            let value = match value {
                Variable::PodName => name,
                Variable::Text(_) if variable == "MILLSTREAM_HTTP" => http,
                Variable::Text(text) => text,
            };
            let path = |mount: &str, folder: &Path| {
                let rest = value.strip_prefix(mount)?.trim_start_matches('/');
                Some(folder.join(rest).display().to_string())
            };
            let mounted = path(STATE, volume).or_else(|| path(TOPOLOGY, topology));
            command.env(variable, mounted.as_deref().unwrap_or(value));
        }
        command
    }
}

fn tool(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(TOOLS).join(name);
    assert!(
        path.is_file(),
        "{} is not there; fetch it with: ./test --fetch",
        path.display()
    );
    path
}

fn output(mut command: Command, input: &str) -> String {
    let output = programs::output(&mut command, input).unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
