//! Makes and removes the topic of a load: CreateTopics version 5 and DeleteTopics version 6.

use std::io::Write;
use std::net::TcpStream;
use std::time::Instant;

use crate::options::Options;
use crate::{Failure, wire};

/// Makes the topic with one replica, or several, in a request for each or with `--at-once` all in one, and prints how long that took.
pub fn create(options: &Options) -> Result<(), Failure> {
    let numbered = |number| format!("{}-{number}", options.topic);
    let names: Vec<String> =
        if options.topics == 1 { vec![options.topic.clone()] } else { (0..options.topics).map(numbered).collect() };
    let mut answer = Vec::new();
    let mut stream = TcpStream::connect(&options.address)?;
    let began = Instant::now();
    for names in names.chunks(if options.at_once { options.topics } else { 1 }) {
        stream.write_all(&wire::create_topics(names, options.partitions)?)?;
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
