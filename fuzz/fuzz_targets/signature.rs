//! See `invigil_fuzz::signature`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| invigil_fuzz::signature(data));
