#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    starling_fuzz_bodies::message::content(data);
});
