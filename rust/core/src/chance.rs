//! Pauses between attempts: doubling, capped, jittered.

use rand_core::CryptoRng;

/// Uniform number in `0..bound`; 0 if `bound` is 0.
pub(crate) fn below(rng: &mut dyn CryptoRng, bound: u64) -> u64 {
    // The bias of a 64-bit remainder is below 2^-32 for every bound used here.
    if bound == 0 { 0 } else { rng.next_u64() % bound }
}

/// Pause in milliseconds before attempt number `attempt` (1 = first retry): `base` doubled per
/// attempt, at most `cap`, of which the upper half is random so that devices do not march in step.
pub(crate) fn pause(attempt: u32, base: u64, cap: u64, rng: &mut dyn CryptoRng) -> u64 {
    let doubled =
        base.saturating_mul(1_u64.checked_shl(attempt.saturating_sub(1).min(40)).unwrap_or(u64::MAX));
    let longest = doubled.min(cap).max(1);
    let half = longest / 2;
    half + below(rng, longest - half + 1)
}

/// Up to `count` random elements of `from`, without repetition, in random order.
pub(crate) fn draw<T: Clone>(from: &[T], count: usize, rng: &mut dyn CryptoRng) -> Vec<T> {
    let mut pool = from.to_vec();
    let mut drawn = Vec::with_capacity(count.min(pool.len()));
    while drawn.len() < count && !pool.is_empty() {
        let at = below(rng, pool.len() as u64) as usize;
        drawn.push(pool.swap_remove(at));
    }
    drawn
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn pauses_double_stay_below_the_cap_and_never_vanish() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for attempt in 1..100 {
            let pause = pause(attempt, 1_000, 60_000, &mut rng);
            let longest = 1_000_u64.saturating_mul(1 << (attempt - 1).min(20)).min(60_000);
            assert!(pause >= longest / 2 && pause <= longest, "attempt {attempt}: {pause}");
        }
    }

    #[test]
    fn a_draw_repeats_nothing_and_takes_at_most_what_is_there() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut drawn = draw(&[1, 2, 3, 4, 5, 6, 7], 3, &mut rng);
        drawn.sort_unstable();
        drawn.dedup();
        assert_eq!(drawn.len(), 3);
        assert_eq!(draw(&[1, 2], 3, &mut rng).len(), 2);
        assert!(draw::<u8>(&[], 3, &mut rng).is_empty());
    }
}
