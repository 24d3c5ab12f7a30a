//! Replays the corpus of the fuzz target `requests`, and makes the inputs that it begins with.

use std::fs;
use std::path::{Path, PathBuf};

use kafka_protocol::messages::ApiKey;

use super::every_request::cases;
use super::frames::{Entropy, frame};
use super::target;
use crate::api::{self, TABLE};
use crate::connection::guard::schema;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/requests")
}

#[test]
fn the_corpus_is_decoded_or_refused() {
    let cases = cases();
    let paths: Vec<PathBuf> = fs::read_dir(corpus()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(paths.len() >= 20, "only {} inputs", paths.len());
    for path in paths {
        target::run(&fs::read(path).unwrap(), &|key, version, body| {
            let (_, case) = cases.iter().find(|(case, _)| *case == key).unwrap();
            let _ = case.again(&body, version);
            // The broker's own decoder, where it serves that version.
            let _ = api::read(ApiKey::try_from(key).unwrap(), version, body);
        });
    }
}

/// The fuzzer begins with a request of each API that is served.
#[test]
fn every_api_of_the_table_has_an_input() {
    for api in TABLE {
        let seed = corpus().join(format!("seed-{:03}", api.key as i16));
        assert!(
            seed.exists(),
            "{} has none; make it: cargo test -p forebay --lib guard::tests::corpus -- --ignored",
            api.name
        );
    }
}

/// `cargo test -p forebay --lib guard::tests::corpus -- --ignored` writes a frame for each request in its last version.
#[test]
#[ignore = "writes into fuzz/corpus"]
fn seeds() {
    let entropy: Vec<u8> = (0..600u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::create_dir_all(corpus()).unwrap();
    for schema in schema::all() {
        let version = schema.last;
        let mut bytes = [schema.key.to_be_bytes(), version.to_be_bytes()].concat();
        bytes.extend([0, 0, 0, 7, 0, 1, b'c']);
        if version >= schema.flexible {
            bytes.push(0);
        }
        bytes.extend(frame(schema, version, &mut Entropy::new(&entropy)));
        fs::write(corpus().join(format!("seed-{:03}", schema.key)), bytes).unwrap();
    }
}
