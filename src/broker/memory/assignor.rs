//! The cooperative-sticky assignment: everybody keeps what they have, as far as balance allows.

use crate::broker::TopicPartition;
use std::collections::{BTreeMap, BTreeSet};

/// What the assignor knows of a member.
pub(super) struct Claim<'a> {
    pub member: &'a str,
    pub topics: &'a [String],
    pub owned: &'a BTreeSet<TopicPartition>,
}

/// Who shall have which of `partitions`. Sizes differ by one at most among members with the same topics.
pub(super) fn assign(
    partitions: &[TopicPartition],
    claims: &[Claim<'_>],
) -> BTreeMap<String, BTreeSet<TopicPartition>> {
    let mut shares: Vec<BTreeSet<TopicPartition>> = claims.iter().map(|_| BTreeSet::new()).collect();
    let mut free = Vec::new();
    let reads = |claim: &Claim<'_>, partition: &TopicPartition| claim.topics.contains(&partition.topic);
    for partition in partitions {
        let mut owners = claims.iter().zip(&mut shares);
        match owners.find(|(claim, _)| reads(claim, partition) && claim.owned.contains(partition)) {
            Some((_, share)) => {
                share.insert(partition.clone());
            }
            None => free.push(partition),
        }
    }
    for partition in free {
        let readers = claims
            .iter()
            .zip(&mut shares)
            .filter(|(claim, _)| reads(claim, partition));
        if let Some((_, share)) = readers.min_by_key(|(_, share)| share.len()) {
            share.insert(partition.clone());
        }
    }
    while let Some((from, to, partition)) = surplus(claims, &shares) {
        if let Some(share) = shares.get_mut(from) {
            share.remove(&partition);
        }
        if let Some(share) = shares.get_mut(to) {
            share.insert(partition);
        }
    }
    claims.iter().map(|claim| claim.member.to_owned()).zip(shares).collect()
}

/// A partition that a member has too much and another, at least two short of it, could read.
fn surplus(claims: &[Claim<'_>], shares: &[BTreeSet<TopicPartition>]) -> Option<(usize, usize, TopicPartition)> {
    let mut busy: Vec<(usize, &BTreeSet<TopicPartition>)> = shares.iter().enumerate().collect();
    busy.sort_by_key(|(_, share)| std::cmp::Reverse(share.len()));
    for (from, share) in &busy {
        for partition in share.iter().rev() {
            let idle = busy.iter().rev().find(|(to, other)| {
                other.len() + 1 < share.len()
                    && claims
                        .get(*to)
                        .is_some_and(|claim| claim.topics.contains(&partition.topic))
            });
            if let Some((to, _)) = idle {
                return Some((*from, *to, partition.clone()));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions(count: i32) -> Vec<TopicPartition> {
        (0..count)
            .map(|partition| TopicPartition {
                topic: "t".to_owned(),
                partition,
            })
            .collect()
    }

    #[test]
    fn members_keep_what_they_own_and_shares_are_even() {
        let all = partitions(7);
        let topics = ["t".to_owned()];
        let (first, second): (BTreeSet<_>, BTreeSet<_>) =
            (all[..5].iter().cloned().collect(), all[5..].iter().cloned().collect());
        let none = BTreeSet::new();
        let claim = |member, owned| Claim {
            member,
            topics: &topics,
            owned,
        };
        let shares = assign(&all, &[claim("a", &first), claim("b", &second), claim("c", &none)]);
        assert!(shares["a"].is_subset(&first) && shares["a"].len() == 3);
        assert_eq!(shares["b"], second);
        assert!(shares["c"].is_subset(&first) && shares["c"].len() == 2);
    }

    #[test]
    fn a_partition_goes_only_to_a_member_that_reads_its_topic() {
        let all = partitions(3);
        let (reads, other) = (["t".to_owned()], ["u".to_owned()]);
        let none = BTreeSet::new();
        let shares = assign(
            &all,
            &[
                Claim {
                    member: "a",
                    topics: &other,
                    owned: &none,
                },
                Claim {
                    member: "b",
                    topics: &reads,
                    owned: &none,
                },
            ],
        );
        assert!(shares["a"].is_empty());
        assert_eq!(shares["b"].len(), 3);
    }
}
