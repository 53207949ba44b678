//! libFuzzer's bytes for the target `state`.
#![no_main]

#[path = "../corpus/state.rs"]
mod state;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| state::check(bytes));
