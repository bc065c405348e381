#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use starling_sim::*;
fn talk(world: &mut World, messages: u64) {
    for number in 0..messages {
        let from = (number % 2) as usize;
        world.act(from, Act::Send { to: 1 - from, body: format!("{} at {}", number, world.now_ms()) });
        world.run_for(2_000);
    }
}
fn main() {
    let which: u64 = std::env::args().nth(1).unwrap().parse().unwrap();
    let mut world =
        World::setup(which).nodes(14).swarm_size(7).printer(Box::new(|l| println!("{l}"))).build().unwrap();
    world.act(0, Act::Foreground);
    world.act(1, Act::Foreground);
    world.run_for(MINUTE_MS);
    match which {
        101 => {
            for device in 0..2 {
                for server in world.swarm_of(device).into_iter().take(2) {
                    world.fault(server, Fault::Hung);
                }
            }
            talk(&mut world, 8);
        }
        160 => {
            talk(&mut world, 4);
            world.run_for(MINUTE_MS);
            for server in world.swarm_of(1) {
                world.change(Change::Join(server));
                world.run_for(HOUR_MS);
                world.change(Change::Leave(server));
                world.run_for(HOUR_MS);
            }
            println!("======");
            talk(&mut world, 4);
        }
        180 => {
            for by_ms in [3_600_000, -7_200_000, 10 * 365 * 86_400_000, -10 * 365 * 86_400_000] {
                world.act(0, Act::ClockJump { by_ms });
                talk(&mut world, 4);
                world.run_for(MINUTE_MS);
            }
            world.act(1, Act::Reboot);
            println!("======");
            talk(&mut world, 2);
        }
        130..140 => {
            world.weather(Weather { loss: 300, ..Weather::default() });
            for number in 0..100 {
                world.act(0, Act::Send { to: 1, body: format!("{number}") });
                world.run_for(1_000 * (number % 7));
            }
        }
        _ => {
            for server in 0..world.node_count() {
                world.fault(server, Fault::Down);
            }
            world.change(Change::Seeds(false));
            world.act(0, Act::Send { to: 1, body: "into the outage".into() });
        }
    }
    world.run_until_quiet(2 * HOUR_MS);
    println!("{:?}\n{:?}\n{:?}", world.states(0), world.states(1), world.violations());
    println!("{:?}", world.history().judge(world.now_ms()));
}
