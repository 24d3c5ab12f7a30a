//! Makes and removes the topic of a load: CreateTopics version 5 and DeleteTopics version 6.

use std::io::Write;
use std::net::TcpStream;

use crate::options::Options;
use crate::{Failure, wire};

/// Makes the topic with one replica.
pub fn create(options: &Options) -> Result<(), Failure> {
    ask(options, &wire::create_topic(&options.topic, options.partitions)?)
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
