//! The cluster, through `kubectl` and `helm`, and a namespace with one release in it.

use crate::harness::{programs, wait_until};
use serde_json::Value;
use std::process::{Command, Output};
use std::time::Duration;

pub const LIMIT: Duration = Duration::from_secs(180);
/// Of helm's own waits.
const WAIT: &str = "180s";
/// The release's name, and so its objects'.
pub const RELEASE: &str = "millstream";

/// A variable that `./test --kubernetes` makes sure of, or without which it leaves a test out.
pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: `./test --help` says what it is"))
}

/// A namespace of its own, gone with the test.
pub struct Namespace {
    pub name: String,
}

impl Namespace {
    /// Nothing runs in it that the restricted Pod Security level does not allow.
    pub fn restricted(name: &str) -> Self {
        let namespace = Self {
            name: format!("millstream-test-{name}"),
        };
        namespace.delete();
        run(&["kubectl", "create", "namespace", &namespace.name]);
        run(&[
            "kubectl",
            "label",
            "namespace",
            &namespace.name,
            "pod-security.kubernetes.io/enforce=restricted",
        ]);
        namespace
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.try_kubectl(arguments, None).unwrap_or_else(|why| panic!("{why}"))
    }

    /// What it said; its error otherwise.
    pub fn try_kubectl(&self, arguments: &[&str], input: Option<&str>) -> Result<String, String> {
        let own = ["kubectl", "--namespace", &self.name];
        attempt(&[&own[..], arguments].concat(), input)
    }

    pub fn helm(&self, arguments: &[&str]) -> String {
        self.try_helm(arguments).unwrap_or_else(|why| {
            let events = self.try_kubectl(&["get", "pods,events"], None);
            panic!("{why}\n{}", events.unwrap_or_else(|why| why))
        })
    }

    pub fn try_helm(&self, arguments: &[&str]) -> Result<String, String> {
        let own = ["helm", "--namespace", &self.name];
        attempt(&[&own[..], arguments].concat(), None)
    }

    /// Installs the chart or upgrades the release, and waits until all of it is ready.
    pub fn upgrade(&self, brokers: &str, values: &[&str]) -> String {
        self.try_upgrade(brokers, values).unwrap_or_else(|why| panic!("{why}"))
    }

    pub fn try_upgrade(&self, brokers: &str, values: &[&str]) -> Result<String, String> {
        let (repository, tag) = image();
        let brokers = format!("kafka.brokers={brokers}");
        let repository = format!("image.repository={repository}");
        let tag = format!("image.tag={tag}");
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/millstream");
        let mut arguments = vec!["upgrade", "--install", RELEASE, chart, "--wait", "--timeout", WAIT];
        for value in [brokers.as_str(), &repository, &tag].iter().chain(values) {
            arguments.extend(["--set", value]);
        }
        self.try_helm(&arguments)
    }

    /// What the API server says of objects.
    pub fn get(&self, what: &str) -> Value {
        let text = self.kubectl(&["get", what, "--output", "json"]);
        serde_json::from_str(&text).expect("JSON of kubectl")
    }

    /// The uids of the release's pods by their names: a pod that was made anew has another.
    pub fn pods(&self) -> std::collections::BTreeMap<String, String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let list = self.get("pods");
        let pods = list["items"].as_array().expect("a list of pods").iter();
        let of_release = pods.filter(|pod| pod["metadata"]["labels"]["app.kubernetes.io/component"] == "pipeline");
        let named = of_release.map(|pod| (text(&pod["metadata"]["name"]), text(&pod["metadata"]["uid"])));
        named.collect()
    }

    /// Waits until so many pods of the release are ready.
    pub fn wait_ready(&self, pods: usize) {
        wait_until(&format!("{pods} ready pods"), LIMIT, || {
            let ready = self.get(&format!("statefulset/{RELEASE}-main"))["status"]["readyReplicas"].as_u64();
            let ready = ready.unwrap_or(0);
            if ready == pods as u64 {
                Ok(())
            } else {
                Err(format!("{ready} are ready"))
            }
        });
    }

    /// A page of a pod, through the API server.
    pub fn page(&self, pod: &str, page: &str) -> Result<String, String> {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}:8080/proxy{page}", self.name);
        attempt(&["kubectl", "get", "--raw", &path], None)
    }

    /// The sum of all series of a metric of a pod.
    pub fn metric(&self, pod: &str, name: &str) -> f64 {
        let text = wait_until("metrics", LIMIT, || self.page(pod, "/metrics"));
        let series = text.lines().filter(|line| {
            let rest = line.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
        });
        let value = |line: &str| line.rsplit(' ').next().and_then(|value| value.parse::<f64>().ok());
        series.filter_map(value).sum()
    }

    /// As `kubectl drain` does: it respects the PodDisruptionBudget.
    pub fn evict(&self, pod: &str) -> Result<String, String> {
        let path = format!("/api/v1/namespaces/{}/pods/{pod}/eviction", self.name);
        let eviction = format!(
            r#"{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{pod}","namespace":"{}"}}}}"#,
            self.name
        );
        attempt(
            &["kubectl", "create", "--raw", &path, "--filename", "-"],
            Some(&eviction),
        )
    }

    fn delete(&self) {
        let _ = attempt(
            &[
                "kubectl",
                "delete",
                "namespace",
                &self.name,
                "--ignore-not-found",
                "--wait",
            ],
            None,
        );
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for what in [
                "get pods,jobs,events",
                "logs --prefix --tail 40 --selector app.kubernetes.io/name=millstream",
            ] {
                let arguments: Vec<&str> = what.split(' ').collect();
                eprintln!("{}", self.try_kubectl(&arguments, None).unwrap_or_else(|why| why));
            }
        }
        self.delete();
    }
}

/// Repository and tag of the image.
fn image() -> (String, String) {
    let image = setting("MILLSTREAM_TEST_IMAGE");
    let (repository, tag) = image
        .rsplit_once(':')
        .unwrap_or_else(|| panic!("{image}: it has no tag"));
    (repository.to_owned(), tag.to_owned())
}

/// `kubectl` for what belongs to no namespace.
pub fn cluster(arguments: &[&str], input: Option<&str>) -> Result<String, String> {
    attempt(&[&["kubectl"], arguments].concat(), input)
}

fn run(command: &[&str]) -> String {
    attempt(command, None).unwrap_or_else(|why| panic!("{why}"))
}

fn attempt(command: &[&str], input: Option<&str>) -> Result<String, String> {
    let (program, arguments) = command.split_first().expect("a program");
    let ran = programs::output(Command::new(program).args(arguments), input.unwrap_or_default());
    let Output { status, stdout, stderr } = ran.map_err(|error| format!("cannot run {program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if status.success() {
        Ok(text(&stdout))
    } else {
        Err(format!(
            "{}: {status}\n{}{}",
            command.join(" "),
            text(&stdout),
            text(&stderr)
        ))
    }
}
