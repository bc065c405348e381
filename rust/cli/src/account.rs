//! `starling account`: the identity of a data directory.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use rand::SeedableRng;
use rand::rngs::{StdRng, SysRng};
use serde::Serialize;
use starling_engine::{Engine, EngineError};
use starling_protocol::Seed;

use crate::arguments::Home;
use crate::client;
use crate::failure::Failure;
use crate::output::{Output, printable};
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
    /// Set the display name that friend requests and acceptances carry
    Name {
        /// At most 64 bytes; empty for none
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Whether friend requests of strangers are dropped unseen, unless they have an invite
    KnownOnly {
        #[arg(value_enum)]
        switch: Switch,
    },
    /// Print the account id and the display name
    Show {
        /// Print the recovery phrase as well: whoever reads it owns the account
        #[arg(long)]
        phrase: bool,
    },
}

/// A yes or no as people type it.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

#[derive(Serialize, Default)]
struct AccountAnswer {
    account_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    known_contacts_only: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_phrase: Option<String>,
}

/// `starling account new|restore|name|known-only|show`
pub(crate) async fn run(arguments: Arguments, home: &Home, output: Output) -> Result<(), Failure> {
    match arguments.action {
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
        Action::Name { name } => {
            let engine = home.open()?;
            let set = engine.set_display_name(name).await;
            settle(engine, set, output).await
        }
        Action::KnownOnly { switch } => {
            let engine = home.open()?;
            let set = engine.set_known_contacts_only(switch == Switch::On).await;
            settle(engine, set, output).await
        }
        Action::Show { phrase } => show(home, phrase, output).await,
    }
}

async fn create(home: &Home, seed: &Seed, output: Output) -> Result<(), Failure> {
    let engine = home.create()?;
    let created = engine.create_account(seed.clone()).await;
    client::close(engine).await?;
    let answer = AccountAnswer { account_id: created?.to_string(), ..AccountAnswer::default() };
    output.answer(&answer, || format!("Account {}", answer.account_id))
}

/// Closes the engine and says how the account stands after a change.
async fn settle(engine: Engine, set: Result<(), EngineError>, output: Output) -> Result<(), Failure> {
    let answer = read(&engine, false).await;
    client::close(engine).await?;
    set?;
    let answer = answer?;
    output.answer(&answer, || describe(&answer))
}

async fn show(home: &Home, with_phrase: bool, output: Output) -> Result<(), Failure> {
    let engine = home.open()?;
    let answer = read(&engine, with_phrase).await;
    client::close(engine).await?;
    let answer = answer?;
    output.answer(&answer, || describe(&answer))
}

fn describe(answer: &AccountAnswer) -> String {
    let mut text = format!("Account {}", answer.account_id);
    if let Some(name) = &answer.name {
        text.push_str(&format!("\nName: {}", printable(name)));
    }
    if answer.known_contacts_only {
        text.push_str("\nOnly known contacts, and whoever has an invite, are heard");
    }
    if let Some(words) = &answer.recovery_phrase {
        text.push_str(&format!("\nRecovery phrase: {words}"));
    }
    text
}

async fn read(engine: &Engine, with_phrase: bool) -> Result<AccountAnswer, Failure> {
    let account_id = engine.account_id().map(|id| id.to_string()).unwrap_or_default();
    let recovery_phrase = if with_phrase { Some(engine.recovery_phrase().await?.to_string()) } else { None };
    Ok(AccountAnswer {
        account_id,
        name: engine.display_name().await?,
        known_contacts_only: engine.known_contacts_only().await?,
        recovery_phrase,
    })
}
