//! A Kafka that does not answer, is full or fails: an answer in time, and memory that is bounded.

use super::*;
use std::sync::PoisonError;
use std::time::Instant;

/// What Kafka does, and whom it owes an answer.
#[derive(Default)]
struct Slow {
    owed: Mutex<Vec<Done>>,
    mood: Mutex<Mood>,
    written: Mutex<Vec<Vec<u8>>>,
}

#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Silent,
    Answers,
    Full,
    /// Full after so many.
    FullAfter(usize),
    Fails,
}

impl Slow {
    fn now(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn owed(&self) -> Vec<Done> {
        std::mem::take(&mut *self.owed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Writer for Slow {
    fn write(&self, record: Outgoing<'_>, done: Done) -> Option<Done> {
        let mut written = self.written.lock().unwrap();
        match *self.mood.lock().unwrap() {
            Mood::Full => return Some(done),
            Mood::FullAfter(most) if written.len() >= most => return Some(done),
            Mood::Silent => self.owed.lock().unwrap().push(done),
            Mood::Answers | Mood::FullAfter(_) => done(Ok(())),
            Mood::Fails => done(Err(BrokerError {
                operation: "write",
                message: "away".to_owned(),
                reaction: Reaction::Retry,
            })),
        }
        written.push(record.value.unwrap_or_default().to_vec());
        None
    }

    fn pending(&self) -> usize {
        self.owed.lock().unwrap().len()
    }
}

fn slow(mood: Mood) -> (Hook, Arc<Slow>) {
    let slow = Arc::new(Slow::default());
    slow.now(mood);
    let settings = Webhook {
        timeout: Duration::from_millis(200),
        max_pending: 4,
        ..settings("{api_key: \"${KEY}\"}")
    };
    (Hook::start(settings, slow.clone()), slow)
}

#[test]
fn an_event_that_kafka_does_not_acknowledge_is_refused_in_time() {
    let (hook, slow) = slow(Mood::Silent);
    let began = Instant::now();
    let answer = hook.post(b"{}");
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 5"), "{}", answer.head);
    assert!(began.elapsed() >= Duration::from_millis(200), "it was not waited for");
    assert_eq!(slow.owed().len(), 1);
}

#[test]
fn the_answer_waits_until_kafka_has_the_last_of_a_list() {
    let (hook, slow) = slow(Mood::Silent);
    let mut stream = hook.connect();
    stream.write_all(&Request::of(b"[{},{}]").bytes()).unwrap();
    while slow.pending() < 2 {
        std::thread::yield_now();
    }
    let mut owed = slow.owed();
    owed.pop().unwrap()(Ok(()));
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(
        stream.read(&mut [0]).is_err(),
        "it answers though one is not acknowledged"
    );
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    owed.pop().unwrap()(Ok(()));
    assert_eq!(answer(&mut stream).status, 200);
}

#[test]
fn what_nobody_waits_for_any_more_is_under_way_until_kafka_has_it() {
    let (hook, slow) = slow(Mood::Silent);
    for _ in 0..2 {
        assert_eq!(hook.post(b"[{},{}]").status, 503);
    }
    slow.now(Mood::Answers);
    let full = hook.post(b"{}");
    assert_eq!(full.status, 503);
    assert!(full.head.contains("retry-after: 1"), "{}", full.head);
    assert_eq!(slow.written.lock().unwrap().len(), 4, "no more than `max_pending`");
    for done in slow.owed() {
        done(Ok(()));
    }
    let began = Instant::now();
    while hook.post(b"{}").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(5), "there is room again");
    }
}

#[test]
fn a_full_queue_is_an_overload() {
    let (hook, slow) = slow(Mood::Full);
    let answer = hook.post(b"{}");
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: 1"), "{}", answer.head);
    slow.now(Mood::FullAfter(1));
    assert_eq!(hook.post(b"[{},{}]").status, 503);
    slow.now(Mood::Answers);
    assert_eq!(hook.post(b"[{},{}]").status, 200);
    assert_eq!(slow.written.lock().unwrap().len(), 3);
}

#[test]
fn an_event_that_kafka_refuses_is_to_be_sent_again() {
    let (hook, slow) = slow(Mood::Fails);
    assert_eq!(hook.post(b"{}").status, 503);
    // a dead letter too is acknowledged only when it is written
    assert_eq!(hook.post(b"no JSON").status, 503);
    slow.now(Mood::Answers);
    assert_eq!(hook.post(b"no JSON").status, 200);
}

#[test]
fn what_is_under_way_is_answered_before_it_ends() {
    let (hook, slow) = slow(Mood::Silent);
    let mut idle = hook.connect();
    let mut stream = hook.connect();
    stream.write_all(&Request::of(b"{}").bytes()).unwrap();
    while slow.pending() == 0 {
        std::thread::yield_now();
    }
    let address = hook.address;
    let ended = std::thread::spawn(move || hook.stop());
    for done in slow.owed() {
        done(Ok(()));
    }
    assert_eq!(answer(&mut stream).status, 200);
    drop(stream);
    let _ = idle.read(&mut [0]);
    drop(idle);
    ended.join().unwrap();
    assert!(TcpStream::connect(address).is_err(), "it listens no more");
}

#[test]
fn more_connections_than_may_be_are_closed_at_once() {
    let (hook, _) = slow(Mood::Answers);
    let idle: Vec<TcpStream> = (0..512).map(|_| hook.connect()).collect();
    // those that wait are taken in their order
    let mut last = hook.connect();
    assert_eq!(last.read(&mut [0]).unwrap_or(0), 0);
    drop(idle);
    let began = Instant::now();
    loop {
        let mut stream = hook.connect();
        let sent = stream.write_all(&Request::of(b"{}").bytes());
        if sent.is_ok() && stream.peek(&mut [0]).is_ok_and(|count| count > 0) {
            assert_eq!(answer(&mut stream).status, 200);
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "there is room again");
    }
    assert!(hook.state.why_down().is_none());
}
