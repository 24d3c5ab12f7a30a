//! Makes and removes the topic of a load: CreateTopics version 5 and DeleteTopics version 6.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::options::Options;
use crate::{Failure, wire};

/// Makes the topic with one replica, or several, one after the other, and prints how long that took.
pub fn create(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(&options.address)?;
    for number in 0..options.topics {
        let name = if options.topics == 1 { options.topic.clone() } else { format!("{}-{number}", options.topic) };
        stream.write_all(&wire::create_topic(&name, options.partitions)?)?;
        let length = wire::read_frame(&mut stream, &mut answer)?;
        wire::check_created(&answer[..length])?;
    }
    println!("{{\"topics\": {}, \"wall_s\": {:.3}}}", options.topics, began.elapsed().as_secs_f64());
    Ok(())
}

/// Removes the topic.
pub fn delete(options: &Options) -> Result<(), Failure> {
    ask(options, &wire::delete_topic(&options.topic)?)
}

/// The broker says how it went in its answer; the load finds out soon enough.
fn ask(options: &Options, frame: &[u8]) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(&options.address)?;
    stream.write_all(frame)?;
    wire::read_frame(&mut stream, &mut Vec::new())?;
    Ok(())
}
