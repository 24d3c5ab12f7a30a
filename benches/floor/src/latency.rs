//! One record at a time at a steady rate: how long until it is acknowledged, and until a consumer that waits for it has it; or, with a
//! job between two topics, the committed record that the job makes of it.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::options::Options;
use crate::wire::Position;
use crate::{Failure, batch, wire};

/// So long the broker is warmed up before anything counts.
const WARM_S: f64 = 5.0;

/// When each record was sent. They come out in the order in which they went in, so the number of a record tells when it was sent.
struct Sent {
    began: Instant,
    at_ns: Vec<AtomicU64>,
}

impl Sent {
    fn now(&self) -> u64 {
        self.began.elapsed().as_nanos() as u64
    }

    fn since(&self, record: usize) -> f64 {
        (self.now() - self.at_ns[record].load(Ordering::Acquire)) as f64 / 1e6
    }
}

/// Produces `--rate` records a second to partition 0 of an empty topic with acks=all, for `--seconds` after the warm-up, and consumes them
/// on another connection, or with `--to` what a job puts out for each of them; prints percentiles in milliseconds.
pub fn run(options: &Options) -> Result<(), Failure> {
    let warm = (WARM_S * options.rate) as usize;
    let records = warm + (options.seconds * options.rate) as usize;
    let at_ns = (0..records).map(|_| AtomicU64::new(0)).collect();
    let sent = Sent { began: Instant::now(), at_ns };
    let stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let (mut acks, mut deliveries) = std::thread::scope(|scope| -> Result<_, Failure> {
        let consumer = scope.spawn(|| consume(options, &sent));
        let answers = stream.try_clone()?;
        let acks = scope.spawn(|| acknowledged(answers, &sent));
        produce(options, stream, &sent)?;
        let acks = acks.join().map_err(|_| "the reader of answers panicked")??;
        Ok((acks, consumer.join().map_err(|_| "the consumer panicked")??))
    })?;
    println!(
        "{{\"records\": {}, {}, {}}}",
        records - warm,
        shown("ack", &mut acks, warm),
        shown("e2e", &mut deliveries, warm)
    );
    Ok(())
}

fn shown(name: &str, waits: &mut Vec<f64>, warm: usize) -> String {
    waits.drain(..warm);
    waits.sort_unstable_by(f64::total_cmp);
    let at = |part: f64| waits.get((waits.len() as f64 * part) as usize).or(waits.last()).copied().unwrap_or_default();
    let (p50, p99, p999, max) = (at(0.5), at(0.99), at(0.999), at(1.0));
    format!(
        "\"{name}_p50_ms\": {p50:.3}, \"{name}_p99_ms\": {p99:.3}, \"{name}_p999_ms\": {p999:.3}, \"{name}_max_ms\": {max:.3}"
    )
}

/// Sends on time, whether the answers before have come or not.
fn produce(options: &Options, mut stream: TcpStream, sent: &Sent) -> Result<(), Failure> {
    let record = match options.value.is_empty() {
        true => batch::build(options.record_bytes, 0, false, 1)?.bytes,
        false => batch::of_one(options.value.as_bytes())?,
    };
    let mut frame = wire::produce(&options.topic, 0, &record)?;
    for (number, at_ns) in sent.at_ns.iter().enumerate() {
        let due = sent.began + Duration::from_secs_f64(number as f64 / options.rate);
        sleep(due.saturating_duration_since(Instant::now()));
        frame[wire::CORRELATION..wire::CORRELATION + 4].copy_from_slice(&(number as i32).to_be_bytes());
        at_ns.store(sent.now(), Ordering::Release);
        stream.write_all(&frame)?;
    }
    Ok(())
}

fn acknowledged(mut stream: TcpStream, sent: &Sent) -> Result<Vec<f64>, Failure> {
    let mut answer = Vec::new();
    let mut waits = Vec::with_capacity(sent.at_ns.len());
    for number in 0..sent.at_ns.len() {
        let length = wire::read_frame(&mut stream, &mut answer)?;
        waits.push(sent.since(number));
        wire::check_produced(&answer[..length])?;
    }
    Ok(waits)
}

fn consume(options: &Options, sent: &Sent) -> Result<Vec<f64>, Failure> {
    let is_job = !options.to.is_empty();
    let topic = if is_job { &options.to } else { &options.topic };
    let mut position = [Position { partition: 0, offset: 0 }];
    let mut stream = TcpStream::connect(&options.address)?;
    stream.set_nodelay(true)?;
    let (mut answer, mut waits) = (Vec::new(), Vec::with_capacity(sent.at_ns.len()));
    while waits.len() < sent.at_ns.len() {
        stream.write_all(&wire::fetch(topic, &position, options.partition_bytes, is_job)?)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        for _ in 0..wire::take_fetched(&answer[..length], &mut position)?.records {
            waits.push(sent.since(waits.len()));
        }
    }
    Ok(waits)
}
