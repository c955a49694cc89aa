//! The live page in a real Chromium, against a running pipeline under load on a real broker.

use crate::harness::broker::shared;
use crate::harness::chromium::Chromium;
use crate::harness::client::Message;
use crate::harness::documents::{Documents, documents};
use crate::harness::millstream::{Instance, TestTopology};
use crate::harness::rabbitmq;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const INSTANCE: &str = "customer-events-0";
const KEY: &str = "not-for-production";
const LIMIT: Duration = Duration::from_secs(30);
const WIDE: (u32, u32) = (1600, 780);

/// The shipped topology with its feeds, whose webhook listens on any port.
fn pipeline(test: &str) -> Pipeline {
    let rabbit = rabbitmq::shared();
    // A killed instance's partitions are given to the next after this.
    let topology = TestTopology::customer_events_fed(test)
        .kafka("session.timeout.ms", "6000")
        .kafka("heartbeat.interval.ms", "500")
        .edit(|yaml| {
            yaml.replace("exchange: ecomm", &format!("exchange: {test}")).replace(
                "path: /feeds/eventbridge",
                "path: /feeds/eventbridge\n    listen: \"127.0.0.1:0\"",
            )
        })
        .variable("RABBITMQ_URL", &rabbit.url())
        .variable("EVENTBRIDGE_KEY", KEY);
    Pipeline::customers(topology, &shared().address())
}

/// EventBridge's events, a few of them broken, and between them those of every feed, each time with other bytes.
fn traffic(pipeline: &Pipeline, documents: &Documents) -> Vec<Message> {
    let load = pipeline.load("page", 60_000, 500, &mut Random::new(7));
    let mut others = documents.messages.iter().cycle();
    let mut all = Vec::new();
    for (number, message) in load.messages.into_iter().enumerate() {
        all.push(message);
        if number % 6 == 0
            && let Some(other) = others.next()
        {
            let mut other = other.clone();
            let rounds = number / 6 / documents.messages.len();
            if let Some(value) = &mut other.value {
                value.extend(std::iter::repeat_n(b' ', rounds));
            }
            all.push(other);
        }
    }
    all
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A source's panel shows records as they come, and goes on.
fn records_that_pass_are_shown(browser: &mut Chromium) {
    let source = serde_json::json!({"selector": "[data-id=\"source:eventbridge\"]"});
    browser.must("click", source);
    browser.must("click", serde_json::json!({"selector": "#samples"}));
    let first = "document.querySelector('#panel-samples li')?.innerText";
    let before = browser.wait(first, LIMIT);
    assert!(text(&before).contains("feed.eventbridge partition "), "{before}");
    browser.wait("document.querySelectorAll('#panel-samples pre').length > 2", LIMIT);
    browser.wait(&format!("{first} !== {before}"), LIMIT);
    browser.shot("page-records-light");
    browser.press("Escape");
}

/// What is told of records by all parts, looked at for a few seconds.
fn looked_at(instance: &Instance, ids: &[&str]) -> String {
    let mut all = String::new();
    for _ in 0..5 {
        for id in ids {
            let (status, body) = instance.get(&format!("/api/samples/{id}")).expect("an answer");
            let has_some = ["source:", "processor:", "sink:"]
                .iter()
                .any(|kind| id.starts_with(kind));
            assert_eq!(status, if has_some { 200 } else { 404 }, "{id}: {body}");
            all += &body;
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    for id in ["processor:dedupe", "processor:enrich", "sink:integration"] {
        assert!(
            all.contains(&format!("{{\"node\":\"{id}\",\"records\":[{{")),
            "none passed {id}: {all}"
        );
    }
    all
}

#[test]
fn the_page_shows_a_running_pipeline() {
    let pipeline = pipeline("page");
    let mut instance = pipeline.start_with(INSTANCE, &["--page-samples"]);
    instance.wait_ready();
    let http = instance.http().to_owned();
    let url = format!("http://{http}/");
    let documents = documents(&pipeline.topology);
    let traffic = traffic(&pipeline, &documents);
    let flow = pipeline.flow(&traffic, Duration::from_secs(100));

    let mut browser = Chromium::start();
    assert_eq!(browser.open(&url, false, WIDE), 200);
    let state = "document.getElementById('status').dataset.state";
    browser.wait(&format!("{state} === 'ready'"), LIMIT);

    // every node is there, once
    let ids = browser.look("[...document.querySelectorAll('.node')].map((node) => node.dataset.id)");
    let ids: Vec<&str> = ids.as_array().expect("a list").iter().map(text).collect();
    for id in [
        "feed:ecomm",
        "feed:webhook",
        "source:eventbridge",
        "source:rabbitmq",
        "source:customer",
        "source:subscriber",
        "processor:normalize-eventbridge",
        "processor:normalize-rabbitmq",
        "processor:validate-customer",
        "processor:normalize-customer",
        "processor:validate-subscriber",
        "processor:normalize-subscriber",
        "processor:by-customer",
        "processor:dedupe",
        "processor:enrich",
        "processor:line-of-business",
        "table:collections",
        "table:stores",
        "sink:integration",
        "sink:subscribers",
        "sink:activity",
    ] {
        assert_eq!(ids.iter().filter(|other| **other == id).count(), 1, "{id} in {ids:?}");
    }
    assert_eq!(ids.len(), 21, "{ids:?}");
    let overlaps = browser.look(
        "(() => { const boxes = [...document.querySelectorAll('.node .body')].map((body) => body.getBoundingClientRect()); \
         return boxes.filter((a, i) => boxes.some((b, j) => j > i && a.left < b.right && b.left < a.right && a.top < b.bottom \
         && b.top < a.bottom)).length; })()",
    );
    assert_eq!(overlaps, 0, "no node is over another");

    // rates come and change, and what fails is red
    let rate = |id: &str| format!("document.querySelector('[data-id=\"{id}\"] .rate').textContent");
    browser.wait(&format!("parseFloat({}) > 0", rate("source:eventbridge")), LIMIT);
    browser.wait(&format!("parseFloat({}) > 0", rate("sink:integration")), LIMIT);
    let first = browser.look(&rate("processor:dedupe"));
    browser.wait(&format!("{} !== {first}", rate("processor:dedupe")), LIMIT);
    let badge = "document.querySelector('[data-id=\"source:eventbridge\"] .badge')";
    browser.wait(
        &format!("{badge}.getAttribute('visibility') === 'visible' && {badge}.textContent !== '0'"),
        LIMIT,
    );
    assert_eq!(
        browser.look(&format!("getComputedStyle({badge}.querySelector('rect')).fill")),
        "rgb(198, 40, 40)"
    );
    // The pictures are shown to people: a while of rates, and the application as it is called without this test's prefix.
    std::thread::sleep(Duration::from_secs(35));
    browser.look("document.getElementById('application').textContent = 'customer-events'");
    browser.shot("page-light");

    // a node's panel, by keyboard alone
    browser.must(
        "focus",
        serde_json::json!({"selector": "[data-id=\"source:eventbridge\"]"}),
    );
    browser.press("Enter");
    browser.wait("document.querySelector('#panel-errors li')", LIMIT);
    let panel = browser.look("document.getElementById('panel').innerText");
    for said in [
        "eventbridge",
        "dead letters",
        "feed.eventbridge",
        "decode",
        "partition",
        "topology.yaml:",
    ] {
        assert!(text(&panel).contains(said), "{said} in {panel}");
    }
    assert!(!text(&panel).contains("-broken-"), "nothing of a record: {panel}");
    browser.shot("page-panel-light");
    browser.press("Escape");
    assert_eq!(browser.look("document.getElementById('panel').hidden"), true);
    assert_eq!(browser.look("document.activeElement.dataset.id"), "source:eventbridge");
    browser.must(
        "click",
        serde_json::json!({"selector": "[data-id=\"processor:dedupe\"]"}),
    );
    browser.wait(
        "/entries of dedupe/i.test(document.getElementById('panel').innerText)",
        LIMIT,
    );
    let panel = browser.look("document.getElementById('panel').innerText");
    assert!(
        text(&panel).contains("window: 7d") && text(&panel).contains("duplicate"),
        "{panel}"
    );

    records_that_pass_are_shown(&mut browser);
    let shown = looked_at(&instance, &ids);
    for secret in &documents.secrets {
        assert!(!shown.contains(secret.as_str()), "{secret} in {shown}");
    }

    // nothing of a record or of the environment is in the data
    let data = ["/api/topology", "/api/failures"].map(|path| instance.get(path).expect("an answer").1);
    for secret in documents.secrets.iter().map(String::as_str).chain([KEY, "-broken-"]) {
        assert!(data.iter().all(|data| !data.contains(secret)), "{secret} in {data:?}");
    }

    // dark as the system is, and as one likes
    let ground = "getComputedStyle(document.body).backgroundColor";
    let light = browser.look(ground);
    browser.must("scheme", serde_json::json!({"dark": true}));
    let dark = browser.look(ground);
    assert_ne!(light, dark);
    browser.shot("page-panel-dark");
    browser.press("Escape");
    browser.shot("page-dark");
    browser.must("click", serde_json::json!({"selector": "#theme"}));
    assert_eq!(browser.look(ground), light);
    browser.must("click", serde_json::json!({"selector": "#theme"}));
    assert_eq!(browser.look(ground), dark);

    // on a phone nothing is wider than it
    browser.must("resize", serde_json::json!({"width": 390, "height": 844}));
    browser.wait("document.documentElement.scrollWidth <= 390", LIMIT);
    std::thread::sleep(Duration::from_millis(500));
    browser.shot("page-phone");
    browser.must("resize", serde_json::json!({"width": WIDE.0, "height": WIDE.1}));

    // nothing was wrong, and nobody else was asked for anything
    let (said, asked) = browser.heard();
    assert!(said.is_empty(), "{said:?}");
    assert!(
        asked.len() > 4
            && asked
                .iter()
                .all(|address| address.starts_with(&url) || address.starts_with("data:")),
        "{asked:?}"
    );

    // it says that the instance is gone, and comes back with it, and with what it has to catch up on
    instance.kill();
    browser.wait(&format!("{state} === 'lost'"), LIMIT);
    let banner = browser.look("document.getElementById('banner').innerText");
    assert!(text(&banner).starts_with("Disconnected since "), "{banner}");
    browser.shot("page-lost");
    (0..2).for_each(|_| pipeline.produce(&traffic));
    let program = Path::new(env!("CARGO_BIN_EXE_millstream"));
    let mut instance = Instance::launch_at(&http, program, &pipeline.topology, pipeline.brokers(), INSTANCE, &[]);
    browser.wait(&format!("{state} === 'waiting' || {state} === 'ready'"), LIMIT);
    browser.shot("page-waiting");
    browser.wait(&format!("{state} === 'ready'"), LIMIT);
    let lag = "document.querySelector('[data-id=\"source:eventbridge\"] .note.late')?.textContent";
    println!("it says {} after its start", browser.wait(lag, LIMIT));
    let cell = "[...document.querySelectorAll('#rows tr')].find((row) => row.innerText.startsWith('eventbridge')).querySelector('td.late')?.textContent";
    let late = browser.wait(cell, LIMIT);
    let late: u64 = text(&late).replace(',', "").parse().expect("a number");
    assert!((100..300_000).contains(&late), "{late} records are late");
    browser.wait(&format!("parseFloat({}) > 0", rate("source:eventbridge")), LIMIT);
    drop(flow);
    assert!(instance.terminate().success());
    browser.wait(&format!("{state} === 'lost'"), LIMIT);
}
