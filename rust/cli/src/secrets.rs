//! Where secrets come from: a file or a prompt, never the argument list, which every process on
//! the machine can read.

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use starling_protocol::{Seed, phrase};
use starling_store::StoreKey;
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Longest secret file read: a phrase of 25 words fits many times.
const MAX_SECRET_BYTES: u64 = 4096;

/// The store key: 64 hex digits from `file`, or asked for.
pub(crate) fn store_key(file: Option<&Path>) -> Result<StoreKey, Failure> {
    let text = read_secret(file, "store key (64 hex digits): ", "--key-file")?;
    StoreKey::from_hex(text.trim())
        .map_err(|_| Failure::Usage("the store key must be exactly 64 hex digits".to_owned()))
}

/// The recovery phrase: 13 words from `file`, or asked for.
pub(crate) fn recovery_phrase(file: Option<&Path>) -> Result<Seed, Failure> {
    let text = read_secret(file, "recovery phrase (13 words): ", "--phrase-file")?;
    phrase::decode(&text).map_err(|error| Failure::Usage(format!("recovery phrase: {error}")))
}

fn read_secret(file: Option<&Path>, prompt: &str, option: &str) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(path) => read_file(path),
        None if std::io::stdin().is_terminal() => rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|error| Failure::other("reading from the terminal", error)),
        None => Err(Failure::Usage(format!("no terminal to ask at: give {option} FILE"))),
    }
}

fn read_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    // Reserved in full, so that no reallocation leaves a copy of the secret behind.
    let mut text = Zeroizing::new(String::with_capacity(MAX_SECRET_BYTES as usize + 1));
    let file = File::open(path).map_err(|error| Failure::file(path, &error))?;
    file.take(MAX_SECRET_BYTES + 1).read_to_string(&mut text).map_err(|error| Failure::file(path, &error))?;
    if text.len() as u64 > MAX_SECRET_BYTES {
        return Err(Failure::Usage(format!("{}: too long for a secret", path.display())));
    }
    Ok(text)
}
