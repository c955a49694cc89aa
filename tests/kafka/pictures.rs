//! Pictures of the dashboards, drawn from what Prometheus answers to the queries of their panels. They are for the documents, and no test of
//! what Grafana makes of a dashboard: `MILLSTREAM_BLESS=1` writes them to `docs/images`.

use crate::harness::chromium::Chromium;
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const TEMPLATE: &str = include_str!("../harness/dashboard.html");
/// The one of which the README has the beginning.
const OVERVIEW: &str = "overview";
const LIMIT: Duration = Duration::from_secs(20);
/// As wide as the template's body, and as high as what of the overview answers the first questions.
const WINDOW: (u32, u32) = (1360, 834);

/// What a dashboard's panels have been answered.
pub struct Drawing {
    name: String,
    dashboard: Value,
    /// By a panel's id: for each of its queries the series of the answer.
    answers: Map<String, Value>,
}

impl Drawing {
    pub fn of(name: &str, dashboard: &Value) -> Self {
        Self {
            name: name.to_owned(),
            dashboard: dashboard.clone(),
            answers: Map::new(),
        }
    }

    /// The answer to a panel's next query.
    pub fn add(&mut self, panel: &Value, data: &Value) {
        let answers = self.answers.entry(panel["id"].to_string()).or_insert_with(|| json!([]));
        answers.as_array_mut().expect("a list").push(data["result"].clone());
    }
}

/// Whether pictures are to be written to the documents.
pub fn blessed() -> bool {
    std::env::var_os("MILLSTREAM_BLESS").is_some()
}

/// Draws each, of what was between two times in seconds; `prefix` is the test's, and is left out.
pub fn draw(drawings: &[Drawing], (from, to): (&str, &str), application: &str, prefix: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut browser = Chromium::start();
    for drawing in drawings {
        let number = |text: &str| text.parse::<u64>().expect("seconds");
        let data = json!({"dashboard": drawing.dashboard, "answers": drawing.answers, "from": number(from), "to": number(to),
                          "application": application});
        // It stands in a page: nothing in it may end the script.
        let data = data.to_string().replace(prefix, "").replace("</", "<\\/");
        let page = folder.path().join(format!("{}.html", drawing.name));
        fs::write(&page, TEMPLATE.replacen("DRAWN", &data, 1)).expect("a page");
        browser.open_file(&page, WINDOW);
        browser.wait("document.documentElement.dataset.drawn === 'yes'", LIMIT);
        let panels = drawing.dashboard["panels"].as_array().expect("panels").len();
        let drawn = browser.look("document.querySelectorAll('section').length");
        assert_eq!(drawn, panels, "{}: not every panel is drawn", drawing.name);
        let path = picture(&drawing.name);
        browser.whole_shot(&path);
        if drawing.name == OVERVIEW {
            browser.shot_to(&picture(&format!("{OVERVIEW}-top")));
        }
        println!("{} is drawn: {}", drawing.name, path.display());
        let (said, _) = browser.heard();
        assert!(said.is_empty(), "{}: {said:?}", drawing.name);
    }
}

fn picture(name: &str) -> PathBuf {
    let folder = if blessed() {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images")
    } else {
        PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
    };
    folder.join(format!("dashboard-{name}.png"))
}
