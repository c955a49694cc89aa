//! Names, labels and selectors: everything reaches the pods that it is for, and no other.

use crate::pods::{Pod, pods};
use crate::rendering::{NEWEST, Rendering, all, render};
use crate::report;
use serde_json::Value;

fn selects(selector: &Value, pod: &Pod<'_>) -> bool {
    let labels = selector.as_object().expect("labels");
    assert!(!labels.is_empty(), "a selector of everything");
    labels.iter().all(|(key, value)| pod.labels()[key] == *value)
}

fn each(check: impl Fn(&Rendering, &Value, &[Pod<'_>], &mut Vec<String>)) {
    let mut findings = Vec::new();
    for rendering in all() {
        let pods = pods(rendering);
        for object in &rendering.objects {
            check(rendering, object, &pods, &mut findings);
        }
    }
    report(&findings);
}

/// Objects of the chart's own, not of `extraObjects`.
fn is_own(object: &Value) -> bool {
    !object["metadata"]["labels"]["helm.sh/chart"].is_null()
}

#[test]
fn services_budgets_and_monitors_find_the_pods_that_process_and_no_hook() {
    each(|rendering, object, pods, findings| {
        let selector = match object["kind"].as_str() {
            Some("Service") => &object["spec"]["selector"],
            Some("PodDisruptionBudget" | "StatefulSet" | "Deployment" | "PodMonitor") => {
                &object["spec"]["selector"]["matchLabels"]
            }
            _ => return,
        };
        let found: Vec<&Pod<'_>> = pods.iter().filter(|pod| selects(selector, pod)).collect();
        if found.is_empty() || found.iter().any(|pod| !pod.processes) {
            findings.push(format!(
                "{}: selects {} pods, or one of a hook",
                rendering.at(object),
                found.len()
            ));
        }
        let of_one_stage =
            ["PodDisruptionBudget", "StatefulSet", "Deployment"].contains(&object["kind"].as_str().unwrap_or_default());
        if of_one_stage && found.len() != 1 {
            findings.push(format!("{}: selects {} stages", rendering.at(object), found.len()));
        }
    });
}

#[test]
fn the_network_policy_is_for_hooks_and_tests_too() {
    each(|rendering, object, pods, findings| {
        if object["kind"] == "NetworkPolicy" {
            let outside = pods
                .iter()
                .filter(|pod| !selects(&object["spec"]["podSelector"]["matchLabels"], pod));
            findings.extend(outside.map(|pod| format!("{}: not for {}", rendering.at(object), pod.at)));
        }
    });
}

#[test]
fn a_service_monitor_finds_one_service() {
    each(|rendering, object, _, findings| {
        if object["kind"] == "ServiceMonitor" {
            let wanted = object["spec"]["selector"]["matchLabels"].as_object().expect("labels");
            let services = rendering.of_kind("Service");
            let found = services.filter(|service| {
                wanted
                    .iter()
                    .all(|(key, value)| service["metadata"]["labels"][key] == *value)
            });
            if found.count() != 1 {
                findings.push(format!("{}: no Service, or several", rendering.at(object)));
            }
        }
    });
}

#[test]
fn everything_has_the_usual_labels_and_a_name_that_kubernetes_takes() {
    each(|rendering, object, _, findings| {
        let at = rendering.at(object);
        let metadata = &object["metadata"];
        if !is_own(object) {
            return;
        }
        for label in ["name", "instance", "version", "managed-by", "part-of"] {
            if metadata["labels"][format!("app.kubernetes.io/{label}")].is_null() {
                findings.push(format!("{at}: no label app.kubernetes.io/{label}"));
            }
        }
        if metadata["namespace"] != "events" {
            findings.push(format!("{at}: it is in no namespace, or in another one"));
        }
        // a StatefulSet's pods have a label of its name and eleven characters more
        let most = if object["kind"] == "StatefulSet" { 52 } else { 63 };
        let name = metadata["name"].as_str().unwrap_or_default();
        let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.len() > most || name.ends_with('-') || !name.chars().all(is_fine) {
            findings.push(format!("{at}: a name that Kubernetes does not take"));
        }
        let labels = metadata["labels"].as_object().into_iter().flatten();
        findings.extend(
            labels
                .filter(|(_, value)| value.as_str().is_none_or(|text| text.len() > 63))
                .map(|(key, _)| format!("{at}: label {key}")),
        );
    });
}

#[test]
fn labels_and_annotations_of_everything_are_on_everything() {
    let rendering = all()
        .iter()
        .find(|rendering| rendering.case == "another name")
        .expect("a case");
    let own = rendering.objects.iter().filter(|object| is_own(object));
    for object in own {
        assert_eq!(object["metadata"]["labels"]["team"], "crm", "{}", rendering.at(object));
        assert_eq!(
            object["metadata"]["annotations"]["cost"],
            "7",
            "{}",
            rendering.at(object)
        );
    }
    for pod in pods(rendering) {
        assert_eq!(pod.labels()["team"], "crm", "{}", pod.at);
    }
}

/// Kubernetes refuses a change of them, and an upgrade would fail.
#[test]
fn selectors_and_volumes_hang_on_nothing_that_changes() {
    let plain = render("plain", "kafka: {brokers: 'a:1'}", NEWEST);
    let values = "{kafka: {brokers: 'b:2'}, image: {tag: v9}, commonLabels: {a: b}, podLabels: {c: d}, replicas: 3}";
    let changed = render("changed", values, NEWEST);
    for pointer in [
        "/spec/selector",
        "/spec/serviceName",
        "/spec/volumeClaimTemplates",
        "/spec/podManagementPolicy",
    ] {
        let of = |rendering: &Rendering| {
            rendering
                .object("StatefulSet", "try-millstream-main")
                .pointer(pointer)
                .cloned()
        };
        assert!(of(&plain).is_some(), "{pointer}");
        assert_eq!(of(&plain), of(&changed), "{pointer}");
    }
}
