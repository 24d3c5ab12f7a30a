//! Fuzzes `indexes`; the body is in `storage/tests/corpus/targets`, where the replay of the corpus calls it too.
#![no_main]

#[path = "../../storage/tests/corpus/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::run("indexes", data));
