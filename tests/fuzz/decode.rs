//! libFuzzer's bytes for the target `decode`.
#![no_main]

#[path = "../corpus/decode.rs"]
mod decode;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| decode::check(bytes));
