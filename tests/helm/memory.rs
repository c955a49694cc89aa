//! The memory that stores may take, out of the limit of the pod.

use crate::pods::{pods, variable};
use crate::rendering::{NEWEST, render};

fn budget(values: &str) -> Option<String> {
    let rendering = render("memory", &format!("{{kafka: {{brokers: 'a:1'}}, {values}}}"), NEWEST);
    let pods = pods(&rendering);
    let pod = pods.iter().find(|pod| pod.processes).expect("a pod");
    let value = variable(
        pod.containers().first().expect("a container"),
        "MILLSTREAM_STATE_MEMORY",
    )?;
    Some(value.as_str().expect("a text").to_owned())
}

#[test]
fn it_is_a_quarter_of_the_limit_and_at_least_16_mb() {
    for (limit, wanted) in [
        ("512Mi", 128 << 20),
        ("1Gi", 256 << 20),
        ("1.5Gi", 384 << 20),
        ("1G", 250_000_000),
        ("600M", 150_000_000),
        ("900000k", 225_000_000),
        ("1048576Ki", 256 << 20),
        ("'536870912'", 128 << 20),
        ("536870912", 128 << 20),
        ("32Mi", 16_000_000),
    ] {
        let found = budget(&format!("resources: {{limits: {{memory: {limit}}}}}"));
        assert_eq!(found, Some(i64::from(wanted).to_string()), "{limit}");
    }
}

#[test]
fn it_is_what_is_set_by_hand() {
    assert_eq!(budget("stateMemory: 300MB").as_deref(), Some("300MB"));
    assert_eq!(budget("stateMemory: 1000000000").as_deref(), Some("1000000000"));
}

#[test]
fn without_a_limit_it_is_the_topologys() {
    assert_eq!(budget("resources: {limits: null}"), None);
}

#[test]
fn a_stage_has_its_own() {
    let found = budget("stages: {main: {resources: {limits: {memory: 4Gi}}}}");
    assert_eq!(found, Some((1_u64 << 30).to_string()));
}
