//! SQLCipher with RustCrypto as its cryptographic provider.
//!
//! This crate compiles SQLCipher's amalgamation (`build.rs`) and gives it the primitives it asks for:
//! AES-256-CBC, HMAC and PBKDF2 over SHA-1, SHA-256 and SHA-512, and the system's randomness. The files are
//! stock SQLCipher 4 files; only the code that encrypts them is another, and a tenth of OpenSSL's size.
//!
//! It defines the `sqlite3_*` symbols that `rusqlite` declares. A crate that uses `rusqlite` must therefore
//! depend on this one, and call [`initialize`] before it opens its first connection.
//!
//! # Unsafe code
//! SQLCipher is C and hands over pointers and lengths, so this is the one crate of the project with `unsafe`.
//! It is confined to `provider`, which turns every pointer and length into a checked slice; what happens with
//! the bytes is in `primitives`, which is safe code. No function here can panic: an unwinding panic must not
//! cross into C.
#![allow(unsafe_code)]

mod initialize;
mod primitives;
mod provider;

pub use initialize::initialize;
