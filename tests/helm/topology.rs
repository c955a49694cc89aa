//! A topology on its way into a pod: files to keys of a ConfigMap, keys to files again, as a kubelet does, and `millstream check` reads them.

use crate::pods::{pods, variable};
use crate::rendering::{NEWEST, Rendering, render};
use crate::root;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::Command;

fn millstream(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(arguments)
        .output()
        .expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(said) } else { Err(said) }
}

/// Every file that a topology is made of, by its path in the folder.
fn files(folder: &Path, below: &str, found: &mut Map<String, Value>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let path = format!("{below}{}", entry.file_name().to_string_lossy());
        match entry.path().is_dir() {
            true => files(&entry.path(), &format!("{path}/"), found),
            false => {
                let text = std::fs::read_to_string(entry.path()).expect("a text");
                found.insert(path, text.into());
            }
        }
    }
}

fn shipped() -> Map<String, Value> {
    let mut found = Map::new();
    let folder = root().join("topology/customer-events");
    for name in ["normalize", "schemas", "shared"] {
        files(&folder.join(name), &format!("{name}/"), &mut found);
    }
    for name in ["topology.yaml", "feeds.yaml"] {
        found.insert(
            name.into(),
            std::fs::read_to_string(folder.join(name)).expect("a text").into(),
        );
    }
    found
}

/// Lays the files of a volume out as a kubelet does: a folder with a stamp, a link to it, and a link for each name.
fn mount(rendering: &Rendering, volume: &Value, folder: &Path) {
    let map = rendering.object("ConfigMap", volume["configMap"]["name"].as_str().expect("a name"));
    let stamped = folder.join("..2026_01_01");
    for item in volume["configMap"]["items"].as_array().expect("items") {
        let text = map["data"][item["key"].as_str().expect("a key")]
            .as_str()
            .expect("a text");
        let file = stamped.join(item["path"].as_str().expect("a path"));
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("written");
    }
    std::os::unix::fs::symlink("..2026_01_01", folder.join("..data")).expect("a link");
    for entry in std::fs::read_dir(&stamped).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        std::os::unix::fs::symlink(Path::new("..data").join(&name), folder.join(&name)).expect("a link");
    }
}

#[test]
fn the_shipped_topology_given_by_its_files_is_read_in_pods_and_hooks() {
    let stages = json!({"main": {"only": ["dedupe"]}, "feeds": {"only": ["ecomm"], "file": "feeds.yaml"}});
    let values = json!({"kafka": {"brokers": "a:1"}, "topology": {"files": shipped()}, "stages": stages, "topics": {"apply": true}});
    let rendering = render("files", &values.to_string(), NEWEST);
    let mut read = 0;
    for pod in pods(&rendering) {
        let volumes = pod.spec["volumes"].as_array().into_iter().flatten();
        let Some(volume) = volumes.into_iter().find(|volume| volume["name"] == "topology") else {
            continue;
        };
        let folder = tempfile::tempdir().expect("a folder");
        mount(&rendering, volume, folder.path());
        for container in pod.containers() {
            let said = variable(container, "MILLSTREAM_TOPOLOGY")
                .and_then(Value::as_str)
                .expect("a path");
            let path = said.replace("/etc/millstream/topology", &folder.path().display().to_string());
            millstream(&["check", &path]).unwrap_or_else(|said| panic!("{}: {said}", pod.at));
            read += 1;
        }
    }
    // two pods that process, and two hooks that look at both files
    assert_eq!(read, 6);
}

/// At the time of the hook the pods' ConfigMap is still the old one.
#[test]
fn hooks_have_the_new_topology_for_themselves() {
    let values = "{kafka: {brokers: 'a:1'}, topology: {files: {topology.yaml: new}}, topics: {apply: true}}";
    let rendering = render("hooks", values, NEWEST);
    let hook = rendering.object("ConfigMap", "try-millstream-topology-hook");
    assert_eq!(hook["data"]["topology.yaml"], "new");
    let weight = |object: &Value| -> i64 {
        let annotations = &object["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/hook"], "pre-install,pre-upgrade");
        assert_eq!(
            annotations["helm.sh/hook-delete-policy"],
            "before-hook-creation,hook-succeeded"
        );
        annotations["helm.sh/hook-weight"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("a number")
    };
    let check = rendering.object("Job", "try-millstream-check");
    let topics = rendering.object("Job", "try-millstream-topics");
    assert!(weight(hook) < weight(check) && weight(check) < weight(topics));
    for job in [check, topics] {
        let spec = &job["spec"]["template"]["spec"];
        assert_eq!(spec["volumes"][0]["configMap"]["name"], "try-millstream-topology-hook");
        assert!(
            spec["serviceAccountName"].is_null(),
            "the release's account isn't there yet"
        );
    }
}

#[test]
fn a_change_of_the_topology_makes_new_pods() {
    let template = |content: &str| {
        let values = format!("{{kafka: {{brokers: 'a:1'}}, topology: {{files: {{topology.yaml: {content}}}}}}}");
        let rendering = render("change", &values, NEWEST);
        rendering.object("StatefulSet", "try-millstream-main")["spec"]["template"].clone()
    };
    assert_eq!(template("one"), template("one"));
    assert_ne!(template("one"), template("two"));
}

/// What `helm test` sends with the shipped topology comes out where the chart says.
#[test]
fn the_canary_passes_the_shipped_topology() {
    let rendering = render("canary", "kafka: {brokers: 'a:1'}", NEWEST);
    let event = rendering.object("ConfigMap", "try-millstream-canary")["data"]["event"]
        .as_str()
        .expect("a text");
    let pod = rendering.object("Pod", "try-millstream-canary");
    let arguments = pod["spec"]["containers"][0]["args"].as_array().expect("arguments");
    assert!(arguments.contains(&json!("--to=feed.customer")), "{arguments:?}");
    assert!(arguments.contains(&json!("--from=activity-dev")), "{arguments:?}");

    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in shipped() {
        let file = folder.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text.as_str().expect("a text")).expect("written");
    }
    std::fs::create_dir(folder.path().join("tests")).expect("a folder");
    let sent = event.replace("{canary}", "0197-canary");
    let case = format!(
        "- name: canary\n  input: [{{source: customer, text: {}}}]\n  output: {{activity-dev: [{{key: 0197-canary, value: {{id: 0197-canary, type: CustomerActivity}}}}]}}\n",
        json!(sent)
    );
    std::fs::write(folder.path().join("tests/canary.yaml"), case).expect("written");
    millstream(&["test", &folder.path().display().to_string()]).unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn another_topology_has_no_canary_until_it_is_given_one() {
    let rendering = render("other", "{kafka: {brokers: 'a:1'}, topology: {path: /orders}}", NEWEST);
    assert_eq!(rendering.of_kind("Pod").count(), 0);
}
