//! Compiles SQLCipher's amalgamation. The source comes from the build dependency `sqlcipher-src`, so its
//! version and checksum are in `Cargo.lock` like those of every other dependency.

use std::path::PathBuf;
use std::{env, fs};

/// Where SQLCipher registers its own shutdown for the end of the process. It would free the codec's memory
/// while threads that are not joined still close their connections, and crash them; the system takes the
/// memory of a process back anyway.
const EXIT_HANDLERS: &[&str] = &[
    "    atexit(sqlcipher_atexit);",
    "static void (*const sqlcipher_fini_func)(void) __attribute__((used, section(\".fini_array\"))) = sqlcipher_fini;",
    "static void (*const sqlcipher_fini_func)(void) __attribute__((used, section(\"__DATA,__mod_term_func\"))) = sqlcipher_fini;",
];

/// What SQLite and SQLCipher are asked to be. Everything that is not used is left out: a feature that is
/// not compiled cannot be reached by a damaged file.
const DEFINES: &[(&str, &str)] = &[
    // The codec, with our provider in the place of OpenSSL.
    ("SQLITE_HAS_CODEC", "1"),
    ("SQLCIPHER_CRYPTO_CUSTOM", "starling_sqlcipher_setup"),
    ("SQLITE_EXTRA_INIT", "sqlcipher_extra_init"),
    ("SQLITE_EXTRA_SHUTDOWN", "sqlcipher_extra_shutdown"),
    // A wrong key is an answer to the caller, not a line on somebody's stderr or in the device's log.
    ("SQLCIPHER_OMIT_LOG", "1"),
    ("SQLCIPHER_OMIT_LOG_DEVICE", "1"),
    ("SQLCIPHER_OMIT_DEFAULT_LOGGING", "1"),
    ("SQLITE_CORE", "1"),
    ("SQLITE_THREADSAFE", "1"),
    ("SQLITE_ENABLE_API_ARMOR", "1"),
    ("SQLITE_ENABLE_FTS5", "1"),
    ("SQLITE_DEFAULT_FOREIGN_KEYS", "1"),
    ("SQLITE_DQS", "0"),
    ("SQLITE_OMIT_LOAD_EXTENSION", "1"),
    ("SQLITE_USE_URI", "1"),
    ("HAVE_ISNAN", "1"),
    ("HAVE_LOCALTIME_R", "1"),
    ("HAVE_STDINT_H", "1"),
    ("HAVE_USLEEP", "1"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let source = sqlcipher_src::source_dir();
    let amalgamation = without_exit_handlers(fs::read_to_string(source.join(sqlcipher_src::SOURCE_FILE))?)?;
    let patched = PathBuf::from(env::var("OUT_DIR")?).join("sqlcipher.c");
    fs::write(&patched, amalgamation)?;
    // Plaintext must not reach temporary files; Android has no directory for them at all.
    let temp_store = if env::var("CARGO_CFG_TARGET_OS")? == "android" { "3" } else { "2" };

    let mut build = cc::Build::new();
    build.file(patched).include(source).warnings(false);
    // The page loop is an inner loop whatever the profile of the rest is.
    build.opt_level(3).debug(false);
    for (name, value) in DEFINES {
        build.define(name, *value);
    }
    build.define("SQLITE_TEMP_STORE", temp_store);
    build.compile("starling_sqlcipher");
    println!("cargo:rerun-if-changed=build.rs");
    Ok(())
}

/// Fails if a newer SQLCipher spells the registrations differently, so that none comes back unnoticed.
fn without_exit_handlers(mut source: String) -> Result<String, String> {
    for handler in EXIT_HANDLERS {
        if !source.contains(handler) {
            return Err(format!("SQLCipher has changed, not found: {handler}"));
        }
        source = source.replace(handler, "");
    }
    Ok(source)
}
