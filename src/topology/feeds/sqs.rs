//! `type: sqs`: a queue of Amazon SQS, or of what speaks like it.

use crate::yaml::{Fields, Mistakes, Node, Origin, boolean, duration, integer, text};
use std::time::Duration;

/// SQS holds a long poll no longer.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// Below this, a message could be another's again before it was extended.
const SHORTEST_VISIBILITY: Duration = Duration::from_secs(5);
/// SQS hides a message no longer.
const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 3_600);
const VISIBILITY: Duration = Duration::from_secs(30);
const RECEIVERS: usize = 4;
const MAX_IN_FLIGHT: usize = 200;

/// Where the queue is, and how it is read.
#[derive(Debug)]
pub struct Sqs {
    pub queue_url: String,
    /// Asked instead of Amazon's own: of a VPC, of a stand-in for tests.
    pub endpoint: Option<String>,
    /// `None`: the one that the queue's URL names, else what the SDK's own chain finds.
    pub region: Option<String>,
    /// How long a request waits for messages: whole seconds, at most 20.
    pub wait: Duration,
    /// How long others don't see a message that was received; extended while Kafka has not got it. Whole seconds.
    pub visibility: Duration,
    /// Bodies are envelopes of SNS, and what is in them is the record.
    pub unwrap_sns: bool,
    /// Requests that wait for messages at the same time, at most: more than one only while there are more messages than one gets.
    pub receivers: usize,
    /// Messages received and not deleted yet, at most; at least 10, which is what one request may give.
    pub max_in_flight: usize,
}

pub(super) fn read(fields: &mut Fields<'_>) -> Option<Sqs> {
    let queue_url = fields.required("queue_url", queue_url);
    let endpoint = fields.optional("endpoint", url);
    let region = fields.optional("region", region);
    let wait = fields.optional("wait", seconds(Duration::from_secs(1), LONGEST_WAIT));
    let visibility = fields.optional("visibility", seconds(SHORTEST_VISIBILITY, LONGEST_VISIBILITY));
    let unwrap_sns = fields.optional("unwrap_sns", boolean);
    let receivers = fields.optional("receivers", integer(1..=64));
    let max_in_flight = fields.optional("max_in_flight", integer(10..=20_000));
    Some(Sqs {
        queue_url: queue_url?,
        endpoint,
        region,
        wait: wait.unwrap_or(LONGEST_WAIT),
        visibility: visibility.unwrap_or(VISIBILITY),
        unwrap_sns: unwrap_sns.unwrap_or(false),
        receivers: number(receivers, RECEIVERS),
        max_in_flight: number(max_in_flight, MAX_IN_FLIGHT),
    })
}

fn number(read: Option<i64>, default: usize) -> usize {
    read.and_then(|read| usize::try_from(read).ok()).unwrap_or(default)
}

/// A duration of whole seconds, as SQS counts them.
fn seconds(from: Duration, to: Duration) -> impl Fn(&Node, &mut Mistakes) -> Option<Duration> {
    move |node, mistakes| {
        let read = duration(node, mistakes)?;
        if node.from == Origin::Unset {
            return Some(from);
        }
        if read.subsec_nanos() == 0 && (from..=to).contains(&read) {
            return Some(read);
        }
        let (from, to) = (crate::yaml::show_duration(from), crate::yaml::show_duration(to));
        mistakes.add(
            &node.place,
            format!("{} is not what SQS can do here", node.shown()),
            format!("write whole seconds, from {from} to {to}"),
        );
        None
    }
}

/// `http://` or `https://`, a host, and perhaps more.
fn url(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    const HELP: &str = "write it with https:// (or http://), as in https://sqs.eu-west-1.amazonaws.com";
    let url = text(node, mistakes)?;
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next());
    if node.from == Origin::Unset {
        return Some(url);
    }
    match host {
        Some(host) if host.contains('@') => {
            // Not shown: what stands before the host is a password.
            let help = "credentials come from the SDK's own chain: the environment, a profile, a role";
            mistakes.add(&node.place, "a URL with a name or a password can't stand here", help);
            None
        }
        Some(host) if !host.is_empty() && !url.contains(char::is_whitespace) => Some(url),
        _ => {
            mistakes.add(&node.place, format!("{} is not the URL of a host", node.shown()), HELP);
            None
        }
    }
}

fn queue_url(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let url = url(node, mistakes)?;
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
    if path.is_some_and(|(_, path)| !path.is_empty()) || node.from == Origin::Unset {
        return Some(url);
    }
    mistakes.add(
        &node.place,
        format!("{} names no queue", node.shown()),
        "write the queue's whole URL, as in https://sqs.eu-west-1.amazonaws.com/123456789012/events; \
         `aws sqs get-queue-url --queue-name events` prints it",
    );
    None
}

fn region(node: &Node, mistakes: &mut Mistakes) -> Option<String> {
    let name = text(node, mistakes)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.chars().all(fits) || node.from == Origin::Unset {
        return Some(name);
    }
    mistakes.add(
        &node.place,
        format!("{} is not the name of a region", node.shown()),
        "write it as Amazon does: eu-west-1",
    );
    None
}
