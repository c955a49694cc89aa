//! librdkafka's statistics: of the many numbers in them, the few that are shown. The rest is skipped while reading.

use crate::broker::{Ends, Queue, Statistics, TopicPartition};
use rdkafka::ClientConfig;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often a client tells them, in milliseconds. At each time it also asks for the start of every partition that it reads.
const INTERVAL: &str = "5000";
const PROPERTY: &str = "statistics.interval.ms";

/// A client is away from the brokers when it said so many times in a row that it is connected to none. Once alone may be the moment
/// between two connections.
const AWAY: u32 = 2;
/// States of a connection over which requests are answered.
const CONNECTED: [&str; 2] = ["UP", "REAUTH"];

/// What all clients of a process told last.
#[derive(Debug, Default)]
pub struct Clients {
    told: Mutex<BTreeMap<u64, Told>>,
    next: AtomicU64,
    /// Of clients that are gone.
    past_timeouts: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Producer,
    Consumer,
}

/// A client that tells its own. Dropped, what it told is forgotten.
#[derive(Debug)]
pub struct Client {
    clients: Arc<Clients>,
    number: u64,
    kind: Kind,
}

impl Client {
    /// Makes clients of this configuration tell them; a user who set the interval has it.
    pub fn of(clients: &Arc<Clients>, kind: Kind, config: &mut ClientConfig) -> Self {
        if config.get(PROPERTY).is_none() {
            config.set(PROPERTY, INTERVAL);
        }
        Self {
            clients: Arc::clone(clients),
            number: clients.next.fetch_add(1, Ordering::Relaxed),
            kind,
        }
    }

    /// Takes what librdkafka tells, a JSON document.
    pub fn tells(&self, json: &[u8]) {
        match read(self.kind, json) {
            Ok(mut told) => {
                let mut all = self.clients.told();
                if told.alone > 0 {
                    told.alone += all.get(&self.number).map_or(0, |before| before.alone);
                }
                all.insert(self.number, told);
            }
            Err(error) => tracing::debug!(target: "librdkafka", %error, "statistics that are not understood"),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if let Some(told) = self.clients.told().remove(&self.number) {
            self.clients.past_timeouts.fetch_add(told.timeouts, Ordering::Relaxed);
        }
    }
}

impl Clients {
    fn told(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Told>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn statistics(&self) -> Statistics {
        let mut all = Statistics {
            timeouts: self.past_timeouts.load(Ordering::Relaxed),
            ..Statistics::default()
        };
        let (mut microseconds, mut requests) = (0, 0);
        let told = self.told();
        let mut consumers = told.values().filter(|told| told.kind == Kind::Consumer).peekable();
        if consumers.peek().is_some() {
            all.away = Some(consumers.all(|told| told.alone >= AWAY));
        }
        for told in told.values() {
            let queue = match told.kind {
                Kind::Producer => &mut all.producers,
                Kind::Consumer => &mut all.consumers,
            };
            queue.messages += told.queue.messages;
            queue.bytes += told.queue.bytes;
            all.timeouts += told.timeouts;
            microseconds += told.round_trips.0;
            requests += told.round_trips.1;
            // Numbers go up: where a partition went to another client of ours, the newer one counts.
            all.partitions.extend(told.partitions.iter().cloned());
        }
        all.round_trip = microseconds.checked_div(requests).map(Duration::from_micros);
        all
    }
}

/// By one client.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    kind: Kind,
    queue: Queue,
    partitions: Vec<(TopicPartition, Ends)>,
    timeouts: u64,
    /// Microseconds of all together, and how many.
    round_trips: (u64, u64),
    /// How many times in a row it was connected to no broker.
    alone: u32,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    msg_cnt: u64,
    #[serde(default)]
    msg_size: u64,
    #[serde(default)]
    brokers: HashMap<String, OfBroker>,
}

#[derive(Deserialize)]
struct OfBroker {
    #[serde(default)]
    state: String,
    #[serde(default)]
    req_timeouts: u64,
    #[serde(default)]
    rtt: Window,
}

#[derive(Default, Deserialize)]
struct Window {
    #[serde(default)]
    sum: u64,
    #[serde(default)]
    cnt: u64,
}

#[derive(Deserialize)]
struct Topics {
    #[serde(default)]
    topics: HashMap<String, OfTopic>,
}

#[derive(Deserialize)]
struct OfTopic {
    #[serde(default)]
    partitions: HashMap<i32, OfPartition>,
}

#[derive(Deserialize)]
struct OfPartition {
    #[serde(default)]
    fetch_state: String,
    #[serde(default)]
    fetchq_cnt: u64,
    #[serde(default)]
    fetchq_size: u64,
    lo_offset: i64,
    ls_offset: i64,
    hi_offset: i64,
    next_offset: i64,
}

fn read(kind: Kind, json: &[u8]) -> serde_json::Result<Told> {
    let whole: Whole = serde_json::from_slice(json)?;
    let mut told = Told {
        kind,
        queue: Queue {
            messages: whole.msg_cnt,
            bytes: whole.msg_size,
        },
        partitions: Vec::new(),
        timeouts: whole.brokers.values().map(|broker| broker.req_timeouts).sum(),
        round_trips: whole.brokers.values().fold((0, 0), |(sum, count), broker| {
            (sum + broker.rtt.sum, count + broker.rtt.cnt)
        }),
        alone: {
            let mut states = whole.brokers.values().map(|broker| broker.state.as_str());
            u32::from(!states.any(|state| CONNECTED.contains(&state)))
        },
    };
    if kind == Kind::Consumer {
        let Topics { topics } = serde_json::from_slice(json)?;
        // All partitions of a consumer share one queue, and each tells what is in it.
        let all = || topics.values().flat_map(|topic| topic.partitions.values());
        told.queue = Queue {
            messages: all().map(|partition| partition.fetchq_cnt).max().unwrap_or(0),
            bytes: all().map(|partition| partition.fetchq_size).max().unwrap_or(0),
        };
        for (topic, of_topic) in topics {
            let ends = of_topic
                .partitions
                .iter()
                .filter_map(|(partition, of)| Some((partition, ends(of)?)));
            told.partitions.extend(ends.map(|(partition, ends)| {
                let topic = topic.clone();
                let partition = *partition;
                (TopicPartition { topic, partition }, ends)
            }));
        }
    }
    Ok(told)
}

/// `None`: it is not being read, or nothing was fetched yet.
fn ends(of: &OfPartition) -> Option<Ends> {
    let known = of.fetch_state == "active" && of.ls_offset >= 0 && of.hi_offset >= 0;
    known.then_some(Ends {
        first: of.lo_offset.max(0),
        stable: of.ls_offset,
        end: of.hi_offset,
        drained: of.fetchq_cnt == 0 && of.next_offset >= of.ls_offset,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOLD: &str = r#"{"name":"rdkafka#consumer-1","type":"consumer","replyq":0,"msg_cnt":0,"msg_size":0,
        "brokers":{"a:9092/1":{"req_timeouts":2,"rtt":{"min":1,"max":9,"avg":5,"sum":3000,"cnt":3},"toppars":{}},
                   "GroupCoordinator":{"req_timeouts":1,"rtt":{"sum":1000,"cnt":1},"stateage":12}},
        "topics":{"in":{"topic":"in","age":3,"partitions":{
            "0":{"partition":0,"fetchq_cnt":7,"fetchq_size":700,"fetch_state":"active","next_offset":107,"app_offset":100,
                 "lo_offset":20,"hi_offset":130,"ls_offset":120,"consumer_lag":20},
            "1":{"partition":1,"fetchq_cnt":7,"fetchq_size":700,"fetch_state":"active","next_offset":-1001,"lo_offset":-1001,
                 "hi_offset":-1001,"ls_offset":-1001},
            "2":{"partition":2,"fetchq_cnt":0,"fetchq_size":0,"fetch_state":"none","next_offset":5,"lo_offset":0,
                 "hi_offset":5,"ls_offset":5},
            "-1":{"partition":-1,"fetchq_cnt":0,"fetchq_size":0,"fetch_state":"none","next_offset":0,"lo_offset":-1001,
                 "hi_offset":-1001,"ls_offset":-1001}}}},
        "cgrp":{"state":"up"},"rebalance_cnt":1}"#;

    fn client(clients: &Arc<Clients>, kind: Kind) -> Client {
        Client::of(clients, kind, &mut ClientConfig::new())
    }

    #[test]
    fn what_is_shown_is_read_of_what_is_told_and_forgotten_with_its_client() {
        let clients = Arc::new(Clients::default());
        let (consumer, producer) = (client(&clients, Kind::Consumer), client(&clients, Kind::Producer));
        consumer.tells(TOLD.as_bytes());
        producer.tells(br#"{"msg_cnt":3,"msg_size":99,"brokers":{}}"#);
        producer.tells(b"nonsense");
        let all = clients.statistics();
        let partition = TopicPartition {
            topic: "in".into(),
            partition: 0,
        };
        let ends = Ends {
            first: 20,
            stable: 120,
            end: 130,
            drained: false,
        };
        assert_eq!(all.partitions.into_iter().collect::<Vec<_>>(), [(partition, ends)]);
        assert_eq!((all.consumers.messages, all.consumers.bytes), (7, 700));
        assert_eq!((all.producers.messages, all.producers.bytes), (3, 99));
        assert_eq!((all.round_trip, all.timeouts), (Some(Duration::from_millis(1)), 3));
        drop((consumer, producer));
        let gone = Statistics {
            timeouts: 3,
            ..Statistics::default()
        };
        assert_eq!(clients.statistics(), gone, "a counter never goes back");
    }

    #[test]
    fn a_partition_is_drained_when_all_was_fetched_and_handed_out() {
        let drained = TOLD
            .replace("\"fetchq_cnt\":7", "\"fetchq_cnt\":0")
            .replace("107", "120");
        let told = read(Kind::Consumer, drained.as_bytes()).unwrap();
        assert!(told.partitions[0].1.drained);
    }

    /// One broker of two is down; with `state`, the other is so.
    fn one_down(state: &str) -> Vec<u8> {
        let brokers = format!(
            r#"{{"a/1":{{"state":"DOWN"}},"b/2":{{"state":"{state}"}},"GroupCoordinator":{{"state":"INIT"}}}}"#
        );
        format!(r#"{{"brokers":{brokers},"topics":{{}}}}"#).into_bytes()
    }

    #[test]
    fn brokers_are_away_when_no_consumer_was_connected_to_any_twice_in_a_row() {
        let clients = Arc::new(Clients::default());
        let (first, second) = (client(&clients, Kind::Consumer), client(&clients, Kind::Consumer));
        let away = || clients.statistics().away == Some(true);
        assert_eq!(clients.statistics().away, None, "nobody has told anything yet");
        let tells = |client: &Client, states: &[&str]| states.iter().for_each(|state| client.tells(&one_down(state)));
        tells(&first, &["UP", "CONNECT", "UP", "DOWN"]);
        assert!(!away(), "a moment between two connections");
        tells(&first, &["DOWN"]);
        assert!(away());
        tells(&second, &["UP"]);
        assert!(!away(), "one of two brokers, for one of two consumers");
        tells(&second, &["TRY_CONNECT", "AUTH_REQ"]);
        assert!(away());
        tells(&first, &["REAUTH"]);
        assert!(!away(), "it is back at once");
        drop(first);
        assert!(away(), "what is gone does not count");
        drop(second);
        assert_eq!(clients.statistics().away, None);
    }

    #[test]
    fn a_producer_without_a_connection_says_nothing_of_the_brokers() {
        let clients = Arc::new(Clients::default());
        let producer = client(&clients, Kind::Producer);
        (0..5).for_each(|_| producer.tells(&one_down("DOWN")));
        assert_eq!(clients.statistics().away, None);
    }

    #[test]
    fn an_interval_of_the_user_is_left() {
        let mut config = ClientConfig::new();
        config.set(PROPERTY, "60000");
        Client::of(&Arc::default(), Kind::Consumer, &mut config);
        assert_eq!(config.get(PROPERTY), Some("60000"));
    }
}
