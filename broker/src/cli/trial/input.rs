//! Files into topics: a line is a record.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use forebay_processor::plan::JobPlan;
use forebay_storage::batch::{BatchBuilder, BatchStamp};
use forebay_storage::compress::Compression;

use super::TrialError;
use super::line::{Line, Shape};
use crate::clock;
use crate::node::Rooms;

/// Bytes of values in a batch, but for the last line of it; the topic takes batches of any size.
const BATCH_BYTES: usize = 256 * 1024;
/// Longest line, in bytes.
const MAX_LINE: usize = 16 * 1024 * 1024;
const TOPIC_CONFIGS: &[(&str, &str)] = &[("max.message.bytes", "67108864")];

/// What a topic is made of.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its partitions, in the order given.
    files: Vec<PathBuf>,
    /// What a line of them is.
    shape: Shape,
}

/// By topic.
pub type Inputs = BTreeMap<String, Input>;

/// The files of each topic. Each table that the job reads and does not write itself has one at least.
pub fn by_topic(plan: &JobPlan, inputs: &[(String, PathBuf)]) -> Result<Inputs, TrialError> {
    let sources = || plan.pipelines.iter().flat_map(|pipeline| pipeline.sources());
    let mut files = Inputs::new();
    for (name, file) in inputs {
        let Some(source) = sources().find(|source| source.table == *name || source.topic == *name) else {
            let known: BTreeSet<&str> = sources().map(|source| source.table.as_str()).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(", ");
            return Err(TrialError::Invalid(format!("the job does not read a table {name}; it reads {known}")));
        };
        let of_topic = || Input { files: Vec::new(), shape: Shape::of(sources().filter(|s| s.topic == source.topic)) };
        files.entry(source.topic.clone()).or_insert_with(of_topic).files.push(file.clone());
    }
    let written: BTreeSet<&str> = plan.pipelines.iter().map(|pipeline| pipeline.sink.topic.as_str()).collect();
    let without = sources().find(|s| !files.contains_key(&s.topic) && !written.contains(s.topic.as_str()));
    match without {
        Some(source) => Err(TrialError::Invalid(format!(
            "the job reads the table {0}, and no file was given for it; add --input {0}=FILE",
            source.table
        ))),
        None => Ok(files),
    }
}

/// Makes the topic, with a partition for each file, and fills it. Empty lines are left out.
pub fn load(rooms: &Rooms, topic: &str, input: &Input) -> Result<(), TrialError> {
    let partitions = i32::try_from(input.files.len()).unwrap_or(i32::MAX);
    let configs: Vec<_> = TOPIC_CONFIGS.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let made = rooms.metadata.create_topic(topic, partitions, &configs);
    made.map_err(|(error, message)| TrialError::Invalid(format!("topic {topic}: {error} {message}")))?;
    input.files.iter().zip(0..).try_for_each(|(file, partition)| fill(rooms, topic, partition, file, &input.shape))
}

fn fill(rooms: &Rooms, topic: &str, number: i32, file: &Path, shape: &Shape) -> Result<(), TrialError> {
    let unreadable = |e: std::io::Error| TrialError::Invalid(format!("cannot read {}: {e}", file.display()));
    let partition = rooms.partitions.get(topic, number);
    let partition = partition.ok_or_else(|| TrialError::Failed(format!("topic {topic} is gone")))?;
    let append = |batch: BatchBuilder| {
        let appended = partition.append(batch.finish(&BatchStamp::default()), false);
        appended.map(drop).map_err(|e| TrialError::Failed(format!("{}: {e}", file.display())))
    };
    let now = clock::now();
    let mut lines = BufReader::new(File::open(file).map_err(unreadable)?);
    let (mut line, mut batch, mut bytes) = (Vec::new(), BatchBuilder::new(Compression::None), 0);
    let mut number = 0;
    // Two bytes more, for its end.
    let longest = MAX_LINE as u64 + 2;
    while (&mut lines).take(longest).read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
        number += 1;
        // A blank at the end may be all that a line with a key has for its value.
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        if text.len() > MAX_LINE {
            return Err(TrialError::Invalid(format!("a line of {} is longer than {MAX_LINE} bytes", file.display())));
        }
        if !text.trim_ascii_end().is_empty() {
            let place = |why| TrialError::Invalid(format!("{}, line {number}: {why}", file.display()));
            let Line { key, value } = shape.split(text).map_err(place)?;
            batch.push(now, key.as_deref(), value, &[]);
            bytes += text.len();
        }
        line.clear();
        if bytes >= BATCH_BYTES {
            append(std::mem::replace(&mut batch, BatchBuilder::new(Compression::None)))?;
            bytes = 0;
        }
    }
    if bytes > 0 { append(batch) } else { Ok(()) }
}

/// A message that names a record by partition and offset, with the file's line added.
pub fn with_lines(message: &str, inputs: &Inputs) -> String {
    let found = inputs.iter().flat_map(|(topic, input)| input.files.iter().enumerate().map(move |file| (topic, file)));
    let place = found.into_iter().find_map(|(topic, (partition, file))| {
        let (before, rest) = message.split_once(&format!("{topic}-{partition}@"))?;
        // Or else it is the end of another topic's name.
        if before.ends_with(|c: char| c.is_ascii_alphanumeric() || "._-".contains(c)) {
            return None;
        }
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some((file, line_of(file, digits.parse().ok()?)?))
    });
    match place {
        Some((file, line)) => format!("{}, line {line}: {message}", file.display()),
        None => message.to_owned(),
    }
}

/// The number of a record's line, from 1.
fn line_of(file: &Path, offset: usize) -> Option<usize> {
    let lines = BufReader::new(File::open(file).ok()?).split(b'\n').map_while(Result::ok);
    lines.zip(1..).filter(|(line, _)| !line.trim_ascii_end().is_empty()).nth(offset).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("clicks.jsonl");
        std::fs::write(&file, "{}\n\n{}\r\n  \nbad\n").unwrap();
        let input = |files: Vec<PathBuf>| Input { files, shape: Shape::Value };
        let clicks = ("clicks".to_owned(), input(vec![PathBuf::from("other"), file.clone()]));
        let icks = ("icks".to_owned(), input(vec![file.clone(), file.clone()]));
        let files = BTreeMap::from([clicks, ("a-clicks".to_owned(), input(vec![])), icks]);
        let message = with_lines("clicks-1@2: it is no JSON", &files);
        assert_eq!(message, format!("{}, line 5: clicks-1@2: it is no JSON", file.display()));
        assert_eq!(with_lines("closing windows: too many", &files), "closing windows: too many");
        assert_eq!(with_lines("clicks-1@99: gone", &files), "clicks-1@99: gone");
    }
}
