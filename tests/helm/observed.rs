//! Alerts, dashboards and monitors, as they come out of Helm.

use crate::rendering::{NEWEST, Rendering, all, documents};
use crate::{read, report, root};
use serde_json::Value;
use std::process::Command;

fn of(case: &str) -> &'static Rendering {
    let mut found = all()
        .iter()
        .filter(|rendering| rendering.case == case && rendering.kubernetes == NEWEST);
    found.next().unwrap_or_else(|| panic!("no case {case}"))
}

#[test]
fn prometheus_takes_the_alerts_that_helm_renders() {
    let rules = of("alerts").of_kind("PrometheusRule").next().expect("rules");
    let file = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("rendered-rules.yaml");
    // JSON is YAML
    std::fs::write(&file, rules["spec"].to_string()).expect("written");
    let output = Command::new("promtool").args(["check", "rules"]).arg(&file).output();
    let output = output.expect("promtool starts: it comes with Debian's `prometheus`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_alerts_are_those_of_the_file_with_the_runbooks_address() {
    let rendered = &of("alerts").of_kind("PrometheusRule").next().expect("rules")["spec"]["groups"];
    let text = read("helm/millstream/alerts/millstream.yaml");
    let text = text.replace("${RUNBOOKS}", "https://git.example.com/runbooks");
    let file = documents(&text, "the alerts");
    let own = file.first().and_then(|file| file["groups"].as_array()).expect("groups");
    let groups = rendered.as_array().expect("groups");
    assert_eq!(groups.get(..own.len()), Some(&own[..]));
    assert_eq!(groups.last().map(|group| &group["name"]), Some(&Value::from("more")));
    assert!(
        rendered.to_string().contains("{{ $labels.application }}"),
        "Prometheus' own templates are kept"
    );
}

#[test]
fn the_dashboards_are_those_of_the_folder() {
    let rendering = of("production");
    let mut seen = 0;
    for map in rendering
        .of_kind("ConfigMap")
        .filter(|map| map["metadata"]["labels"]["grafana_dashboard"] == "1")
    {
        assert_eq!(map["metadata"]["annotations"]["grafana_folder"], "millstream");
        for (name, text) in map["data"].as_object().expect("data") {
            let file = name.strip_prefix("millstream-").expect("our name");
            let own = read(&format!("helm/millstream/dashboards/{file}"));
            let own = own.replace("${RUNBOOKS}", "https://git.example.com/millstream/docs/runbooks");
            assert_eq!(text.as_str().map(str::trim), Some(own.trim()), "{name}");
            serde_json::from_str::<Value>(&own).expect("JSON");
            seen += 1;
        }
    }
    assert_eq!(
        seen,
        std::fs::read_dir(root().join("helm/millstream/dashboards"))
            .expect("a folder")
            .count()
    );
}

#[test]
fn an_instance_is_known_by_its_pods_name() {
    let mut findings = Vec::new();
    let mut seen = 0;
    for rendering in all() {
        for object in &rendering.objects {
            let endpoints = match object["kind"].as_str() {
                Some("ServiceMonitor") => &object["spec"]["endpoints"],
                Some("PodMonitor") => &object["spec"]["podMetricsEndpoints"],
                _ => continue,
            };
            seen += 1;
            let endpoint = &endpoints[0];
            let first = &endpoint["relabelings"][0];
            let is_pod = first["sourceLabels"][0] == "__meta_kubernetes_pod_name" && first["targetLabel"] == "instance";
            if !is_pod || endpoint["port"] != "http" || endpoint["path"] != "/metrics" {
                findings.push(rendering.at(object));
            }
        }
    }
    assert!(seen > 4, "{seen} monitors");
    report(&findings);
}
