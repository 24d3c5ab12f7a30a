//! What reads of a file cost: not a test, a measurement.
#![allow(clippy::unwrap_used)]

use std::io::IoSlice;

use forebay_storage::disk::{Disk, RealDisk};

/// What reads cost, for the record: `cargo test --release -p forebay-storage --test reads -- --ignored --nocapture`.
#[test]
#[ignore = "it measures, and finds nothing right or wrong"]
fn cost_of_reads() {
    let folder = tempfile::tempdir().unwrap();
    let file = RealDisk.create(&folder.path().join("f")).unwrap();
    (0..64).for_each(|_| file.append(&mut [IoSlice::new(&vec![7; 1 << 20])]).unwrap());
    let touch = |bytes: &[u8]| bytes.iter().step_by(4096).map(|byte| u64::from(*byte)).sum::<u64>();
    for (length, rounds) in
        [(8usize, 200_000u64), (61, 200_000), (4096, 200_000), (16 << 10, 50_000), (64 << 10, 20_000), (1 << 20, 2_000)]
    {
        let mut sum = 0;
        let start = std::time::Instant::now();
        for round in 0..rounds {
            let position = (round * 7_919 * 4_096) % ((64 << 20) - length as u64);
            sum += touch(&file.read_at(position, length).unwrap());
        }
        let each = start.elapsed().as_nanos() / u128::from(rounds);
        println!("{length} bytes: {each} ns ({sum})");
    }
}
