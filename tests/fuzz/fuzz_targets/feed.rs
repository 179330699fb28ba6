//! See `fuzz::feed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::feed::take(data));
