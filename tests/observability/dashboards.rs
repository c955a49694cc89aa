//! The dashboards: whether Grafana and a tired person can read them.

use crate::known::Known;
use crate::pretty::pretty;
use crate::{files, read, report, root};
use serde_json::Value;
use std::collections::BTreeSet;

pub const FOLDER: &str = "helm/millstream/dashboards";
/// Of every dashboard. `runbooks` is hidden, and set when a dashboard is installed.
const VARIABLES: [&str; 5] = ["datasource", "namespace", "application", "instance", "runbooks"];
/// What a graph's legend may take of it.
const WIDEST_LEGEND: i64 = 300;

pub struct Dashboard {
    pub name: String,
    pub json: Value,
}

pub fn dashboards() -> Vec<Dashboard> {
    let all = files(FOLDER, "json").into_iter();
    all.map(|(name, path)| Dashboard {
        json: serde_json::from_str(&read(&path)).unwrap_or_else(|error| panic!("{name}: {error}")),
        name,
    })
    .collect()
}

impl Dashboard {
    /// The panels that show something.
    pub fn panels(&self) -> impl Iterator<Item = &Value> {
        self.all().iter().filter(|panel| panel["type"] != "row")
    }

    fn all(&self) -> &[Value] {
        self.json["panels"].as_array().map_or(&[], Vec::as_slice)
    }
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn queries(panel: &Value) -> impl Iterator<Item = &str> {
    let targets = panel["targets"].as_array().map_or(&[][..], Vec::as_slice);
    targets.iter().map(|target| text(target, "/expr"))
}

/// Says of every panel what `rule` finds.
fn check(rule: impl Fn(&Value, &mut Vec<String>)) {
    let mut all = Vec::new();
    for dashboard in dashboards() {
        for panel in dashboard.panels() {
            let mut findings = Vec::new();
            rule(panel, &mut findings);
            let at = format!("{}: `{}`", dashboard.name, text(panel, "/title"));
            all.extend(findings.into_iter().map(|finding| format!("{at}: {finding}")));
        }
    }
    report(&all);
}

#[test]
fn they_are_written_as_they_shall_be() {
    let bless = std::env::var_os("MILLSTREAM_BLESS").is_some();
    let mut findings = Vec::new();
    for (name, path) in files(FOLDER, "json") {
        let found = read(&path);
        let wanted = pretty(&serde_json::from_str(&found).expect("JSON"));
        if bless {
            std::fs::write(&path, wanted).expect("a dashboard is written");
        } else if found != wanted {
            findings.push(format!(
                "{name}: run MILLSTREAM_BLESS=1 cargo test --test observability"
            ));
        }
    }
    report(&findings);
}

#[test]
fn each_has_a_fixed_uid_the_variables_and_links_to_the_others_and_to_the_runbooks() {
    let mut findings = Vec::new();
    for Dashboard { name, json } in dashboards() {
        if json["uid"] != format!("millstream-{name}") {
            findings.push(format!(
                "{name}: its uid is not millstream-{name}, by which others link to it"
            ));
        }
        let variables = json.pointer("/templating/list").and_then(Value::as_array).cloned();
        let variables: Vec<Value> = variables.unwrap_or_default();
        let names: Vec<&str> = variables.iter().map(|variable| text(variable, "/name")).collect();
        if names != VARIABLES {
            findings.push(format!("{name}: its variables are {names:?}"));
        }
        let links = json["links"].to_string();
        for part in [
            r#""tags":["millstream"]"#,
            r#""includeVars":true"#,
            "${runbooks}/README.md",
        ] {
            if !links.contains(part) {
                findings.push(format!("{name}: no link has {part}"));
            }
        }
        if !json["tags"].to_string().contains("millstream") {
            findings.push(format!("{name}: without the tag millstream others do not link to it"));
        }
    }
    report(&findings);
}

#[test]
fn panels_have_ids_of_their_own_and_do_not_lie_on_one_another() {
    let mut findings = Vec::new();
    for dashboard in dashboards() {
        let (mut ids, mut cells) = (BTreeSet::new(), BTreeSet::new());
        for panel in dashboard.all() {
            let at = format!("{}: `{}`", dashboard.name, text(panel, "/title"));
            if !ids.insert(panel["id"].as_i64().unwrap_or(-1)) {
                findings.push(format!("{at}: its id is another's, too"));
            }
            let place = |key: &str| panel["gridPos"][key].as_i64().unwrap_or(-1);
            let (x, y, w, h) = (place("x"), place("y"), place("w"), place("h"));
            if x < 0 || y < 0 || w < 1 || h < 1 || x + w > 24 {
                findings.push(format!("{at}: it lies outside"));
                continue;
            }
            let own = (y..y + h).flat_map(|y| (x..x + w).map(move |x| (x, y)));
            if own.filter(|cell| !cells.insert(*cell)).count() > 0 {
                findings.push(format!("{at}: it lies on another"));
            }
        }
    }
    report(&findings);
}

#[test]
fn each_panel_says_what_it_shows_in_which_unit_and_where_it_has_it_from() {
    check(|panel, findings| {
        if !text(panel, "/description").ends_with('.') {
            findings.push("describe it: what to do about what is seen".to_owned());
        }
        if text(panel, "/fieldConfig/defaults/unit").is_empty() {
            findings.push("it has no unit".to_owned());
        }
        if text(panel, "/fieldConfig/defaults/noValue").is_empty() {
            findings.push("say what is shown where there is nothing".to_owned());
        }
        if text(panel, "/datasource/uid") != "${datasource}" {
            findings.push("its data source is not the variable".to_owned());
        }
        if queries(panel).count() == 0 || queries(panel).any(str::is_empty) {
            findings.push("it asks nothing".to_owned());
        }
        for query in queries(panel) {
            let chosen = query.contains(r#"instance=~"$instance""#) || query.contains(r#"application=~"$application"#);
            if !query.contains(r#"namespace=~"$namespace""#) || !chosen {
                findings.push(format!("what is chosen above does not choose in {query}"));
            }
        }
    });
}

#[test]
fn no_legend_overflows() {
    check(|panel, findings| {
        let legend = &panel["options"]["legend"];
        let width = legend["width"].as_i64().unwrap_or(i64::MAX);
        let is_narrow = legend["placement"] == "right" && legend["displayMode"] == "table" && width <= WIDEST_LEGEND;
        if panel["type"] == "timeseries" && !is_narrow {
            findings.push(format!(
                "its legend is no table at the right of at most {WIDEST_LEGEND}"
            ));
        }
    });
}

#[test]
fn they_name_metrics_that_there_are() {
    let known = Known::new();
    let mut findings = Vec::new();
    for Dashboard { name, json } in dashboards() {
        let unknown = known.unknown(&json.to_string());
        findings.extend(unknown.iter().map(|word| format!("{name}: there is no {word}")));
    }
    report(&findings);
}

#[test]
fn they_link_to_runbooks_that_there_are() {
    check(|panel, findings| {
        for link in panel["links"].as_array().map_or(&[][..], Vec::as_slice) {
            let file = text(link, "/url").strip_prefix("${runbooks}/").unwrap_or_default();
            if file.is_empty() || !root().join("docs/runbooks").join(file).exists() {
                findings.push(format!("its link leads nowhere: {link}"));
            }
        }
    });
}

#[test]
fn the_overview_begins_with_five_numbers() {
    let all = dashboards();
    let overview = all.iter().find(|dashboard| dashboard.name == "overview");
    let first = overview.expect("the overview").panels();
    let first: Vec<&str> = first
        .filter(|panel| panel["gridPos"]["y"] == 0)
        .map(|panel| {
            assert_eq!(panel["type"], "stat");
            assert!(panel["links"].is_array(), "a link to what to do");
            text(panel, "/title")
        })
        .collect();
    let wanted = [
        "Ready instances",
        "Lag",
        "Dead letters per minute",
        "Aborted transactions per minute",
        "Feeds down",
    ];
    assert_eq!(first, wanted);
}
