//! What a load is told on the command line.

use crate::Failure;

/// A load's options, with what holds when they are not given.
#[derive(Clone, Debug)]
pub struct Options {
    /// `HOST:PORT` of the broker or the floor.
    pub address: String,
    /// The topic; the floor does not look at it.
    pub topic: String,
    /// The topic that a job writes, where what it puts out is awaited.
    pub to: String,
    /// A record's value, where it is not random.
    pub value: String,
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
    /// Records a second, where the load has a rate.
    pub rate: f64,
    /// Make all topics in one request.
    pub at_once: bool,
    /// Join by the classic protocol instead of the consumer protocol.
    pub classic: bool,
    /// Ask the floor instead of a broker (Fetch only; what is produced is the same for both).
    pub floor: bool,
}

impl Options {
    /// Reads `--name value` pairs.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, Failure> {
        let mut options = Options {
            address: "127.0.0.1:9092".to_owned(),
            topic: "load".to_owned(),
            to: String::new(),
            value: String::new(),
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
            rate: 1000.0,
            at_once: false,
            classic: false,
            floor: false,
        };
        let mut arguments = arguments;
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--floor" => options.floor = true,
                "--at-once" => options.at_once = true,
                "--classic" => options.classic = true,
                _ => options.set(&name, arguments.next().ok_or_else(|| format!("{name} needs a value"))?)?,
            }
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Failure> {
        match name {
            "--address" => self.address = value,
            "--topic" => self.topic = value,
            "--to" => self.to = value,
            "--value" => self.value = value,
            "--connections" => self.connections = value.parse()?,
            "--topics" => self.topics = value.parse()?,
            "--partition" => self.partition = value.parse()?,
            "--partitions" => self.partitions = value.parse()?,
            "--gb" => self.gb = value.parse()?,
            "--record-bytes" => self.record_bytes = value.parse()?,
            "--batch-bytes" => self.batch_bytes = value.parse()?,
            "--compression" => self.lz4 = value == "lz4",
            "--in-flight" => self.in_flight = value.parse()?,
            "--seconds" => self.seconds = value.parse()?,
            "--rate" => self.rate = value.parse()?,
            "--partition-bytes" => self.partition_bytes = value.parse()?,
            _ => return Err(format!("{name} is not an option").into()),
        }
        Ok(())
    }
}
