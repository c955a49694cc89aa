//! A real Chromium, driven by Playwright, as `./test` installs and fetches them.

use super::children;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// As `./test` names it.
const PLAYWRIGHT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/test-tools/playwright-core-1.65.1");
const CHROMIUM: &str = "/usr/bin/chromium";

/// One browser with one page.
pub struct Chromium {
    driver: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Chromium {
    pub fn start() -> Self {
        for needed in [PLAYWRIGHT, CHROMIUM] {
            assert!(
                Path::new(needed).exists(),
                "{needed} is missing: `./test --fetch` makes it"
            );
        }
        let mut command = Command::new("node");
        command
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/harness/page.mjs"))
            .args([PLAYWRIGHT, CHROMIUM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut driver = children::start(command);
        let input = driver.stdin.take();
        let output = BufReader::new(driver.stdout.take().expect("its output"));
        Self { driver, input, output }
    }

    /// Does one step of `page.mjs`, and gives what it saw.
    pub fn step(&mut self, step: &str, arguments: Value) -> Result<Value, String> {
        let mut asked = json!({"step": step});
        if let (Some(asked), Value::Object(arguments)) = (asked.as_object_mut(), arguments) {
            asked.extend(arguments);
        }
        let input = self.input.as_mut().expect("its input");
        writeln!(input, "{asked}").expect("the driver runs");
        input.flush().expect("the driver runs");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the driver answers");
        let mut answer: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the driver ended: {line:?}"));
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["seen"].take()),
        }
    }

    pub fn must(&mut self, step: &str, arguments: Value) -> Value {
        let told = format!("{step} {arguments}");
        self.step(step, arguments).unwrap_or_else(|why| panic!("{told}: {why}"))
    }

    /// Opens a page in a window of that size; its status.
    pub fn open(&mut self, url: &str, dark: bool, (width, height): (u32, u32)) -> u64 {
        let arguments = json!({"url": url, "dark": dark, "width": width, "height": height});
        self.must("open", arguments).as_u64().expect("a status")
    }

    /// Waits until an expression in the page is something, and gives it.
    pub fn wait(&mut self, expression: &str, limit: Duration) -> Value {
        let limit = u64::try_from(limit.as_millis()).expect("milliseconds");
        self.must("wait", json!({"expression": expression, "limit": limit}))
    }

    pub fn look(&mut self, expression: &str) -> Value {
        self.must("look", json!({"expression": expression}))
    }

    pub fn press(&mut self, key: &str) {
        self.must("press", json!({"key": key}));
    }

    /// Writes a picture of the window to the folder of the tests' files.
    pub fn shot(&mut self, name: &str) {
        self.shot_to(&Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.png")));
    }

    /// Writes a picture of the window there.
    pub fn shot_to(&mut self, path: &Path) {
        self.must("shot", json!({"path": path}));
    }

    /// Writes a picture of the whole page, however long it is.
    pub fn whole_shot(&mut self, path: &Path) {
        self.must("shot", json!({"path": path, "full": true}));
    }

    /// Opens a page that is a file.
    pub fn open_file(&mut self, path: &Path, (width, height): (u32, u32)) {
        let url = format!("file://{}", path.display());
        self.must(
            "open",
            json!({"url": url, "dark": true, "width": width, "height": height}),
        );
    }

    /// What the console said since the last time, and every address that was asked for.
    pub fn heard(&mut self) -> (Vec<String>, Vec<String>) {
        let heard = self.must("heard", json!({}));
        let texts = |value: &Value| -> Vec<String> {
            let all = value.as_array().expect("a list").iter();
            all.filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        (texts(&heard["said"]), texts(&heard["asked"]))
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // without more to do it ends, and closes the browser
        self.input = None;
        let _ = self.driver.wait();
    }
}
