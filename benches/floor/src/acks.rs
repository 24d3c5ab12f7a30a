//! Producers that send one record and wait for its answer before they send the next, for so many seconds: what syncing before each
//! answer costs.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::{Failure, batch, wire};

/// Sends the load and prints how many answers came each second, and how long they took.
pub fn run(options: &Options) -> Result<(), Failure> {
    // One record alone in its batch, whatever its size.
    let built = batch::build(options.record_bytes, 0, false, 1)?;
    let frame = wire::produce(&options.topic, 0, &built.bytes)?;
    let began = Instant::now();
    let until = began + Duration::from_secs_f64(options.seconds);
    let mut waits = std::thread::scope(|scope| -> Result<Vec<Duration>, Failure> {
        let senders: Vec<_> =
            (0..options.connections).map(|_| scope.spawn(|| send(&options.address, frame.clone(), until))).collect();
        let mut waits = Vec::new();
        for sender in senders {
            waits.extend(sender.join().map_err(|_| "a sender panicked")??);
        }
        Ok(waits)
    })?;
    let took = began.elapsed().as_secs_f64();
    waits.sort_unstable();
    let at = |part: f64| waits.get(((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1)));
    let ms = |part| at(part).map_or(0.0, |wait: &Duration| wait.as_secs_f64() * 1e3);
    println!(
        "{{\"records\": {}, \"wall_s\": {took:.3}, \"records_per_s\": {:.0}, \"p50_ms\": {:.3}, \"p99_ms\": {:.3}, \"max_ms\": {:.3}}}",
        waits.len(),
        waits.len() as f64 / took,
        ms(0.5),
        ms(0.99),
        ms(1.0)
    );
    Ok(())
}

/// How long each answer took.
fn send(address: &str, mut frame: Vec<u8>, until: Instant) -> Result<Vec<Duration>, Failure> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut waits = Vec::new();
    let mut answer = Vec::new();
    while Instant::now() < until {
        let number = waits.len() as i32;
        frame[wire::CORRELATION..wire::CORRELATION + 4].copy_from_slice(&number.to_be_bytes());
        let sent = Instant::now();
        stream.write_all(&frame)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        waits.push(sent.elapsed());
        if answer.get(..4) != Some(&number.to_be_bytes()) {
            return Err(format!("answer {number} has another number").into());
        }
        wire::check_produced(&answer[..length])?;
    }
    Ok(waits)
}
