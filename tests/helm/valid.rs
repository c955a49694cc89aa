//! Every rendering against the schemas of Kubernetes and of the kinds of others, as their API server would check it: by kubectl-validate, one
//! process for each version.

use crate::rendering::{NEWEST, OLDEST, all, tool};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Versions whose schemas kubectl-validate has itself.
const BUILT_IN: [&str; 3] = ["1.28", "1.29", "1.30"];
/// The schemas of the newest one are given to it beside these.
const BASE: &str = "1.30";

fn validate(folder: &Path, version: &str, newest: bool) -> Result<(), String> {
    let mut command = Command::new(tool("kubectl-validate-v0.0.4/kubectl-validate"));
    command.arg(folder).args(["--version", version]);
    command.arg("--local-crds").arg(tool("crds-v0.85.0-v2.21.0-v1.6.3"));
    if newest {
        command.arg("--local-schemas").arg(tool("kubernetes-schemas-v1.34.4"));
    }
    let output = command.output().expect("kubectl-validate starts");
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.contains("OK"))
        .collect();
    Err(wrong.join("\n"))
}

/// All renderings for a version in a folder, a file each.
fn written(kubernetes: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join("rendered")
        .join(kubernetes);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut count = 0;
    for rendering in all().iter().filter(|rendering| rendering.kubernetes == kubernetes) {
        let name = rendering.case.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        std::fs::write(folder.join(format!("{name}.yaml")), &rendering.text).expect("written");
        count += 1;
    }
    assert!(count > 50, "{count} renderings");
    folder
}

#[test]
fn what_is_rendered_for_an_old_kubernetes_is_valid_from_then_on() {
    let folder = written(OLDEST);
    for version in BUILT_IN {
        validate(&folder, version, false).unwrap_or_else(|said| panic!("Kubernetes {version}:\n{said}"));
    }
    validate(&folder, BASE, true).unwrap_or_else(|said| panic!("Kubernetes {NEWEST}:\n{said}"));
}

#[test]
fn what_is_rendered_for_a_new_kubernetes_is_valid() {
    validate(&written(NEWEST), BASE, true).unwrap_or_else(|said| panic!("Kubernetes {NEWEST}:\n{said}"));
}

/// Otherwise the two above would say nothing.
#[test]
fn what_is_wrong_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let found = all()
        .iter()
        .find(|rendering| rendering.case == "a topology in an image");
    let text = &found.expect("a case").text;
    std::fs::write(folder.path().join("image.yaml"), text).expect("written");
    let said = validate(folder.path(), BASE, false).expect_err("1.30 has no volumes of images");
    assert!(said.contains("image"), "{said}");
    validate(folder.path(), BASE, true).expect("1.34 has them");

    let broken = text.replace("replicas: 1", "replicas: one");
    assert_ne!(&broken, text);
    std::fs::write(folder.path().join("image.yaml"), broken).expect("written");
    validate(folder.path(), BASE, true).expect_err("a text is no number");
}
