//! The load of consumers: each connection reads its partitions from the start to the end, one request at a time.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::options::Options;
use crate::wire::Position;
use crate::{Failure, wire};

/// Reads what there is and prints how much it was.
pub fn run(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let bytes = std::thread::scope(|scope| -> Result<usize, Failure> {
        let readers: Vec<_> = (0..options.connections)
            .map(|number| {
                scope.spawn(
                    move || if options.floor { from_floor(options, number) } else { from_broker(options, number) },
                )
            })
            .collect();
        let mut bytes = 0;
        for reader in readers {
            bytes += reader.join().map_err(|_| "a reader panicked")??;
        }
        Ok(bytes)
    })?;
    println!("{{\"bytes\": {bytes}, \"wall_s\": {:.3}}}", began.elapsed().as_secs_f64());
    Ok(())
}

fn connect(options: &Options) -> Result<TcpStream, Failure> {
    let stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The partitions of one of the connections: they are dealt out in turn.
fn partitions(options: &Options, number: usize) -> Vec<Position> {
    let mine = (0..options.partitions).filter(|partition| partition % options.connections == number);
    mine.map(|partition| Position { partition: partition as i32, offset: 0 }).collect()
}

fn from_broker(options: &Options, number: usize) -> Result<usize, Failure> {
    let mut positions = partitions(options, number);
    let mut stream = connect(options)?;
    let mut answer = Vec::new();
    let mut bytes = 0;
    loop {
        stream.write_all(&wire::fetch(&options.topic, &positions, options.partition_bytes, false)?)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        match wire::take_fetched(&answer[..length], &mut positions)?.bytes {
            0 => return Ok(bytes),
            more => bytes += more,
        }
    }
}

/// The floor has no batches: positions are bytes, and an empty answer is the end.
fn from_floor(options: &Options, number: usize) -> Result<usize, Failure> {
    let mut positions = partitions(options, number);
    let mut stream = connect(options)?;
    let mut answer = Vec::new();
    let mut bytes = 0;
    loop {
        stream.write_all(&wire::fetch(&options.topic, &positions, options.partition_bytes, false)?)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        if length == 4 {
            return Ok(bytes);
        }
        bytes += length - 4;
        for position in &mut positions {
            position.offset += options.partition_bytes as i64;
        }
    }
}
