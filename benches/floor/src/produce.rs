//! The load of producers: real Produce frames made beforehand, several on the way at once.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::options::Options;
use crate::{Failure, batch, wire};

/// Sends the load and prints what was sent.
pub fn run(options: &Options) -> Result<(), Failure> {
    let built = batch::build(options.record_bytes, options.batch_bytes, options.lz4, 1)?;
    let batches = (options.gb * 1e9 / built.value_bytes as f64 / options.connections as f64).ceil() as usize;
    let began = Instant::now();
    let sent_bytes = std::thread::scope(|scope| -> Result<usize, Failure> {
        let senders: Vec<_> =
            (0..options.connections).map(|number| scope.spawn(move || send(options, number, batches))).collect();
        senders.into_iter().map(|sender| sender.join().map_err(|_| "a sender panicked")?).sum()
    })?;
    let total = batches * options.connections;
    println!(
        "{{\"batches\": {total}, \"records\": {}, \"value_bytes\": {}, \"bytes\": {sent_bytes}, \"wall_s\": {:.3}}}",
        total * built.records,
        total * built.value_bytes,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Sends this many batches; returns their bytes.
fn send(options: &Options, number: usize, batches: usize) -> Result<usize, Failure> {
    let frames = (0..options.partitions)
        .map(|partition| {
            let seed = (number * options.partitions + partition + 1) as u64;
            let built = batch::build(options.record_bytes, options.batch_bytes, options.lz4, seed)?;
            Ok((wire::produce(&options.topic, partition as i32, &built.bytes)?, built.bytes.len()))
        })
        .collect::<Result<Vec<_>, Failure>>();
    let mut frames = frames?;
    let mut stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let (mut sent, mut answered, mut bytes) = (0, 0, 0);
    let mut answer = Vec::new();
    while answered < batches {
        while sent < batches && sent - answered < options.in_flight {
            let partition = (number + sent) % options.partitions;
            let (frame, records) = &mut frames[partition];
            frame[wire::CORRELATION..wire::CORRELATION + 4].copy_from_slice(&(sent as i32).to_be_bytes());
            stream.write_all(frame)?;
            sent += 1;
            bytes += *records;
        }
        let length = wire::read_frame(&mut stream, &mut answer)?;
        if answer.get(..4) != Some(&(answered as i32).to_be_bytes()) {
            return Err(format!("answer {answered} has another number").into());
        }
        wire::check_produced(&answer[..length])?;
        answered += 1;
    }
    Ok(bytes)
}
