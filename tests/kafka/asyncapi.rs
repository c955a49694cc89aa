//! AsyncAPI's own parser, which nobody here wrote, reads the document of the shipped topology.

use crate::harness::millstream::run_command;
use crate::harness::programs;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// As `./test` names it.
const PARSER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/asyncapi-parser-3.6.6");

/// What the parser says of a document.
fn parsed(document: &str) -> Value {
    assert!(
        Path::new(PARSER).is_dir(),
        "{PARSER} is missing: `./test --fetch` makes it"
    );
    let mut parser = Command::new("node");
    parser
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/asyncapi.mjs"))
        .arg(PARSER);
    let output = programs::output(&mut parser, document).expect("node, as ./test installs it");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

#[test]
fn the_official_parser_finds_nothing_wrong_with_the_shipped_topology() {
    let topology = concat!(env!("CARGO_MANIFEST_DIR"), "/topology/customer-events");
    let (status, document, said) = run_command(&["asyncapi", topology]);
    assert!(status.success(), "{said}");
    let told = parsed(&document);
    let wrong = told["wrong"].as_array().expect("a list").iter();
    let wrong: Vec<&Value> = wrong.filter(|wrong| wrong["severity"] != "information").collect();
    assert!(told["valid"] == true && wrong.is_empty(), "{told:#}");
    assert_eq!(
        told["operations"]["send"],
        json!([
            "CustomerCreated",
            "CustomerUpdated",
            "CustomerWalletUpdated",
            "PasswordReset",
            "OtpCode"
        ])
    );
    // it does say so, where something is wrong
    let broken = document.replace("#/components/messages/OtpCode", "#/components/messages/OtpKode");
    assert_ne!(broken, document);
    let told = parsed(&broken);
    let is_error = |wrong: &Value| wrong["severity"] == "error";
    let wrong = told["wrong"].as_array().expect("a list");
    assert!(told["valid"] == false && wrong.iter().any(is_error), "{told:#}");
}
