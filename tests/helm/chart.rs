//! The chart as a whole: linted, packaged, of the program's version, and what it says after an installation.

use crate::read;
use crate::rendering::{NEWEST, documents, helm};
use std::process::Command;

const BROKERS: &str = "kafka: {brokers: 'kafka:9092'}";

#[test]
fn helm_finds_nothing_to_complain_about() {
    for values in [
        BROKERS.to_owned(),
        read("helm/examples/small.yaml"),
        read("helm/examples/production.yaml"),
    ] {
        let said = helm(&["lint", "--strict", "helm/millstream", "-f", "-"], &values);
        said.unwrap_or_else(|said| panic!("{said}"));
    }
}

#[test]
fn it_is_for_this_version_of_the_program() {
    let chart = documents(&read("helm/millstream/Chart.yaml"), "Chart.yaml");
    let version = chart.first().map(|chart| chart["appVersion"].clone()).expect("a chart");
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
}

#[test]
fn its_package_has_what_it_needs_and_no_tests() {
    let folder = tempfile::tempdir().expect("a folder");
    let into = folder.path().display().to_string();
    helm(&["package", "helm/millstream", "--destination", &into], "").unwrap_or_else(|said| panic!("{said}"));
    let package = std::fs::read_dir(folder.path())
        .expect("a folder")
        .next()
        .expect("a package")
        .expect("an entry")
        .path();
    let output = Command::new("tar")
        .arg("tzf")
        .arg(&package)
        .output()
        .expect("tar starts");
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    for file in [
        "README.md",
        "values.schema.json",
        "alerts/millstream.yaml",
        "dashboards/overview.json",
        "files/canary.json",
        "templates/NOTES.txt",
    ] {
        assert!(
            list.contains(&format!("millstream/{file}\n")),
            "{file} is missing:\n{list}"
        );
    }
    assert!(!list.contains("alerts/tests"), "{list}");
    assert!(std::fs::metadata(&package).expect("a package").len() < 100_000);
}

/// YAML would take them for a number and a boolean.
#[test]
fn a_release_may_be_called_123_and_a_stage_true() {
    let arguments = [
        "template",
        "123",
        "helm/millstream",
        "--kube-version",
        NEWEST,
        "-n",
        "456",
        "-f",
        "-",
    ];
    let values = format!("{{{BROKERS}, stages: {{main: null, \"true\": {{}}}}}}");
    let text = helm(&arguments, &values).unwrap_or_else(|said| panic!("{said}"));
    for object in documents(&text, "123") {
        assert_eq!(object["metadata"]["namespace"], "456");
        for labels in [
            "/metadata/labels",
            "/spec/selector/matchLabels",
            "/spec/template/metadata/labels",
        ] {
            let labels = object
                .pointer(labels)
                .and_then(|labels| labels.as_object())
                .into_iter()
                .flatten();
            for (key, value) in labels {
                assert!(value.is_string(), "{key}: {value} in {object}");
            }
        }
    }
}

fn notes(values: &str) -> String {
    let said = helm(
        &["install", "try", "helm/millstream", "--dry-run=client", "-f", "-"],
        values,
    );
    let said = said.unwrap_or_else(|said| panic!("{said}"));
    said.split_once("NOTES:\n").expect("notes").1.to_owned()
}

#[test]
fn its_notes_say_what_to_do_next() {
    let said = notes(BROKERS);
    for part in [
        "rollout status statefulset/try-millstream-main",
        "helm -n default test try",
        "port-forward service/try-millstream 8080:8080",
        "topics.apply=true",
    ] {
        assert!(said.contains(part), "no {part}:\n{said}");
    }
    assert!(!said.contains("WARNING"), "{said}");
}

#[test]
fn its_notes_warn_of_what_is_allowed_but_hardly_meant() {
    for (values, warning) in [
        (
            "{replicas: 8, partitions: 6",
            "The stage main has 8 replicas and 6 partitions: 2 of them have nothing to do.",
        ),
        ("{persistence: {enabled: false}", "The stage main has no volumes"),
        ("{resources: {limits: null}", "The stage main has no memory limit"),
        ("{dashboards: {enabled: true}", "set runbooksUrl"),
        (
            "{check: {enabled: false}",
            "a topology with a mistake replaces the one that runs",
        ),
    ] {
        let said = notes(&format!("{values}, {BROKERS}}}"));
        let (_, warnings) = said
            .split_once("WARNING")
            .unwrap_or_else(|| panic!("no warning:\n{said}"));
        assert!(warnings.contains(warning), "{said}");
    }
}
