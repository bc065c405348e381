//! Starting SQLite, once per process.

use std::ffi::c_int;
use std::sync::Once;

unsafe extern "C" {
    fn sqlite3_initialize() -> c_int;
}

/// Starts SQLite and SQLCipher; returns when both are ready, whichever thread was first. To be called before
/// every connection is opened.
///
/// SQLite would start itself with the first connection, but it calls itself started before SQLCipher's part
/// (`SQLITE_EXTRA_INIT`) has run: a second thread that opens a connection at that moment finds no provider. A
/// failure needs no report: opening a connection tries again and says so.
pub fn initialize() {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // SAFETY: takes no argument, may be called at any time, from any thread.
        unsafe { sqlite3_initialize() };
    });
}
