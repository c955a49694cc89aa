//! The flow over a queue in memory that forgets, refuses and goes away, and a broker that is slow.

use super::flow::{Flow, Limits};
use super::queue::{Queue, Refused};
use super::trouble::Trouble;
use crate::broker::{BrokerError, Done, Outgoing, Reaction, Writer};
use crate::feed::keys::Keys;
use crate::feed::{FeedState, Outlet, Stop};
use crate::topology::load_text;
use aws_sdk_sqs::types::Message;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;

const LIMIT: Duration = Duration::from_secs(10);

/// A queue as SQS is one: what was received is hidden for a while, and a new receipt comes with each time.
#[derive(Default)]
struct Fake {
    /// Body, when it is seen again, how often it was received, its last receipt.
    messages: RefCell<BTreeMap<usize, (String, Instant, u32, String)>>,
    receives: Cell<usize>,
    /// Answers instead of the queue's own, used up one by one.
    deletes: RefCell<VecDeque<Result<Vec<Refused>, Trouble>>>,
    troubles: RefCell<VecDeque<Trouble>>,
    /// How often a message was hidden anew, and shown at once.
    extended: Cell<usize>,
    given_back: Cell<usize>,
}

impl Fake {
    fn with(bodies: &[&str]) -> Self {
        let fake = Self::default();
        for (index, body) in bodies.iter().enumerate() {
            let one = ((*body).to_owned(), Instant::now(), 0, String::new());
            fake.messages.borrow_mut().insert(index, one);
        }
        fake
    }

    fn left(&self) -> usize {
        self.messages.borrow().len()
    }

    fn received(&self) -> Vec<u32> {
        self.messages.borrow().values().map(|(_, _, count, _)| *count).collect()
    }
}

impl Queue for Fake {
    async fn receive(&self, wait: Duration, visibility: Duration) -> Result<Vec<Message>, Trouble> {
        self.receives.set(self.receives.get() + 1);
        if let Some(trouble) = self.troubles.borrow_mut().pop_front() {
            return Err(trouble);
        }
        let end = Instant::now() + wait;
        loop {
            let now = Instant::now();
            let mut found = Vec::new();
            for (index, (body, seen, count, receipt)) in self.messages.borrow_mut().iter_mut() {
                if found.len() < 10 && *seen <= now {
                    *count += 1;
                    *receipt = format!("{index}-{count}");
                    *seen = now + visibility;
                    found.push(
                        Message::builder()
                            .body(body.clone())
                            .receipt_handle(receipt.clone())
                            .build(),
                    );
                }
            }
            if !found.is_empty() || now >= end {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn delete(&self, receipts: &[String]) -> Result<Vec<Refused>, Trouble> {
        assert!((1..=10).contains(&receipts.len()), "a batch of {}", receipts.len());
        let answer = self.deletes.borrow_mut().pop_front().unwrap_or(Ok(Vec::new()));
        if let Ok(refused) = &answer {
            for (index, receipt) in receipts.iter().enumerate() {
                if !refused.iter().any(|refused| refused.index == index) {
                    self.messages.borrow_mut().retain(|_, (_, _, _, last)| last != receipt);
                }
            }
        }
        answer
    }

    async fn hide(&self, receipts: &[String], visibility: Duration) -> Result<Vec<Refused>, Trouble> {
        assert!((1..=10).contains(&receipts.len()), "a batch of {}", receipts.len());
        for (_, seen, _, receipt) in self.messages.borrow_mut().values_mut() {
            if receipts.contains(receipt) {
                *seen = Instant::now() + visibility;
                let counter = if visibility.is_zero() {
                    &self.given_back
                } else {
                    &self.extended
                };
                counter.set(counter.get() + 1);
            }
        }
        Ok(Vec::new())
    }
}

/// Keeps what is written, and tells of it when it is let.
#[derive(Default)]
struct Slow {
    written: Mutex<Vec<(String, Vec<u8>)>>,
    waiting: Mutex<Vec<Done>>,
    holds: Mutex<bool>,
    /// What is told of the next ones, instead of success.
    failures: Mutex<Vec<BrokerError>>,
}

impl Slow {
    fn hold(&self) {
        *self.holds.lock().unwrap() = true;
    }

    fn let_go(&self) {
        *self.holds.lock().unwrap() = false;
        for done in self.waiting.lock().unwrap().drain(..) {
            done(Ok(()));
        }
    }

    fn written(&self) -> Vec<String> {
        let written = self.written.lock().unwrap();
        written
            .iter()
            .map(|(topic, value)| format!("{topic} {}", String::from_utf8_lossy(value)))
            .collect()
    }
}

impl Writer for Slow {
    fn write(&self, record: Outgoing<'_>, done: Done) -> Option<Done> {
        if let Some(error) = self.failures.lock().unwrap().pop() {
            done(Err(error));
            return None;
        }
        let value = record.value.unwrap_or_default().to_vec();
        self.written.lock().unwrap().push((record.topic.to_owned(), value));
        if *self.holds.lock().unwrap() {
            self.waiting.lock().unwrap().push(done);
        } else {
            done(Ok(()));
        }
        None
    }

    fn pending(&self) -> usize {
        self.waiting.lock().unwrap().len()
    }
}

const TOPOLOGY: &str = "\
application: shop
sources: {orders: {topic: feed}}
feeds: {queue: {type: sqs, queue_url: \"https://sqs.eu-west-1.amazonaws.com/1/q\", topic: feed}}
sinks: {out: {from: orders, topic: out}}
dead_letters: {topic: dead}
";

const LIMITS: Limits = Limits {
    wait: Duration::from_millis(50),
    visibility: Duration::from_millis(200),
    in_flight: 20,
    receivers: 4,
    unwrap_sns: false,
    grace: Duration::from_millis(500),
};

/// Runs the flow until `done` says so, stops it, and waits for its end.
fn run(queue: &Fake, writer: &Arc<Slow>, limits: Limits, mut done: impl FnMut(&FeedState) -> bool) -> Duration {
    let topology = Arc::new(load_text(TOPOLOGY, Path::new("."), &|_| None).unwrap_or_else(|found| panic!("{found:?}")));
    let state = Arc::new(FeedState::new("queue"));
    let outlet = Outlet {
        topic: "feed".to_owned(),
        dead_letters: "dead".to_owned(),
        writer: Arc::clone(writer) as Arc<dyn Writer>,
        keys: Mutex::new(Keys::new(topology, 0)),
        state: Arc::clone(&state),
    };
    let (stop, stopped) = watch::channel(false);
    let flow = Flow::new(queue, &outlet, limits);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut stopping = Instant::now();
    runtime.block_on(async {
        let deadline = Instant::now() + LIMIT;
        tokio::join!(flow.run(Stop::of(stopped)), async {
            while !done(&state) {
                assert!(Instant::now() < deadline, "in vain: {:?}", state.why_down());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            stopping = Instant::now();
            stop.send(true).unwrap();
        });
    });
    stopping.elapsed()
}

fn failure(reaction: Reaction) -> BrokerError {
    BrokerError {
        operation: "write",
        message: "no".to_owned(),
        reaction,
    }
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[test]
fn messages_are_written_in_order_and_then_deleted() {
    let bodies = numbers(35);
    let queue = Fake::with(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
    let writer = Arc::new(Slow::default());
    run(&queue, &writer, LIMITS, |state| {
        queue.left() == 0 && state.why_down().is_none()
    });
    let wanted: Vec<String> = bodies.iter().map(|body| format!("feed {body}")).collect();
    assert_eq!(writer.written(), wanted);
    assert_eq!(
        (queue.extended.get(), queue.given_back.get()),
        (0, 0),
        "nothing took long"
    );
}

#[test]
fn while_kafka_is_slow_messages_stay_hidden_and_no_more_are_taken_than_may_be_in_flight() {
    let bodies = numbers(35);
    let queue = Fake::with(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
    let writer = Arc::new(Slow::default());
    writer.hold();
    let began = Instant::now();
    run(&queue, &writer, LIMITS, |_| {
        if began.elapsed() > 4 * LIMITS.visibility {
            writer.let_go();
        } else {
            assert!(writer.written().len() <= LIMITS.in_flight);
            assert_eq!(queue.left(), 35, "nothing is deleted that Kafka has not got");
            assert!(queue.received().iter().all(|count| *count <= 1), "none was seen again");
        }
        queue.left() == 0
    });
    assert_eq!(writer.written().len(), 35, "each came once");
    assert!(
        queue.extended.get() >= 3 * LIMITS.in_flight,
        "{} extended",
        queue.extended.get()
    );
}

#[test]
fn what_of_a_batch_was_not_deleted_is_deleted_again_unless_it_never_can_be() {
    let queue = Fake::with(&["a", "b", "c"]);
    let refused = |index, for_good| Refused {
        index,
        for_good,
        code: "x".to_owned(),
    };
    queue.deletes.borrow_mut().extend([
        Err(Trouble::new("away")),
        Ok(vec![refused(0, false), refused(2, true)]),
        Ok(vec![refused(0, false)]),
    ]);
    let writer = Arc::new(Slow::default());
    let limits = Limits {
        visibility: Duration::from_secs(2),
        ..LIMITS
    };
    let mut was_down = false;
    run(&queue, &writer, limits, |state| {
        was_down |= state.why_down().as_deref() == Some("away");
        queue.left() == 0
    });
    assert!(was_down, "who can't delete says so");
    assert_eq!(
        writer.written(),
        ["feed a", "feed b", "feed c", "feed c"],
        "what was refused for good comes again"
    );
}

#[test]
fn what_kafka_did_not_take_is_given_back_and_comes_again_after_a_while() {
    let queue = Fake::with(&["a"]);
    let writer = Arc::new(Slow::default());
    writer.failures.lock().unwrap().push(failure(Reaction::Rebuild));
    let limits = Limits {
        visibility: Duration::from_secs(100),
        ..LIMITS
    };
    let began = Instant::now();
    let mut why = None;
    run(&queue, &writer, limits, |state| {
        why = why.take().or(state.why_down().filter(|why| why.contains("Kafka")));
        queue.left() == 0
    });
    assert_eq!(queue.given_back.get(), 1);
    assert_eq!(writer.written(), ["feed a"]);
    assert_eq!(why.as_deref(), Some("Kafka did not take a message: write: no"));
    assert!(
        began.elapsed() >= Duration::from_millis(125),
        "not at once: {:?}",
        began.elapsed()
    );
}

#[test]
fn a_message_that_can_never_be_a_record_is_kept_as_a_dead_letter_and_deleted() {
    let queue = Fake::with(&["huge"]);
    let writer = Arc::new(Slow::default());
    writer.failures.lock().unwrap().push(failure(Reaction::DeadLetter));
    run(&queue, &writer, LIMITS, |_| queue.left() == 0);
    assert_eq!(writer.written(), ["dead huge"]);

    let envelope = r#"{"Type": "Notification", "Message": "inside"}"#;
    let queue = Fake::with(&["no envelope", envelope]);
    let writer = Arc::new(Slow::default());
    let limits = Limits {
        unwrap_sns: true,
        ..LIMITS
    };
    run(&queue, &writer, limits, |_| queue.left() == 0);
    let mut written = writer.written();
    written.sort();
    assert_eq!(written, ["dead no envelope", "feed inside"]);
}

#[test]
fn while_sqs_is_away_it_is_tried_again_and_the_reason_is_told() {
    let queue = Fake::with(&["a"]);
    let troubles = ["away", "away"].map(Trouble::new);
    queue.troubles.borrow_mut().extend(troubles);
    let writer = Arc::new(Slow::default());
    let mut was_down = false;
    run(&queue, &writer, LIMITS, |state| {
        was_down |= state.why_down().as_deref() == Some("away");
        queue.left() == 0
    });
    assert!(was_down);
    assert!((3..8).contains(&queue.receives.get()), "{} times", queue.receives.get());
}

#[test]
fn at_the_end_what_kafka_has_not_got_is_given_back() {
    let bodies = numbers(15);
    let queue = Fake::with(&bodies.iter().map(String::as_str).collect::<Vec<_>>());
    let writer = Arc::new(Slow::default());
    writer.hold();
    let limits = Limits {
        visibility: Duration::from_secs(100),
        ..LIMITS
    };
    let took = run(&queue, &writer, limits, |_| writer.pending() == 15);
    assert_eq!(queue.given_back.get(), 15);
    assert_eq!(queue.left(), 15);
    assert!(took < Duration::from_secs(2), "it ended after {took:?}");
}

#[test]
fn at_the_end_what_kafka_gets_in_time_is_deleted() {
    let queue = Fake::with(&["a", "b"]);
    let writer = Arc::new(Slow::default());
    writer.hold();
    let late = Arc::clone(&writer);
    let mut letting_go = None;
    let took = run(&queue, &writer, LIMITS, |_| {
        let is_under_way = writer.pending() == 2;
        if is_under_way && letting_go.is_none() {
            let late = Arc::clone(&late);
            letting_go = Some(std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(300));
                late.let_go();
            }));
        }
        is_under_way
    });
    letting_go.unwrap().join().unwrap();
    assert_eq!((queue.left(), queue.given_back.get()), (0, 0));
    assert!(took < LIMITS.grace, "it ended after {took:?}");
}
