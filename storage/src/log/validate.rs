//! Checks what is to be appended, and assigns offsets (Kafka: UnifiedLog.analyzeAndValidateRecords, LogValidator).
//!
//! A batch stays as it came but for base offset and leader epoch, unless the topic's configuration asks for another codec or for
//! the broker's time, or its own maximum timestamp is wrong.

use bytes::Bytes;

use super::{AppendError, AppendOptions, LogConfig, Origin, RejectedRecord, RejectedRecords};
use crate::batch::{
    Batch, BatchBuilder, BatchError, BatchHeader, BatchStamp, CheckedRecords, HEADER_SIZE, RecordCheck, TimestampType,
    Wrong, batches, check_records,
};
use crate::compress::{CompressError, Compression};
use crate::ids::{Offset, Timestamp};

/// A batch ready to be written: a header of its own, and the rest as it came.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) header: BatchHeader,
    pub(super) head: [u8; HEADER_SIZE],
    /// All bytes of the batch; those of the header are stale.
    pub(super) batch: Batch,
}

impl Prepared {
    fn new(mut header: BatchHeader, mut batch: Batch, base: Offset, options: &AppendOptions) -> Prepared {
        header.base_offset = base;
        header.leader_epoch = options.leader_epoch;
        // Producers are checked on this header, so it must be what stands in the log.
        batch.header = header;
        Prepared { header, head: header.encode(), batch }
    }

    pub(super) fn body(&self) -> &[u8] {
        &self.batch.bytes[HEADER_SIZE..]
    }

    pub(super) fn size(&self) -> usize {
        self.batch.bytes.len()
    }
}

/// Checks all batches and gives them offsets from `next` on.
pub(super) fn prepare(
    bytes: Bytes,
    mut next: Offset,
    config: &LogConfig,
    options: &AppendOptions,
) -> Result<Vec<Prepared>, AppendError> {
    let mut prepared: Vec<Prepared> = Vec::with_capacity(1);
    for batch in batches(bytes) {
        if options.origin == Origin::Client && !prepared.is_empty() {
            return Err(AppendError::invalid(
                "a produce request has one record batch for each partition, this has more",
            ));
        }
        let ready = prepare_one(batch.map_err(framing_error)?, next, config, options)?;
        next = ready.header.next_offset();
        prepared.push(ready);
    }
    if prepared.is_empty() {
        return Err(AppendError::invalid("there is no record batch to append"));
    }
    Ok(prepared)
}

fn prepare_one(
    batch: Batch,
    base: Offset,
    config: &LogConfig,
    options: &AppendOptions,
) -> Result<Prepared, AppendError> {
    let header = batch.header;
    check_size(batch.bytes.len(), config)?;
    // What this broker has made itself comes with a checksum that was taken a moment ago over the same memory.
    if options.origin == Origin::Client {
        batch.check_crc().map_err(framing_error)?;
    }
    check_header(&header, options.origin)?;
    let source = header.compression().map_err(codec_error)?;
    let check = record_check(config, options);
    let found = check_records(&header, &batch.bytes, &check).map_err(framing_error)?;
    check_found(&found, &check)?;
    let target =
        if header.is_control() && source == Compression::None { source } else { config.compression.unwrap_or(source) };
    if target != source || !found.consecutive {
        return rebuild(&batch, target, base, config, options);
    }
    let header = with_timestamps(header, &batch, &found, config, options);
    Ok(Prepared::new(header, batch, base, options))
}

fn check_size(size: usize, config: &LogConfig) -> Result<(), AppendError> {
    if size <= config.max_message_bytes {
        return Ok(());
    }
    let limit = config.max_message_bytes;
    Err(AppendError::MessageTooLarge(format!("the batch has {size} bytes, max.message.bytes allows {limit}")))
}

/// What the header alone tells (LogValidator.validateBatch).
fn check_header(header: &BatchHeader, origin: Origin) -> Result<(), AppendError> {
    let (count, delta) = (header.record_count, header.last_offset_delta);
    if count <= 0 || i64::from(delta) + 1 != i64::from(count) {
        let message = format!("the batch counts {count} records but its offsets end at {delta}");
        return Err(AppendError::invalid(message));
    }
    if origin != Origin::Client {
        return Ok(());
    }
    if header.base_offset != Offset::ZERO {
        let message = format!("the base offset of a batch to append is 0, this has {}", header.base_offset);
        return Err(AppendError::invalid(message));
    }
    if header.is_control() {
        return Err(AppendError::invalid("clients may not write control records"));
    }
    if header.has_producer() && header.base_sequence.0 < 0 {
        let message = format!("sequence {} of producer {}", header.base_sequence, header.producer_id);
        return Err(AppendError::invalid(message));
    }
    if header.is_transactional() && !header.has_producer() {
        return Err(AppendError::invalid("a transactional batch without a producer id"));
    }
    Ok(())
}

fn record_check(config: &LogConfig, options: &AppendOptions) -> RecordCheck {
    let any = config.timestamp_type == TimestampType::LogAppendTime;
    let (before, after) = (config.timestamp_before_max_ms, config.timestamp_after_max_ms);
    RecordCheck {
        require_keys: config.compact,
        earliest: if any { Timestamp(i64::MIN) } else { Timestamp(options.now.0.saturating_sub(before)) },
        latest: if any { Timestamp(i64::MAX) } else { Timestamp(options.now.0.saturating_add(after)) },
    }
}

fn check_found(found: &CheckedRecords, check: &RecordCheck) -> Result<(), AppendError> {
    let told: Vec<RejectedRecord> = found.wrong.iter().map(|(index, wrong)| rejected(*index, *wrong, check)).collect();
    let Some(first) = told.first() else { return Ok(()) };
    let message = first.reason.clone();
    let records = RejectedRecords { told, count: found.wrong_count };
    // Kafka: LogValidator.processRecordErrors.
    if found.any_out_of_range {
        return Err(AppendError::InvalidTimestamp { message, records });
    }
    Err(AppendError::InvalidRecord { message, records })
}

fn rejected(index: i32, wrong: Wrong, check: &RecordCheck) -> RejectedRecord {
    let (earliest, latest) = (check.earliest, check.latest);
    let reason = match wrong {
        Wrong::Keyless => "Compacted topic cannot accept message without key".to_owned(),
        Wrong::OutOfRange(timestamp) => format!(
            "Timestamp {timestamp} of message with offset {index} is out of range. The timestamp should be within \
             [{earliest}, {latest}]"
        ),
    };
    RejectedRecord { index, reason, is_out_of_time: matches!(wrong, Wrong::OutOfRange(_)) }
}

/// The header with the broker's time, or with the right maximum; the checksum follows.
fn with_timestamps(
    header: BatchHeader,
    batch: &Batch,
    found: &CheckedRecords,
    config: &LogConfig,
    options: &AppendOptions,
) -> BatchHeader {
    let max = match config.timestamp_type {
        TimestampType::LogAppendTime => options.now,
        TimestampType::CreateTime => found.max_timestamp,
    };
    if config.timestamp_type == header.timestamp_type() && max == header.max_timestamp {
        return header;
    }
    header.restamped(config.timestamp_type, max, &batch.bytes[HEADER_SIZE..])
}

/// Encodes the records anew: with another codec, or with consecutive offsets.
fn rebuild(
    batch: &Batch,
    target: Compression,
    base: Offset,
    config: &LogConfig,
    options: &AppendOptions,
) -> Result<Prepared, AppendError> {
    let header = batch.header;
    let records = batch.records().map_err(framing_error)?;
    let mut builder = BatchBuilder::new(target).at_levels(config.levels);
    for record in &records {
        let record = record.map_err(framing_error)?;
        builder.push_raw(record.timestamp, record.key, record.value, record.headers.iter());
    }
    let stamp = BatchStamp {
        producer_id: header.producer_id,
        producer_epoch: header.producer_epoch,
        base_sequence: header.base_sequence,
        transactional: header.is_transactional(),
        control: header.is_control(),
        leader_epoch: options.leader_epoch,
    };
    let bytes = match config.timestamp_type {
        TimestampType::CreateTime => builder.finish(&stamp),
        TimestampType::LogAppendTime => builder.finish_log_append_time(&stamp, options.now),
    };
    check_size(bytes.len(), config)?;
    let batch = Batch::parse(bytes).expect("a batch that was just built is whole");
    Ok(Prepared::new(batch.header, batch, base, options))
}

fn framing_error(error: BatchError) -> AppendError {
    match error {
        BatchError::UnsupportedMagic(_) => AppendError::UnsupportedForMessageFormat(error.to_string()),
        BatchError::Compression(error) => codec_error(error),
        BatchError::Record { index, .. } => {
            let message = error.to_string();
            let record = RejectedRecord { index, reason: message.clone(), is_out_of_time: false };
            AppendError::InvalidRecord { message, records: RejectedRecords { told: vec![record], count: 1 } }
        }
        BatchError::Count { .. } | BatchError::Control(_) => AppendError::invalid(error.to_string()),
        BatchError::Truncated { .. } | BatchError::InvalidLength(_) | BatchError::Checksum { .. } => {
            AppendError::CorruptMessage(error.to_string())
        }
    }
}

fn codec_error(error: CompressError) -> AppendError {
    match error {
        CompressError::UnknownCodec(_) => AppendError::UnsupportedCompressionType(error.to_string()),
        CompressError::Corrupt { .. } | CompressError::TooLarge { .. } => {
            AppendError::CorruptMessage(error.to_string())
        }
    }
}
