//! libFuzzer's bytes for the target `round_trip`.
#![no_main]

#[path = "../corpus/round_trip.rs"]
mod round_trip;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| round_trip::check(bytes));
