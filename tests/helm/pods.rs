//! The pods of a rendering, wherever they stand.

use crate::rendering::Rendering;
use serde_json::Value;

/// A pod, or a template of pods.
pub struct Pod<'r> {
    /// Which rendering and object.
    pub at: String,
    pub metadata: &'r Value,
    pub spec: &'r Value,
    /// Whether it is one that processes, not one of a hook or a test.
    pub processes: bool,
}

impl<'r> Pod<'r> {
    /// Its containers, those that run first included.
    pub fn containers(&self) -> Vec<&'r Value> {
        let lists = ["initContainers", "containers"].into_iter();
        lists.filter_map(|list| self.spec[list].as_array()).flatten().collect()
    }

    pub fn labels(&self) -> &'r Value {
        &self.metadata["labels"]
    }
}

pub fn pods(rendering: &Rendering) -> Vec<Pod<'_>> {
    let of = |object: &'_ Value| -> Option<&'static str> {
        match object["kind"].as_str()? {
            "StatefulSet" | "Deployment" | "Job" => Some("/spec/template"),
            "Pod" => Some(""),
            _ => None,
        }
    };
    let objects = rendering.objects.iter();
    let pods = objects.filter_map(|object| {
        let pod = object.pointer(of(object)?)?;
        Some(Pod {
            at: rendering.at(object),
            metadata: &pod["metadata"],
            spec: &pod["spec"],
            processes: ["StatefulSet", "Deployment"].contains(&object["kind"].as_str().unwrap_or_default()),
        })
    });
    pods.collect()
}

/// A container's variable: its text, or where it comes from.
pub fn variable<'r>(container: &'r Value, name: &str) -> Option<&'r Value> {
    let variables = container["env"].as_array()?;
    let found = variables.iter().find(|variable| variable["name"] == name)?;
    found.get("value").or(found.get("valueFrom"))
}

/// Kubernetes refuses the numbers of a rolling update beside it, and they are there by default.
#[test]
fn a_deployment_that_is_recreated_says_no_more_than_that() {
    let rendering = crate::rendering::all()
        .iter()
        .find(|rendering| rendering.case == "two stages");
    let deployment = rendering.expect("a case").object("Deployment", "try-millstream-feeds");
    assert_eq!(deployment["spec"]["strategy"], serde_json::json!({"type": "Recreate"}));
}

/// Kubernetes refuses a pod that asks for more than it may take.
#[test]
fn a_lower_limit_alone_is_enough() {
    let values = "{kafka: {brokers: 'a:1'}, resources: {limits: {memory: 128Mi}}}";
    let rendering = crate::rendering::render("a lower limit", values, crate::rendering::NEWEST);
    let pods = pods(&rendering);
    let pod = pods.iter().find(|pod| pod.processes).expect("a pod");
    assert!(
        pod.containers()
            .iter()
            .all(|container| container["resources"]["requests"]["memory"].is_null())
    );
}
