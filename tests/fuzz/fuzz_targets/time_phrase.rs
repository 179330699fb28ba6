//! See `fuzz::time_phrase`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::time_phrase::take(data));
