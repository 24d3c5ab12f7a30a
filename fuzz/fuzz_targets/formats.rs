//! Fuzzes `formats`; the body is in `processor/tests/fuzzed/targets`, where the replay of the corpus calls it too.
#![no_main]

#[path = "../../processor/tests/fuzzed/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::run("formats", data));
