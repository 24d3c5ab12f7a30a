//! A producer and a consumer that reads along, never far behind, so that retention takes nothing from it.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::wire::Position;
use crate::{Failure, batch, wire};

/// Bytes that the producer may be ahead.
const AHEAD: usize = 32 << 20;
const PAUSE: Duration = Duration::from_micros(200);
const GB: usize = 1_000_000_000;

/// Sends `--gb`, reads it along, and prints a line for each GB that was read, and one at the end. The partitions are empty before.
pub fn run(options: &Options) -> Result<(), Failure> {
    let built = batch::build(options.record_bytes, options.batch_bytes, false, 1)?;
    let batches = (options.gb * 1e9 / built.value_bytes as f64).ceil() as usize;
    let bytes = batches * built.bytes.len();
    let read = AtomicUsize::new(0);
    let began = Instant::now();
    std::thread::scope(|scope| -> Result<(), Failure> {
        let consumer = scope.spawn(|| {
            // Without a consumer the producer is not to wait for it.
            consume(options, bytes, &read).inspect_err(|_| read.store(usize::MAX, Ordering::Relaxed))
        });
        produce(options, batches, &read)?;
        consumer.join().map_err(|_| "the consumer panicked")?
    })?;
    println!(
        "{{\"bytes\": {bytes}, \"value_bytes\": {}, \"wall_s\": {:.3}}}",
        batches * built.value_bytes,
        began.elapsed().as_secs_f64()
    );
    Ok(())
}

fn produce(options: &Options, batches: usize, read: &AtomicUsize) -> Result<(), Failure> {
    let frames = (0..options.partitions).map(|partition| {
        let built = batch::build(options.record_bytes, options.batch_bytes, false, partition as u64 + 1)?;
        Ok((wire::produce(&options.topic, partition as i32, &built.bytes)?, built.bytes.len()))
    });
    let frames = frames.collect::<Result<Vec<_>, Failure>>()?;
    let mut stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let (mut sent, mut answered, mut bytes) = (0, 0, 0);
    let mut answer = Vec::new();
    while answered < batches {
        while sent < batches && sent - answered < options.in_flight {
            while bytes - read.load(Ordering::Relaxed).min(bytes) > AHEAD {
                std::thread::sleep(PAUSE);
            }
            let (frame, records) = &frames[sent % options.partitions];
            stream.write_all(frame)?;
            sent += 1;
            bytes += *records;
        }
        let length = wire::read_frame(&mut stream, &mut answer)?;
        wire::check_produced(&answer[..length])?;
        answered += 1;
    }
    Ok(())
}

fn consume(options: &Options, bytes: usize, read: &AtomicUsize) -> Result<(), Failure> {
    let all = 0..options.partitions;
    let mut positions: Vec<_> = all.map(|partition| Position { partition: partition as i32, offset: 0 }).collect();
    let mut stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let (mut answer, mut total) = (Vec::new(), 0);
    while total < bytes {
        stream.write_all(&wire::fetch(&options.topic, &positions, options.partition_bytes, false)?)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        let more = wire::take_fetched(&answer[..length], &mut positions)?.bytes;
        if (total + more) / GB > total / GB {
            println!("{{\"read_gb\": {}}}", (total + more) / GB);
        }
        total += more;
        read.store(total, Ordering::Relaxed);
    }
    Ok(())
}
