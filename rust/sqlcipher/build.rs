//! Compiles SQLCipher's amalgamation. The source comes from the build dependency `sqlcipher-src`, so its
//! version and checksum are in `Cargo.lock` like those of every other dependency.

use std::env;

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

fn main() -> Result<(), env::VarError> {
    let source = sqlcipher_src::source_dir();
    // Plaintext must not reach temporary files; Android has no directory for them at all.
    let temp_store = if env::var("CARGO_CFG_TARGET_OS")? == "android" { "3" } else { "2" };

    let mut build = cc::Build::new();
    build.file(source.join(sqlcipher_src::SOURCE_FILE)).include(source).warnings(false);
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
