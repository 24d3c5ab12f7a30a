//! Whether a partition works, or all of them with `--partition -1`: one record produced and fetched again, tried until it does.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::wire::Position;
use crate::{Failure, batch, wire};

/// Between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// Tries for `--seconds`, and prints how long it took and how often it was tried.
pub fn run(options: &Options) -> Result<(), Failure> {
    let record = batch::build(options.record_bytes, 0, false, 1)?.bytes;
    let began = Instant::now();
    let mut tries = 0;
    let all = i32::try_from(options.partitions)?;
    let asked = if options.partition < 0 { 0..all } else { options.partition..options.partition + 1 };
    for partition in asked {
        tries += 1;
        while let Err(error) = once(options, partition, &record) {
            if began.elapsed().as_secs_f64() > options.seconds {
                return Err(format!("partition {partition} does not work: {error}").into());
            }
            tries += 1;
            std::thread::sleep(PAUSE);
        }
    }
    println!("{{\"tries\": {tries}, \"wall_s\": {:.4}}}", began.elapsed().as_secs_f64());
    Ok(())
}

fn once(options: &Options, partition: i32, record: &[u8]) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let mut answer = Vec::new();
    stream.write_all(&wire::produce(&options.topic, partition, record)?)?;
    let length = wire::read_frame(&mut stream, &mut answer)?;
    wire::check_produced(&answer[..length])?;
    let mut position = [Position { partition, offset: wire::produced_at(&answer[..length])? }];
    stream.write_all(&wire::fetch(&options.topic, &position, options.partition_bytes, false)?)?;
    let length = wire::read_frame(&mut stream, &mut answer)?;
    match wire::take_fetched(&answer[..length], &mut position)?.bytes {
        0 => Err("the record that was just produced is not fetched".into()),
        _ => Ok(()),
    }
}
