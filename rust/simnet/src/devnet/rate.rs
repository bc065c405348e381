//! How many requests one client may make (network-protocol sections 4.1, 14).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A token bucket for each client address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RateLimit {
    /// Requests at once.
    pub burst: u32,
    /// Requests per second from then on.
    pub per_second: u32,
}

/// Clients one node remembers; of more, it forgets all.
const MAX_CLIENTS: usize = 10_000;

/// What one node's clients have left.
#[derive(Default)]
pub(super) struct Buckets(Mutex<BTreeMap<IpAddr, Bucket>>);

struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Buckets {
    /// Whether the client may make one more request.
    pub(super) fn admit(&self, limit: RateLimit, client: IpAddr, now: Instant) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= MAX_CLIENTS && !buckets.contains_key(&client) {
            buckets.clear();
        }
        let burst = f64::from(limit.burst);
        let bucket = buckets.entry(client).or_insert(Bucket { tokens: burst, filled: now });
        let grown = now.saturating_duration_since(bucket.filled).as_secs_f64() * f64::from(limit.per_second);
        *bucket = Bucket { tokens: (bucket.tokens + grown).min(burst), filled: now.max(bucket.filled) };
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_so_many_a_second_from_each_client() {
        let (buckets, start) = (Buckets::default(), Instant::now());
        let limit = RateLimit { burst: 600, per_second: 300 };
        let admitted = |from: [u8; 4], after_ms: u64| {
            let at = start + Duration::from_millis(after_ms);
            (0..1_000).filter(|_| buckets.admit(limit, Ipv4Addr::from(from).into(), at)).count()
        };
        assert_eq!(admitted([127, 0, 0, 1], 0), 600);
        assert_eq!(admitted([127, 0, 0, 2], 0), 600);
        assert_eq!(admitted([127, 0, 0, 1], 1_000), 300);
        assert_eq!(admitted([127, 0, 0, 1], 500), 0);
        assert_eq!(admitted([127, 0, 0, 1], 60_000), 600);
    }
}
