//! Onion paths and the guards they start at (network-protocol section 6.7, extensions section 2).
//!
//! Guards are few and persistent: the first hop sees the device's address, so it must not change
//! for small reasons. A guard that fails is set aside, not forgotten; at most [`MOST_GUARDS`] are
//! ever used in turn.

use starling_protocol::{NodeKey, ServiceNode};

use super::directory::Directory;
use super::standing::Standing;
use crate::chance::draw;
use crate::input::Now;
use rand_core::CryptoRng;

/// Relays of a path: guard, middle, exit. The destination comes on top.
pub(crate) const HOPS: usize = 3;
/// Nodes a network must have for one path and its destination.
pub(crate) const FEWEST_NODES: usize = HOPS + 1;
/// Nodes from which on two disjoint paths are kept (extensions section 2).
const ENOUGH_FOR_TWO: usize = 7;
/// Guards sampled before old ones are used again.
const MOST_GUARDS: usize = 5;
/// Middle and exit are drawn anew after ten minutes.
const ROTATION_MS: u64 = 600_000;

/// One path, guard first.
pub(crate) struct Path {
    pub(crate) relays: Vec<NodeKey>,
    built_boot_ms: u64,
}

/// The paths in use and the guards sampled so far, in order of preference.
pub(crate) struct Paths {
    paths: Vec<Path>,
    guards: Vec<NodeKey>,
}

impl Paths {
    pub(crate) fn new(guards: Vec<NodeKey>) -> Self {
        Self { paths: Vec::new(), guards }
    }

    pub(crate) fn guards(&self) -> &[NodeKey] {
        &self.guards
    }

    pub(crate) fn all(&self) -> &[Path] {
        &self.paths
    }

    /// Mends the paths: sets aside barred guards, replaces barred and vanished hops in place, drops
    /// and builds what is missing. Returns whether the guards changed and must be persisted.
    pub(crate) fn mend(
        &mut self,
        directory: &Directory,
        standing: &Standing,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> bool {
        let pool = usable(directory, standing, now);
        if pool.len() < FEWEST_NODES {
            self.paths.clear();
            return false;
        }
        let wanted = if pool.len() >= ENOUGH_FOR_TWO { 2 } else { 1 };
        let before = self.guards.clone();
        let active = self.active_guards(directory, &pool, wanted, rng);
        self.paths.retain(|path| {
            path.relays.first().is_some_and(|guard| active.contains(guard))
                && now.boot_ms.saturating_sub(path.built_boot_ms) < ROTATION_MS
        });
        self.splice(&active, &pool, rng);
        for guard in &active {
            self.build(*guard, &active, &pool, now, rng);
        }
        before != self.guards
    }

    /// The guards to use now: the most preferred of the pool, sampling a new one only if none is left.
    fn active_guards(
        &mut self,
        directory: &Directory,
        pool: &[NodeKey],
        wanted: usize,
        rng: &mut dyn CryptoRng,
    ) -> Vec<NodeKey> {
        self.guards.retain(|guard| directory.get(guard).is_some());
        let mut active: Vec<NodeKey> =
            self.guards.iter().filter(|guard| pool.contains(guard)).take(wanted).copied().collect();
        while active.len() < wanted && self.guards.len() < MOST_GUARDS {
            let fresh: Vec<NodeKey> =
                pool.iter().filter(|node| !self.guards.contains(node)).copied().collect();
            let Some(guard) = draw(&fresh, 1, rng).pop() else { break };
            self.guards.push(guard);
            active.push(guard);
        }
        for guard in &self.guards {
            if active.len() < wanted && !active.contains(guard) {
                active.push(*guard);
            }
        }
        active
    }

    /// Replaces hops behind the guard that left the pool or became guards.
    fn splice(&mut self, active: &[NodeKey], pool: &[NodeKey], rng: &mut dyn CryptoRng) {
        for at in 0..self.paths.len() {
            let spare = self.spare(active, pool);
            let Some(path) = self.paths.get_mut(at) else { continue };
            let mut fresh = draw(&spare, HOPS, rng);
            for hop in path.relays.iter_mut().skip(1) {
                if !pool.contains(hop) || active.contains(hop) {
                    let Some(replacement) = fresh.pop() else { continue };
                    *hop = replacement;
                }
            }
            let broken = path.relays.iter().skip(1).any(|hop| !pool.contains(hop) || active.contains(hop));
            if broken {
                path.relays.clear();
            }
        }
        self.paths.retain(|path| !path.relays.is_empty());
    }

    fn build(
        &mut self,
        guard: NodeKey,
        active: &[NodeKey],
        pool: &[NodeKey],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) {
        if self.paths.iter().any(|path| path.relays.first() == Some(&guard)) {
            return;
        }
        let rest = draw(&self.spare(active, pool), HOPS - 1, rng);
        if rest.len() == HOPS - 1 {
            let relays = std::iter::once(guard).chain(rest).collect();
            self.paths.push(Path { relays, built_boot_ms: now.boot_ms });
        }
    }

    /// Nodes in no path that guard nothing.
    fn spare(&self, active: &[NodeKey], pool: &[NodeKey]) -> Vec<NodeKey> {
        let in_use = |node: &NodeKey| self.paths.iter().any(|path| path.relays.contains(node));
        pool.iter().filter(|node| !active.contains(node) && !in_use(node)).copied().collect()
    }

    /// The relays for a request to `destination`: a random path without it, or, if every path has
    /// it, one in which it is replaced for this request.
    pub(crate) fn route(
        &self,
        destination: &NodeKey,
        directory: &Directory,
        standing: &Standing,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<ServiceNode>> {
        let clear: Vec<&Path> = self.paths.iter().filter(|path| !path.relays.contains(destination)).collect();
        let relays = match draw(&clear, 1, rng).pop() {
            Some(path) => path.relays.clone(),
            None => self.detour(destination, &usable(directory, standing, now), rng)?,
        };
        relays.iter().map(|key| directory.get(key).cloned()).collect()
    }

    fn detour(
        &self,
        destination: &NodeKey,
        pool: &[NodeKey],
        rng: &mut dyn CryptoRng,
    ) -> Option<Vec<NodeKey>> {
        let mut relays = draw(&self.paths.iter().collect::<Vec<_>>(), 1, rng).pop()?.relays.clone();
        let place = relays.iter().position(|hop| hop == destination)?;
        let free = |node: &&NodeKey| *node != destination && !relays.contains(node);
        // A guard gives way only to another guard, as long as there is one.
        let other_guard = self.guards.iter().filter(free).find(|node| pool.contains(node)).copied();
        let anyone = || pool.iter().filter(free).copied().collect::<Vec<_>>();
        let replacement = match other_guard {
            Some(guard) if place == 0 => guard,
            _ => draw(&anyone(), 1, rng).pop()?,
        };
        *relays.get_mut(place)? = replacement;
        Some(relays)
    }
}

/// Nodes fit for paths: those not barred; all of them if the bars leave too few.
fn usable(directory: &Directory, standing: &Standing, now: Now) -> Vec<NodeKey> {
    let fit: Vec<NodeKey> = directory.keys().filter(|node| !standing.barred(node, now)).collect();
    if fit.len() >= FEWEST_NODES { fit } else { directory.keys().collect() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    fn directory(count: u8) -> Directory {
        Directory::new((1..=count).map(|n| ServiceNode {
            key: NodeKey([n; 32]),
            x25519: [n; 32],
            ip: Ipv4Addr::new(127, 0, 0, n),
            port: 22021,
            swarm_id: u64::from(n % 2),
        }))
    }

    fn at(boot_ms: u64) -> Now {
        Now { boot_ms, wall_ms: 0 }
    }

    struct Bench {
        directory: Directory,
        standing: Standing,
        paths: Paths,
        rng: ChaCha20Rng,
    }

    impl Bench {
        fn new(count: u8) -> Self {
            let mut bench = Self {
                directory: directory(count),
                standing: Standing::default(),
                paths: Paths::new(Vec::new()),
                rng: ChaCha20Rng::seed_from_u64(u64::from(count)),
            };
            bench.mend(0);
            bench
        }

        fn mend(&mut self, boot_ms: u64) -> bool {
            self.paths.mend(&self.directory, &self.standing, at(boot_ms), &mut self.rng)
        }

        fn relays(&self) -> Vec<Vec<NodeKey>> {
            self.paths.all().iter().map(|path| path.relays.clone()).collect()
        }
    }

    #[test]
    fn seven_nodes_make_two_disjoint_paths_six_one_and_three_none() {
        for (nodes, paths) in [(3, 0), (4, 1), (6, 1), (7, 2), (12, 2)] {
            let bench = Bench::new(nodes);
            let relays = bench.relays();
            assert_eq!(relays.len(), paths, "{nodes} nodes");
            let distinct: BTreeSet<NodeKey> = relays.iter().flatten().copied().collect();
            assert_eq!(distinct.len(), paths * HOPS, "{nodes} nodes: paths share a hop");
        }
    }

    #[test]
    fn a_destination_is_never_its_own_relay() {
        for nodes in [4, 5, 7, 12] {
            let mut bench = Bench::new(nodes);
            for destination in (1..=nodes).map(|n| NodeKey([n; 32])) {
                let route = bench
                    .paths
                    .route(&destination, &bench.directory, &bench.standing, at(0), &mut bench.rng)
                    .unwrap();
                let hops: BTreeSet<NodeKey> = route.iter().map(|node| node.key).collect();
                assert_eq!(hops.len(), HOPS, "{nodes} nodes");
                assert!(!hops.contains(&destination), "{nodes} nodes");
            }
        }
    }

    #[test]
    fn a_barred_middle_is_spliced_out_and_the_guards_stay() {
        let mut bench = Bench::new(12);
        let before = bench.relays();
        bench.standing.strike(before[0][1], 3, at(1));
        assert!(!bench.mend(1), "guards did not change");
        let after = bench.relays();
        assert_eq!(after[1], before[1]);
        assert_eq!((after[0][0], after[0][2]), (before[0][0], before[0][2]));
        assert_ne!(after[0][1], before[0][1]);
    }

    #[test]
    fn a_barred_guard_steps_aside_and_comes_back() {
        let mut bench = Bench::new(12);
        let guards = bench.paths.guards().to_vec();
        bench.standing.strike(guards[0], 3, at(1));
        assert!(bench.mend(1), "a new guard was sampled");
        assert!(bench.relays().iter().all(|relays| relays[0] != guards[0]));
        assert_eq!(bench.paths.guards()[..2], guards[..], "and the old ones are remembered");
        bench.mend(70_000);
        let first: BTreeSet<NodeKey> = bench.relays().iter().map(|relays| relays[0]).collect();
        assert_eq!(first, guards.into_iter().collect());
    }

    #[test]
    fn an_outage_never_samples_more_than_five_guards() {
        let mut bench = Bench::new(12);
        for round in 0..50 {
            for relays in bench.relays() {
                bench.standing.strike(relays[0], 3, at(round));
            }
            bench.mend(round);
            assert!(bench.paths.guards().len() <= MOST_GUARDS);
            assert_eq!(bench.relays().len(), 2, "and there are always paths to try");
        }
    }

    #[test]
    fn hops_behind_the_guard_rotate() {
        let mut bench = Bench::new(40);
        let before = bench.relays();
        bench.mend(ROTATION_MS);
        let after = bench.relays();
        assert_eq!(
            before.iter().map(|r| r[0]).collect::<BTreeSet<_>>(),
            after.iter().map(|r| r[0]).collect()
        );
        assert_ne!(before, after);
    }
}
