//! See `fuzz::cleaning`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::cleaning::take(data));
