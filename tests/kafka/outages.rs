//! Three brokers, of which some go away: one after the other, cleanly and as by a power cut; one for longer than a transaction may
//! take; all of them together.

use crate::crew::Crew;
use crate::harness::cluster::{self, Cluster, NODES};
use crate::harness::node::Node;
use crate::harness::random::Random;
use crate::pipeline::Pipeline;
use crate::scenario::{Size, Tally, check};
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(180);

#[test]
fn a_broker_of_three_restarts_cleanly_under_load() {
    check("clean-bounces", clean_bounces);
}

pub fn clean_bounces(random: &mut Random, size: Size) -> Tally {
    bounces("clean-bounces", Node::stop, random, size)
}

#[test]
fn a_broker_of_three_is_killed_under_load() {
    check("hard-bounces", hard_bounces);
}

pub fn hard_bounces(random: &mut Random, size: Size) -> Tally {
    bounces("hard-bounces", Node::kill, random, size)
}

fn bounces(test: &str, down: fn(&Node), random: &mut Random, size: Size) -> Tally {
    // Each of them once or twice, or only one.
    let rounds = size.of(1, 2 * NODES);
    let duration = Duration::from_secs(size.of(12, 90));
    under_load(
        test,
        size.of(8_000, 60_000),
        duration,
        random,
        |cluster, random, crew| {
            let first = random.below(NODES as u64) as usize;
            for round in 0..rounds {
                std::thread::sleep(Duration::from_millis(random.between(500, 2_000)));
                let node = &cluster.nodes[(first + round) % NODES];
                down(node);
                crew.tally.outages += 1;
                std::thread::sleep(Duration::from_millis(random.between(0, 5_000)));
                crew.assert_running();
                node.relaunch();
                cluster.wait_whole();
            }
        },
    )
}

#[test]
fn a_broker_that_is_away_for_longer_than_a_transaction_may_take_costs_time_only() {
    check("long-absence", long_absence);
}

/// One is dead, another only does not answer; the short scenario does one of the two. Ten seconds is what a transaction may take.
pub fn long_absence(random: &mut Random, size: Size) -> Tally {
    type Act = fn(&Node);
    const AWAY: [(Act, Act); 2] = [(Node::kill, Node::relaunch), (Node::pause, Node::resume)];
    let away = Duration::from_secs(size.of(13, 25));
    let rounds = size.of(1, 4);
    let duration = (away + Duration::from_secs(5)) * rounds;
    let first = random.below(2) as usize;
    under_load(
        "long-absence",
        size.of(8_000, 60_000),
        duration,
        random,
        |cluster, random, crew| {
            for round in 0..rounds as usize {
                std::thread::sleep(Duration::from_millis(random.between(500, 2_000)));
                let node = &cluster.nodes[random.below(NODES as u64) as usize];
                let (leave, come_back) = AWAY[(first + round) % 2];
                leave(node);
                crew.tally.outages += 1;
                std::thread::sleep(away);
                crew.assert_running();
                come_back(node);
                cluster.wait_whole();
            }
        },
    )
}

#[test]
fn all_brokers_away_at_once_cost_time_only() {
    check("all-away", all_away);
}

pub fn all_away(random: &mut Random, size: Size) -> Tally {
    let away = Duration::from_secs(size.of(12, 70));
    let duration = away + Duration::from_secs(15);
    under_load(
        "all-away",
        size.of(8_000, 40_000),
        duration,
        random,
        |cluster, random, crew| {
            std::thread::sleep(Duration::from_millis(random.between(500, 3_000)));
            for node in &cluster.nodes {
                node.kill();
            }
            crew.tally.outages += NODES as u64;
            std::thread::sleep(away);
            crew.assert_running();
            for node in &cluster.nodes {
                node.relaunch();
            }
            cluster.wait_whole();
        },
    )
}

/// Two instances work on events that flow for about `duration`, while `act` does something to the cluster.
fn under_load(
    test: &str,
    events: u64,
    duration: Duration,
    random: &mut Random,
    act: impl FnOnce(&Cluster, &mut Random, &mut Crew<'_>),
) -> Tally {
    let cluster = cluster::shared();
    let pipeline = Pipeline::customer_events_on(test, &cluster.address());
    let load = pipeline.load(test, events, 1_000, random);
    let mut crew = Crew::new(&pipeline);
    crew.start_all(&["a", "b"]);
    let flow = pipeline.flow(&load.messages, duration);
    act(cluster, random, &mut crew);
    flow.finish();
    pipeline.finish(crew, &load, LIMIT)
}
