//! The provider as SQLCipher sees it: a table of C functions (`struct sqlcipher_provider`).
//!
//! Every function checks its pointers and lengths and answers `SQLITE_ERROR` to what it cannot use, whatever
//! SQLCipher promises: a check costs nothing beside a page of AES.

use std::ffi::{c_char, c_int, c_uchar, c_void};
use std::{ptr, slice};

use crate::primitives::{self, BLOCK_BYTES, Digest, IV_BYTES, KEY_BYTES, Mode, Refused};

const SQLITE_OK: c_int = 0;
const SQLITE_ERROR: c_int = 1;
/// SQLCipher's number for encryption; decryption is 0.
const ENCRYPT: c_int = 1;

type NameFn = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type SizeFn = unsafe extern "C" fn(*mut c_void) -> c_int;
type ContextFn = unsafe extern "C" fn(*mut *mut c_void) -> c_int;
type HmacFn = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_uchar,
    c_int,
    *const c_uchar,
    c_int,
    *const c_uchar,
    c_int,
    *mut c_uchar,
) -> c_int;
type KdfFn = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_uchar,
    c_int,
    *const c_uchar,
    c_int,
    c_int,
    c_int,
    *mut c_uchar,
) -> c_int;
type CipherFn = unsafe extern "C" fn(
    *mut c_void,
    c_int,
    *const c_uchar,
    c_int,
    *const c_uchar,
    *const c_uchar,
    c_int,
    *mut c_uchar,
) -> c_int;

/// `struct sqlcipher_provider` of SQLCipher 4.20, field by field in its order.
#[repr(C)]
pub(crate) struct Provider {
    init: Option<unsafe extern "C" fn() -> c_int>,
    shutdown: Option<unsafe extern "C" fn()>,
    get_provider_name: NameFn,
    add_random: unsafe extern "C" fn(*mut c_void, *const c_void, c_int) -> c_int,
    random: unsafe extern "C" fn(*mut c_void, *mut c_void, c_int) -> c_int,
    hmac: HmacFn,
    kdf: KdfFn,
    cipher: CipherFn,
    get_cipher: NameFn,
    get_key_sz: SizeFn,
    get_iv_sz: SizeFn,
    get_block_sz: SizeFn,
    get_hmac_sz: unsafe extern "C" fn(*mut c_void, c_int) -> c_int,
    ctx_init: ContextFn,
    ctx_free: ContextFn,
    fips_status: SizeFn,
    get_provider_version: NameFn,
    next: *mut Provider,
}

/// Fills the table SQLCipher allocated; called once per process, from `sqlite3_initialize`.
///
/// # Safety
/// `provider` is NULL or points to writable memory for one `struct sqlcipher_provider`.
#[unsafe(no_mangle)]
unsafe extern "C" fn starling_sqlcipher_setup(provider: *mut Provider) -> c_int {
    if provider.is_null() {
        return SQLITE_ERROR;
    }
    let table = Provider {
        init: None,
        shutdown: None,
        get_provider_name: provider_name,
        add_random,
        random,
        hmac,
        kdf,
        cipher,
        get_cipher: cipher_name,
        get_key_sz: key_size,
        get_iv_sz: iv_size,
        get_block_sz: block_size,
        get_hmac_sz: hmac_size,
        ctx_init: no_context,
        ctx_free: no_context,
        fips_status,
        get_provider_version: provider_version,
        next: ptr::null_mut(),
    };
    // SAFETY: not NULL, and the caller promises memory for one table. `write` reads nothing that was there.
    unsafe { provider.write(table) };
    SQLITE_OK
}

/// A slice over what C handed over; `None` for NULL or a negative length. An empty slice needs no pointer.
///
/// # Safety
/// A pointer that is not NULL is readable for `length` bytes, and nobody writes to them while `'a` lasts.
unsafe fn input<'a>(pointer: *const c_uchar, length: c_int) -> Option<&'a [u8]> {
    let length = usize::try_from(length).ok()?;
    match (pointer.is_null(), length) {
        (_, 0) => Some(&[]),
        (true, _) => None,
        // SAFETY: not NULL, and the caller promises `length` readable bytes for `'a`.
        (false, _) => Some(unsafe { slice::from_raw_parts(pointer, length) }),
    }
}

/// A writable slice over what C handed over; `None` for NULL.
///
/// # Safety
/// A pointer that is not NULL points to `length` initialised bytes that nobody else touches while `'a` lasts.
unsafe fn output<'a>(pointer: *mut c_uchar, length: usize) -> Option<&'a mut [u8]> {
    if pointer.is_null() {
        return None;
    }
    // SAFETY: not NULL, and the caller promises `length` exclusive bytes for `'a`.
    Some(unsafe { slice::from_raw_parts_mut(pointer, length) })
}

fn code(result: Option<Result<(), Refused>>) -> c_int {
    match result {
        Some(Ok(())) => SQLITE_OK,
        Some(Err(Refused)) | None => SQLITE_ERROR,
    }
}

/// # Safety
/// `buffer` is NULL or writable for `length` bytes.
unsafe extern "C" fn random(_: *mut c_void, buffer: *mut c_void, length: c_int) -> c_int {
    let fill = || {
        let length = usize::try_from(length).ok()?;
        // SAFETY: as promised for this function.
        let out = unsafe { output(buffer.cast(), length) }?;
        Some(primitives::random(out))
    };
    code(fill())
}

/// # Safety
/// Each pointer is NULL or readable for the length that follows it; `out` is NULL or writable for the
/// algorithm's hash length. `out` overlaps none of the others.
unsafe extern "C" fn hmac(
    _: *mut c_void,
    algorithm: c_int,
    key: *const c_uchar,
    key_length: c_int,
    first: *const c_uchar,
    first_length: c_int,
    second: *const c_uchar,
    second_length: c_int,
    out: *mut c_uchar,
) -> c_int {
    let run = || {
        let digest = Digest::from_number(algorithm)?;
        // The second part is optional: NULL stands for nothing, with whatever length.
        let second_length = if second.is_null() { 0 } else { second_length };
        // SAFETY: as promised for this function.
        let (key, first, second, out) = unsafe {
            (
                input(key, key_length)?,
                input(first, first_length)?,
                input(second, second_length)?,
                output(out, digest.output_bytes())?,
            )
        };
        Some(primitives::hmac(digest, key, [first, second], out))
    };
    code(run())
}

/// # Safety
/// Each pointer is NULL or readable for the length that follows it; `out` is NULL or writable for
/// `out_length` bytes and overlaps none of the others.
unsafe extern "C" fn kdf(
    _: *mut c_void,
    algorithm: c_int,
    password: *const c_uchar,
    password_length: c_int,
    salt: *const c_uchar,
    salt_length: c_int,
    rounds: c_int,
    out_length: c_int,
    out: *mut c_uchar,
) -> c_int {
    let run = || {
        let digest = Digest::from_number(algorithm)?;
        let rounds = u32::try_from(rounds).ok()?;
        let out_length = usize::try_from(out_length).ok()?;
        // SAFETY: as promised for this function.
        let (password, salt, out) = unsafe {
            (input(password, password_length)?, input(salt, salt_length)?, output(out, out_length)?)
        };
        Some(primitives::kdf(digest, password, salt, rounds, out))
    };
    code(run())
}

/// # Safety
/// `key` and `data` are NULL or readable for the length that follows them, `iv` is NULL or readable for
/// [`IV_BYTES`], `out` is NULL or writable for `length` bytes and overlaps neither key nor iv; it may be `data`.
unsafe extern "C" fn cipher(
    _: *mut c_void,
    mode: c_int,
    key: *const c_uchar,
    key_length: c_int,
    iv: *const c_uchar,
    data: *const c_uchar,
    length: c_int,
    out: *mut c_uchar,
) -> c_int {
    let run = || {
        let mode = if mode == ENCRYPT { Mode::Encrypt } else { Mode::Decrypt };
        let length = usize::try_from(length).ok()?;
        if data.is_null() || out.is_null() || iv.is_null() {
            return None;
        }
        // SAFETY: both are not NULL and `length` long as promised; `copy` allows them to overlap.
        unsafe { ptr::copy(data, out, length) };
        // SAFETY: as promised for this function; `data` is not looked at any more.
        let (key, iv, out) =
            unsafe { (input(key, key_length)?, slice::from_raw_parts(iv, IV_BYTES), output(out, length)?) };
        Some(primitives::cipher(mode, key, iv, out))
    };
    code(run())
}

/// The system's generator needs no seed from SQLCipher.
unsafe extern "C" fn add_random(_: *mut c_void, _: *const c_void, _: c_int) -> c_int {
    SQLITE_OK
}

/// The provider has no state, so that every thread may use it at once; SQLCipher's context stays NULL.
unsafe extern "C" fn no_context(_: *mut *mut c_void) -> c_int {
    SQLITE_OK
}

unsafe extern "C" fn provider_name(_: *mut c_void) -> *const c_char {
    c"rustcrypto".as_ptr()
}

unsafe extern "C" fn provider_version(_: *mut c_void) -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

unsafe extern "C" fn cipher_name(_: *mut c_void) -> *const c_char {
    c"aes-256-cbc".as_ptr()
}

unsafe extern "C" fn key_size(_: *mut c_void) -> c_int {
    KEY_BYTES as c_int
}

unsafe extern "C" fn iv_size(_: *mut c_void) -> c_int {
    IV_BYTES as c_int
}

unsafe extern "C" fn block_size(_: *mut c_void) -> c_int {
    BLOCK_BYTES as c_int
}

/// 0 for an algorithm that does not exist: SQLCipher takes that for an error.
unsafe extern "C" fn hmac_size(_: *mut c_void, algorithm: c_int) -> c_int {
    Digest::from_number(algorithm).map_or(0, |digest| digest.output_bytes() as c_int)
}

/// RustCrypto is not a validated module.
unsafe extern "C" fn fips_status(_: *mut c_void) -> c_int {
    0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use std::mem::MaybeUninit;

    use super::*;

    fn table() -> Provider {
        let mut table = MaybeUninit::uninit();
        // SAFETY: the pointer is to memory for one table, and it is filled when the call says so.
        unsafe {
            assert_eq!(starling_sqlcipher_setup(table.as_mut_ptr()), SQLITE_OK);
            table.assume_init()
        }
    }

    #[test]
    fn setup_refuses_null() {
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { starling_sqlcipher_setup(ptr::null_mut()) }, SQLITE_ERROR);
    }

    #[test]
    fn sizes_are_those_of_aes_256_cbc() {
        let (table, nothing) = (table(), ptr::null_mut());
        // SAFETY: these functions do not look at their argument.
        unsafe {
            assert_eq!((table.get_key_sz)(nothing), 32);
            assert_eq!((table.get_iv_sz)(nothing), 16);
            assert_eq!((table.get_block_sz)(nothing), 16);
            assert_eq!([0, 1, 2, 3].map(|n| (table.get_hmac_sz)(nothing, n)), [20, 32, 64, 0]);
        }
    }

    #[test]
    fn null_and_negative_lengths_are_refused() {
        let (table, none) = (table(), ptr::null_mut());
        let (some, mut out) = ([0u8; 64], [0u8; 64]);
        let (given, target) = (some.as_ptr(), out.as_mut_ptr());
        // SAFETY: every pointer is NULL or to 64 bytes, and no length is above 64.
        unsafe {
            assert_eq!((table.random)(none, ptr::null_mut(), 16), SQLITE_ERROR);
            assert_eq!((table.random)(none, target.cast(), -1), SQLITE_ERROR);
            let hmac = table.hmac;
            assert_eq!(hmac(none, 2, ptr::null(), 32, given, 8, given, 8, target), SQLITE_ERROR);
            assert_eq!(hmac(none, 2, given, 32, ptr::null(), 8, given, 8, target), SQLITE_ERROR);
            assert_eq!(hmac(none, 2, given, 32, given, -8, given, 8, target), SQLITE_ERROR);
            assert_eq!(hmac(none, 2, given, 32, given, 8, given, 8, ptr::null_mut()), SQLITE_ERROR);
            assert_eq!(hmac(none, 9, given, 32, given, 8, given, 8, target), SQLITE_ERROR);
            let kdf = table.kdf;
            assert_eq!(kdf(none, 2, ptr::null(), 4, given, 16, 2, 32, target), SQLITE_ERROR);
            assert_eq!(kdf(none, 2, given, 4, given, 16, -2, 32, target), SQLITE_ERROR);
            assert_eq!(kdf(none, 2, given, 4, given, 16, 2, -32, target), SQLITE_ERROR);
            assert_eq!(kdf(none, 2, given, 4, given, 16, 2, 32, ptr::null_mut()), SQLITE_ERROR);
            let cipher = table.cipher;
            assert_eq!(cipher(none, 1, ptr::null(), 32, given, given, 16, target), SQLITE_ERROR);
            assert_eq!(cipher(none, 1, given, 31, given, given, 16, target), SQLITE_ERROR);
            assert_eq!(cipher(none, 1, given, 32, ptr::null(), given, 16, target), SQLITE_ERROR);
            assert_eq!(cipher(none, 1, given, 32, given, ptr::null(), 16, target), SQLITE_ERROR);
            assert_eq!(cipher(none, 1, given, 32, given, given, 15, target), SQLITE_ERROR);
            assert_eq!(cipher(none, 1, given, 32, given, given, 16, ptr::null_mut()), SQLITE_ERROR);
        }
    }

    #[test]
    fn cipher_works_in_place_and_apart() {
        let (table, none) = (table(), ptr::null_mut());
        let (key, iv, plain) = ([7u8; 32], [9u8; 16], [3u8; 48]);
        let (mut apart, mut in_place) = ([0u8; 48], plain);
        // SAFETY: every pointer is to as many bytes as it is said to have.
        unsafe {
            let cipher = table.cipher;
            let (key, iv) = (key.as_ptr(), iv.as_ptr());
            assert_eq!(cipher(none, 1, key, 32, iv, plain.as_ptr(), 48, apart.as_mut_ptr()), SQLITE_OK);
            let pointer = in_place.as_mut_ptr();
            assert_eq!(cipher(none, 1, key, 32, iv, pointer, 48, pointer), SQLITE_OK);
            assert_eq!(apart, in_place);
            assert_ne!(apart, plain);
            assert_eq!(cipher(none, 0, key, 32, iv, pointer, 48, pointer), SQLITE_OK);
        }
        assert_eq!(in_place, plain);
    }

    #[test]
    fn an_absent_second_part_is_an_empty_one() {
        let (table, none) = (table(), ptr::null_mut());
        let (data, mut absent, mut empty) = ([5u8; 32], [0u8; 64], [0u8; 64]);
        let given = data.as_ptr();
        // SAFETY: every pointer is NULL or to as many bytes as it is said to have.
        unsafe {
            let hmac = table.hmac;
            assert_eq!(hmac(none, 2, given, 32, given, 32, ptr::null(), 4, absent.as_mut_ptr()), SQLITE_OK);
            assert_eq!(hmac(none, 2, given, 32, given, 32, given, 0, empty.as_mut_ptr()), SQLITE_OK);
        }
        assert_eq!(absent, empty);
        assert_ne!(absent, [0; 64]);
    }
}
