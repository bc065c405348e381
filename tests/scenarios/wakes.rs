//! Wakes among nodes that hang: never late, and what was left undone is said and done next time.

use starling_core::WakeReport;
use starling_sim::{Act, Fault, MINUTE_MS, World};

use crate::stage::*;

/// Who hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hanging {
    /// Both guards and one more of the sender's own swarm.
    Guards,
    /// Three of the sleeper's own swarm.
    OwnSwarm,
    /// Three of the recipient's swarm.
    TheirSwarm,
    /// Every node.
    All,
}

/// A sleeping device that knows the network, with a message to send and one to fetch.
fn sleeper(seed: u64) -> World {
    let mut world = sevens(seed).build().unwrap();
    world.act(1, Act::Foreground);
    world.run_for(MINUTE_MS);
    let known = wake(&mut world, 30_000);
    assert!(!known.cut_short && known.replicas_read >= 3, "{known:?}");
    send(&mut world, 1, "to fetch");
    world.run_for(MINUTE_MS);
    send(&mut world, 0, "to send");
    world
}

/// Wakes device 0 and gives back its report, which is never late.
fn wake(world: &mut World, within_ms: u64) -> WakeReport {
    let before = world.wakes(0).len();
    let deadline = world.now_ms() + within_ms;
    world.act(0, Act::Wake { within_ms });
    world.run_for(within_ms + MINUTE_MS);
    let [(at, report)] = &world.wakes(0)[before..] else { panic!("a wake has one answer") };
    assert!(*at <= deadline, "answered {} ms after the deadline of {within_ms} ms", at - deadline);
    assert_eq!(world.violations(), []);
    report.clone()
}

/// Makes some nodes hang; gives their numbers.
fn hang(world: &mut World, hanging: Hanging) -> Vec<usize> {
    let mut servers = match hanging {
        Hanging::Guards => world
            .read(0, |view| view.guards())
            .unwrap()
            .unwrap()
            .iter()
            .filter_map(|key| world.server(key))
            .collect(),
        Hanging::OwnSwarm => world.swarm_of(0).into_iter().take(3).collect(),
        Hanging::TheirSwarm => world.swarm_of(1).into_iter().take(3).collect(),
        Hanging::All => (0..14).collect::<Vec<usize>>(),
    };
    if hanging == Hanging::Guards {
        servers.truncate(2);
        assert_eq!(servers.len(), 2, "two guards are kept");
        let more = world.swarm_of(0).into_iter().find(|server| !servers.contains(server)).unwrap();
        servers.push(more);
    }
    for server in &servers {
        world.fault(*server, Fault::Hung);
    }
    servers
}

fn sent(world: &World) -> bool {
    has_arrived(&state(world, 0, "to send"))
}

/// One wake among hanging nodes with this deadline, then one when they work again.
fn assert_in_time_and_made_good(seed: u64, hanging: Hanging, within_ms: u64) -> WakeReport {
    let what = format!("{hanging:?}, {within_ms} ms");
    let mut world = sleeper(seed);
    let servers = hang(&mut world, hanging);
    let since = world.now_ms();
    let report = wake(&mut world, within_ms);
    let met = requests(&world, 0, since, |_| true)
        .iter()
        .filter(|ask| {
            let (relays, destination) = way(&world, ask);
            servers.contains(&destination) || relays.iter().any(|relay| servers.contains(relay))
        })
        .count();
    if hanging == Hanging::All || hanging == Hanging::Guards {
        assert!(met > 0, "{what}: a hanging node was asked");
    }
    // The report says what is true.
    assert!(report.outbox_left >= u64::from(!sent(&world)), "{what}: {report:?}");
    assert!(report.messages_stored >= u64::from(sent(&world)), "{what}: {report:?}");
    // The text; of what was received its acknowledgement, and the answer to the bundle that came with it.
    let to_send = 1 + report.new_messages..=1 + 2 * report.new_messages;
    assert!(to_send.contains(&(report.outbox_left + report.messages_stored)), "{what}: {report:?}");
    assert_eq!(report.new_messages, world.events(0).len() as u64, "{what}: {report:?}");
    let undone = report.outbox_left > 0 || report.replicas_read == 0;
    assert!(report.cut_short || !undone || hanging == Hanging::All, "{what}: undone unsaid: {report:?}");

    repair(&mut world, &servers);
    let next = wake(&mut world, 30_000);
    assert!(!next.cut_short && next.outbox_left == 0 && sent(&world), "{what}: {next:?}");
    let stored = report.messages_stored + next.messages_stored;
    assert!((2..=3).contains(&stored), "{what}: {report:?} {next:?}");
    assert_eq!(report.new_messages + next.new_messages, 1, "{what}: {report:?} {next:?}");
    assert_delivered(&mut world, 2, &what);
    report
}

#[test]
fn three_hanging_nodes_make_no_wake_late_and_leave_nothing_undone_for_long() {
    for hanging in [Hanging::Guards, Hanging::OwnSwarm, Hanging::TheirSwarm] {
        for seconds in 1..=30 {
            assert_in_time_and_made_good(1_900 + seconds, hanging, seconds * 1_000);
        }
    }
}

#[test]
fn hanging_nodes_everywhere_make_no_wake_late_and_what_is_undone_is_said() {
    for seconds in 1..=30 {
        let report = assert_in_time_and_made_good(1_950 + seconds, Hanging::All, seconds * 1_000);
        assert_eq!((report.outbox_left, report.messages_stored, report.replicas_read), (1, 0, 0));
        assert!(report.cut_short, "{seconds} s: {report:?}");
    }
}

#[test]
fn what_a_wake_leaves_undone_the_next_ones_do_though_a_node_hangs_on() {
    let mut met = 0;
    for seed in 1_990..1_998 {
        let mut world = sleeper(seed);
        let hanging = world.swarm_of(0)[0];
        world.fault(hanging, Fault::Hung);
        let since = world.now_ms();
        let mut reports = Vec::new();
        while reports.len() < 3 && !(sent(&world) && world.events(0).len() == 1) {
            reports.push(wake(&mut world, 30_000));
            world.run_for(15 * MINUTE_MS);
        }
        assert!(sent(&world) && world.events(0).len() == 1, "seed {seed}: {reports:?}");
        for report in &reports[..reports.len() - 1] {
            assert!(report.cut_short || report.outbox_left > 0, "seed {seed}: undone unsaid: {report:?}");
        }
        let asked = requests(&world, 0, since, |_| true);
        met += usize::from(asked.iter().any(|ask| {
            let (relays, destination) = way(&world, ask);
            destination == hanging || relays.contains(&hanging)
        }));
        assert_eq!(world.violations(), []);
    }
    assert!(met >= 6, "the hanging node was asked in {met} of 8 worlds only");
}
