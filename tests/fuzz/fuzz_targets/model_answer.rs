//! See `fuzz::model_answer`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::model_answer::take(data));
