//! `starling account`: the identity of a data directory.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use serde::Serialize;
use starling_engine::Engine;
use starling_protocol::Seed;

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::Output;
use crate::secrets;

/// Options of `starling account`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Debug)]
enum Action {
    /// Create an account with fresh keys; refused if there is one already
    New,
    /// Create the account that a recovery phrase stands for; refused if there is one already
    Restore {
        /// File with the 13 words; asked for if not given
        #[arg(long, value_name = "FILE")]
        phrase_file: Option<PathBuf>,
    },
    /// Print the account id
    Show {
        /// Print the recovery phrase as well: whoever reads it owns the account
        #[arg(long)]
        phrase: bool,
    },
}

#[derive(Serialize)]
struct AccountAnswer {
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_phrase: Option<String>,
}

/// `starling account new|restore|show`
pub(crate) async fn run(arguments: &Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    match &arguments.action {
        Action::New => {
            let mut random = StdRng::try_from_rng(&mut SysRng)
                .map_err(|error| Failure::other("asking the system for randomness", error))?;
            create(home, &Seed::generate(&mut random), output).await?;
            if output.is_json() {
                return Ok(());
            }
            output.line("Its recovery phrase, for a safe place: starling account show --phrase")
        }
        Action::Restore { phrase_file } => {
            let seed = secrets::recovery_phrase(phrase_file.as_deref())?;
            create(home, &seed, output).await
        }
        Action::Show { phrase } => show(home, *phrase, output).await,
    }
}

async fn create(home: &Home, seed: &Seed, output: Output) -> Result<(), Failure> {
    let engine = home.create()?;
    let created = engine.create_account(seed.clone()).await;
    client::close(engine).await?;
    let answer = AccountAnswer { account_id: created?.to_string(), recovery_phrase: None };
    output.answer(&answer, || format!("Account {}", answer.account_id))
}

async fn show(home: &Home, with_phrase: bool, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let answer = read(&engine, with_phrase).await;
    client::close(engine).await?;
    let answer = answer?;
    output.answer(&answer, || match &answer.recovery_phrase {
        Some(words) => format!("Account {}\nRecovery phrase: {words}", answer.account_id),
        None => format!("Account {}", answer.account_id),
    })
}

async fn read(engine: &Engine, with_phrase: bool) -> Result<AccountAnswer, Failure> {
    let account_id = engine.account_id().map(|id| id.to_string()).unwrap_or_default();
    let recovery_phrase = if with_phrase { Some(engine.recovery_phrase().await?.to_string()) } else { None };
    Ok(AccountAnswer { account_id, recovery_phrase })
}
