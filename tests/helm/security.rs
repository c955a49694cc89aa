//! Every pod of every rendering against the level `restricted` of Pod Security, and against what is ours beyond it.

use crate::pods::{Pod, pods};
use crate::rendering::all;
use crate::report;
use serde_json::Value;

/// Kinds of volumes that `restricted` lets a pod have.
const VOLUMES: [&str; 9] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// What a variable that holds something secret has in its name.
const SECRET: [&str; 3] = ["PASSWORD", "AUTH", "SECRET"];

fn each(check: impl Fn(&Pod<'_>, &mut Vec<String>)) {
    let mut findings = Vec::new();
    let mut seen = 0;
    for rendering in all() {
        for pod in pods(rendering) {
            seen += 1;
            let before = findings.len();
            check(&pod, &mut findings);
            for finding in findings.iter_mut().skip(before) {
                *finding = format!("{}: {finding}", pod.at);
            }
        }
    }
    assert!(seen > 300, "{seen} pods");
    report(&findings);
}

#[test]
fn every_pod_is_restricted() {
    each(restricted);
}

fn restricted(pod: &Pod<'_>, findings: &mut Vec<String>) {
    let spec = pod.spec;
    let context = &spec["securityContext"];
    for key in ["hostNetwork", "hostPID", "hostIPC"] {
        if spec[key] == true {
            findings.push(format!("{key} is set"));
        }
    }
    if context["runAsNonRoot"] != true || context["runAsUser"].as_u64().is_none_or(|user| user == 0) {
        findings.push("it may run as root".to_owned());
    }
    if context["seccompProfile"]["type"] != "RuntimeDefault" {
        findings.push("it has no seccomp profile".to_owned());
    }
    for volume in spec["volumes"].as_array().into_iter().flatten() {
        let kinds = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        for kind in kinds.filter(|kind| *kind != "name" && !VOLUMES.contains(kind)) {
            findings.push(format!("its volume {} is a {kind}", volume["name"]));
        }
    }
    for container in pod.containers() {
        let name = &container["name"];
        let context = &container["securityContext"];
        if context["allowPrivilegeEscalation"] != false || context["privileged"] == true {
            findings.push(format!("{name} may get more privileges"));
        }
        if context["capabilities"]["drop"] != serde_json::json!(["ALL"]) || !context["capabilities"]["add"].is_null() {
            findings.push(format!("{name} has capabilities"));
        }
        let ports = container["ports"].as_array().into_iter().flatten();
        if ports.filter(|port| !port["hostPort"].is_null()).count() > 0 {
            findings.push(format!("{name} has a port of the host"));
        }
    }
}

#[test]
fn every_pod_is_as_careful_as_it_can_be() {
    each(|pod, findings| {
        if pod.spec["automountServiceAccountToken"] != false {
            findings.push("it has a token for Kubernetes".to_owned());
        }
        if pod.spec["enableServiceLinks"] != false {
            findings.push("names of Services become variables, which may look like settings".to_owned());
        }
        for container in pod.containers() {
            let name = &container["name"];
            if container["securityContext"]["readOnlyRootFilesystem"] != true {
                findings.push(format!("{name} may write to its image"));
            }
            if container["resources"].as_object().is_none_or(serde_json::Map::is_empty) {
                findings.push(format!("{name} does not say what it needs"));
            }
        }
    });
}

#[test]
fn every_pod_that_processes_is_probed_and_has_time_to_end() {
    each(|pod, findings| {
        let containers = pod.containers();
        let own = containers.iter().find(|container| container["name"] == "millstream");
        let Some(own) = own.filter(|_| pod.processes) else {
            return;
        };
        for (probe, path) in [
            ("startupProbe", "/startupz"),
            ("livenessProbe", "/livez"),
            ("readinessProbe", "/readyz"),
        ] {
            if own[probe]["httpGet"]["path"] != path || own[probe]["httpGet"]["port"] != "http" {
                findings.push(format!("its {probe} does not ask {path}"));
            }
        }
        if pod.spec["terminationGracePeriodSeconds"]
            .as_u64()
            .is_none_or(|seconds| seconds < 60)
        {
            findings.push("it has no time for a last commit".to_owned());
        }
        let mounts = own["volumeMounts"].as_array().into_iter().flatten();
        let writable: Vec<&Value> = mounts
            .filter(|mount| mount["readOnly"] != true)
            .map(|mount| &mount["name"])
            .collect();
        if writable.first().is_none_or(|name| *name != "state") {
            findings.push(format!("it does not keep its state: {writable:?}"));
        }
    });
}

/// What the policy lets out by default is where Kafka is.
#[test]
fn the_network_policy_knows_kafkas_ports_by_its_address() {
    let rendering = all()
        .iter()
        .find(|rendering| rendering.case == "a network policy")
        .expect("a case");
    let policy = rendering.object("NetworkPolicy", "try-millstream");
    let ports = policy["spec"]["egress"][1]["ports"].as_array().expect("ports");
    let ports: Vec<&Value> = ports.iter().map(|port| &port["port"]).collect();
    assert_eq!(ports, [9092, 9093]);
}

#[test]
fn nothing_secret_is_written_down() {
    each(|pod, findings| {
        for container in pod.containers() {
            for variable in container["env"].as_array().into_iter().flatten() {
                let name = variable["name"].as_str().unwrap_or_default();
                let is_secret = SECRET.iter().any(|word| name.contains(word));
                if is_secret && variable["valueFrom"]["secretKeyRef"].is_null() {
                    findings.push(format!("{name} is no reference to a Secret"));
                }
            }
        }
    });
    // The chart makes no Secret: those that it has are somebody's, who rotates them.
    let secrets: Vec<String> = all()
        .iter()
        .flat_map(|rendering| rendering.of_kind("Secret").map(|object| rendering.at(object)))
        .collect();
    report(&secrets);
}
