#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use starling_sim::*;
fn main() {
    let args: Vec<u64> = std::env::args().skip(1).map(|a| a.parse().unwrap()).collect();
    let scale = Scale { days: args[2], messages: args[3] };
    if args.len() > 4 {
        let outcome = run_printed(args[0], &scale, Box::new(|line| println!("{line}"))).unwrap();
        println!("{outcome:?}");
        return;
    }
    let report = simulate(args[0]..args[1], &scale, 1, &|o| {
        println!(
            "seed {} messages {} lost {} dup {} ooo {} violations {} gaps {} requests {} steps {} kills {}",
            o.seed,
            o.messages,
            o.lost,
            o.duplicates,
            o.out_of_order,
            o.violations.len(),
            o.gaps,
            o.requests,
            o.steps,
            o.kills
        );
        for v in o.violations.iter().take(6) {
            println!("    {}", v.to_string().chars().take(300).collect::<String>());
        }
    })
    .unwrap();
    println!("{report:?}");
}
