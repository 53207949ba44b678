//! libFuzzer's bytes for the target `discoverer`.
#![no_main]

#[path = "../corpus/input.rs"]
mod input;

#[path = "../corpus/discoverer/mod.rs"]
mod discoverer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| discoverer::check(bytes));
