//! `starling search`: full-text search over all conversations.

use clap::Args;

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::shown;

/// Options of `starling search`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Words that must all occur; the last one may be the beginning of a word
    query: String,
    /// How many messages at most, the newest ones
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// `starling search`: newest first.
pub(crate) async fn run(arguments: Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let own = client::own_id(&engine);
    let result = engine.search(arguments.query, None, arguments.limit).await;
    client::close(engine).await?;
    let messages: Vec<_> = result?.into_iter().map(|hit| hit.message).collect();
    shown::print(&messages, &own, output)
}
