//! Random friendships: requests, texts both ways, everything that breaks, a lost store; and what came of it.
//!
//! | module | what it knows |
//! |---|---|
//! | `both` | something that each of the two devices has |
//! | `story` | what a seed means |
//! | `telling` | a world that lives through a story, with two users who answer what they are shown |
//! | `tally` | what came of one history, and of many |

mod both;
mod story;
mod tally;
mod telling;

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use starling_store::OpenError;

use self::story::Story;
pub use self::tally::{Tally, Told};
use self::telling::tell;
use crate::run::on_threads;
use crate::trace::Printer;

/// Lives through the history of one seed and judges it.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn history(seed: u64) -> Result<Told, OpenError> {
    tell(Story::draw(seed), None)
}

/// Like [`history`], with every step of every core printed.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn history_printed(seed: u64, printer: Printer) -> Result<Told, OpenError> {
    tell(Story::draw(seed), Some(printer))
}

/// Lives through many on up to `threads` threads. `progress` hears of each as soon as it is over.
///
/// # Errors
/// A database in memory that cannot be opened.
pub fn histories(
    seeds: Range<u64>,
    threads: usize,
    progress: &(dyn Fn(&Told) + Sync),
) -> Result<Tally, OpenError> {
    let sum = Mutex::new(Ok(Tally::default()));
    on_threads(seeds, threads, &|seed| {
        let told = history(seed);
        let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
        match (sum.as_mut(), told) {
            (Ok(sum), Ok(told)) => {
                sum.add(&told);
                progress(&told);
                true
            }
            (Ok(_), Err(error)) => {
                *sum = Err(error);
                false
            }
            (Err(_), _) => false,
        }
    });
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}
