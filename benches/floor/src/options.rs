//! What a load is told on the command line.

use crate::Failure;

/// A load's options, with what holds when they are not given.
#[derive(Clone, Debug)]
pub struct Options {
    /// `HOST:PORT` of the broker or the floor.
    pub address: String,
    /// The topic; the floor does not look at it.
    pub topic: String,
    /// Connections, each with a thread of its own.
    pub connections: usize,
    /// Topics to make; with more than one, each has its number behind the name.
    pub topics: usize,
    /// Partitions of the topic.
    pub partitions: usize,
    /// The one partition that is asked, where it is one.
    pub partition: i32,
    /// Record values to produce or to fetch, in 10^9 bytes.
    pub gb: f64,
    /// Bytes of a record's value.
    pub record_bytes: usize,
    /// Bytes of records in a batch at most, before compression.
    pub batch_bytes: usize,
    /// Whether batches are compressed with LZ4.
    pub lz4: bool,
    /// Requests on the way on one connection.
    pub in_flight: usize,
    /// Bytes of one partition in an answer to Fetch.
    pub partition_bytes: usize,
    /// How long to go on, where the load has no other end.
    pub seconds: f64,
    /// Ask the floor instead of a broker (Fetch only; what is produced is the same for both).
    pub floor: bool,
}

impl Options {
    /// Reads `--name value` pairs.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
        let mut options = Options {
            address: "127.0.0.1:9092".to_owned(),
            topic: "load".to_owned(),
            connections: 1,
            topics: 1,
            partitions: 4,
            partition: 0,
            gb: 1.0,
            record_bytes: 1024,
            batch_bytes: 65536,
            lz4: false,
            in_flight: 5,
            partition_bytes: 1 << 20,
            seconds: 10.0,
            floor: false,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            if name == "--floor" {
                options.floor = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
            match name.as_str() {
                "--address" => options.address = value,
                "--topic" => options.topic = value,
                "--connections" => options.connections = value.parse()?,
                "--topics" => options.topics = value.parse()?,
                "--partition" => options.partition = value.parse()?,
                "--partitions" => options.partitions = value.parse()?,
                "--gb" => options.gb = value.parse()?,
                "--record-bytes" => options.record_bytes = value.parse()?,
                "--batch-bytes" => options.batch_bytes = value.parse()?,
                "--compression" => options.lz4 = value == "lz4",
                "--in-flight" => options.in_flight = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--partition-bytes" => options.partition_bytes = value.parse()?,
                _ => return Err(format!("{name} is not an option").into()),
            }
        }
        Ok(options)
    }
}
