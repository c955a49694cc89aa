//! The examples: what they name is in the shipped topology, and nothing of it is left out.

use crate::pods::{Pod, pods, variable};
use crate::rendering::{NEWEST, Rendering, all};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

fn graph(file: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_millstream"))
        .args(["graph", "--output", "json", file])
        .current_dir(crate::root())
        .output()
        .expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn production() -> &'static Rendering {
    let mut found = all()
        .iter()
        .filter(|rendering| rendering.case == "production" && rendering.kubernetes == NEWEST);
    found.next().expect("a case")
}

fn names(list: &Value, key: &str) -> BTreeSet<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item[key].as_str().map(str::to_owned)).collect()
}

#[test]
fn the_stages_of_production_run_every_part_and_each_once() {
    let graph = graph("topology/customer-events/feeds.yaml");
    let mut feeds = names(&graph["feeds"], "name");
    let mut parts: Vec<BTreeSet<String>> = Vec::new();
    for part in graph["subtopologies"].as_array().expect("parts") {
        let own = names(&part["reads"], "from")
            .into_iter()
            .chain(names(&part["processors"], "name"));
        parts.push(own.collect());
    }
    let rendering = production();
    let pods = pods(rendering);
    let mut taken = BTreeSet::new();
    for pod in pods.iter().filter(|pod| pod.processes) {
        let only = setting(pod, "MILLSTREAM_ONLY").expect("every stage says what it runs");
        for name in only.split(',') {
            if feeds.remove(name) {
                let path = setting(pod, "MILLSTREAM_TOPOLOGY").expect("a topology");
                assert_eq!(
                    path, "/topology/customer-events/feeds.yaml",
                    "topology.yaml has no feeds"
                );
                continue;
            }
            let of = parts.iter().position(|part| part.contains(name));
            taken.insert((of.unwrap_or_else(|| panic!("no part is named {name}")), &pod.at));
        }
    }
    assert!(feeds.is_empty(), "nobody runs the feeds {feeds:?}");
    let indexes: Vec<usize> = taken.iter().map(|(index, _)| *index).collect();
    assert_eq!(
        indexes,
        (0..parts.len()).collect::<Vec<_>>(),
        "each part in one stage: {taken:?}"
    );
}

fn setting(pod: &Pod<'_>, name: &str) -> Option<String> {
    let containers = pod.containers();
    Some(variable(containers.first()?, name)?.as_str()?.to_owned())
}

#[test]
fn production_scales_by_a_topic_and_a_group_that_there_are() {
    let graph = graph("topology/customer-events");
    let scaled = production().of_kind("ScaledObject").next().expect("one that scales");
    let trigger = &scaled["spec"]["triggers"][0]["metadata"];
    assert_eq!(trigger["consumerGroup"], graph["group"]);
    let topics: BTreeSet<String> = graph["subtopologies"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|part| names(&part["reads"], "topic"))
        .collect();
    let topic = trigger["topic"].as_str().expect("a topic");
    assert!(topics.contains(topic), "{topic} is none of {topics:?}");
}

/// Who posts events gets no database's password, and who processes them no feed's.
#[test]
fn only_the_feeds_of_production_have_the_feeds_secrets() {
    for pod in pods(production()) {
        let has = pod.containers().iter().any(|container| !container["envFrom"].is_null());
        let is_feeds = pod.labels()["millstream/stage"] == "feeds";
        assert!(!pod.processes || has == is_feeds, "{}", pod.at);
    }
}

#[test]
fn small_is_one_pod() {
    let small = all()
        .iter()
        .find(|rendering| rendering.case == "small")
        .expect("a case");
    let pods = pods(small);
    let processing: Vec<_> = pods.iter().filter(|pod| pod.processes).collect();
    assert_eq!(processing.len(), 1);
    assert_eq!(
        small.object("StatefulSet", "try-millstream-main")["spec"]["replicas"],
        1
    );
}
