//! libFuzzer's bytes for the target `requests`.
#![no_main]

#[path = "../corpus/input.rs"]
mod input;

#[path = "../corpus/requests.rs"]
mod requests;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| requests::check(bytes));
