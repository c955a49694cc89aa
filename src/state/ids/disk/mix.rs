//! A fixed, invertible scramble of 128 bits: what is counted up, or begins with a time as UUIDv7 does, becomes as evenly spread
//! as a hash, which the filters, and the halves of an id that they use, count on.
//!
//! Three rounds of a Feistel network whose round function is the finalizer of SplitMix64 (Stafford's variant 13). It lies in
//! files: it never changes within a version of the format. It keeps nobody from making ids that collide in a filter on
//! purpose; that costs him a page read for each of his own look-ups and nobody a wrong answer.

/// By round.
const ROUNDS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03, 0x8cb9_2ba7_2f3d_8dd7];

/// An id as it lies in files.
pub(super) fn mix(id: u128) -> u128 {
    let (mut left, mut right) = halves(id);
    for round in ROUNDS {
        (left, right) = (right, left ^ scramble(right ^ round));
    }
    join(right, left)
}

/// The id that was mixed.
pub(super) fn unmix(mixed: u128) -> u128 {
    let (mut right, mut left) = halves(mixed);
    for round in ROUNDS.into_iter().rev() {
        (left, right) = (right ^ scramble(left ^ round), left);
    }
    join(left, right)
}

fn halves(id: u128) -> (u64, u64) {
    ((id >> 64) as u64, id as u64)
}

fn join(high: u64, low: u64) -> u128 {
    u128::from(high) << 64 | u128::from(low)
}

fn scramble(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_mixed_can_be_had_back(id: u128) {
            prop_assert_eq!(unmix(mix(id)), id);
        }
    }

    #[test]
    fn it_never_changes() {
        // by Python, of the words above
        assert_eq!(mix(0), 0x3bff_4664_7b24_759b_927a_7c57_dc01_6e42);
        assert_eq!(mix(1 << 64 | 7), 0x7fd0_c0d2_3e9a_51b4_c14c_f0f5_f646_0ac2);
    }

    /// Each of `kinds` of a thousand ids, spread over 64 buckets by any six bits of the mix, fills each bucket about evenly.
    #[test]
    fn counters_and_time_prefixed_ids_are_spread_evenly() {
        const IDS: u128 = 64_000;
        let kinds: [fn(u128) -> u128; 4] = [
            |n| n,
            |n| n << 64,
            |n| n << 100,
            |n| (0x0190_0000_0000 + n / 10) << 80 | 7 << 76 | 2 << 62 | n % 10,
        ];
        for (kind, id) in kinds.into_iter().enumerate() {
            for shift in [0, 13, 29, 42, 61, 64, 90, 122] {
                let mut buckets = [0_u32; 64];
                for n in 0..IDS {
                    buckets[(mix(id(n)) >> shift) as usize % 64] += 1;
                }
                // 1000 expected, the standard deviation is 31
                let even = buckets.iter().all(|count| (800..1_200).contains(count));
                assert!(even, "kind {kind}, bits from {shift}: {buckets:?}");
            }
        }
    }
}
