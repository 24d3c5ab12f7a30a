//! The records of one batch in each codec, behind a header that fits them.

use bytes::Bytes;
use forebay_storage::batch::{Batch, BatchBuilder, BatchHeader, BatchStamp, HEADER_SIZE};
use forebay_storage::compress::Compression;

use super::tree::repair_batches;

/// The first byte: the codec in its low three bits, log append time in the next. The second: the number of records. The rest is the
/// body.
pub fn run(data: &[u8]) {
    let [attributes, count, body @ ..] = data else { return };
    let mut head = BatchHeader::parse(&BatchBuilder::new(Compression::None).finish(&BatchStamp::default()))
        .expect("an empty batch has a header");
    head.attributes = i16::from(attributes & 0x0f);
    head.record_count = i32::from(*count);
    head.last_offset_delta = i32::from(*count) - 1;
    head.batch_length = (HEADER_SIZE - 12 + body.len()) as i32;
    let mut bytes = head.encode().to_vec();
    bytes.extend_from_slice(body);
    repair_batches(&mut bytes);
    let batch = Batch::parse(Bytes::from(bytes.clone())).expect("header and body fit");
    batch.check_crc().expect("the checksum was made to fit");
    let read = batch.records().map(|records| {
        let good = records.iter().map_while(Result::ok).count();
        assert!(good <= usize::from(*count));
        (records.iter().all(|record| record.is_ok()), records.bytes().clone())
    });
    if let (Ok(codec), Ok((_, plain))) = (batch.header.compression(), &read)
        && plain.len() < 1 << 20
    {
        let again = codec.compress(plain).expect("anything can be compressed");
        assert_eq!(codec.decompress(&again, 1 << 20).expect("our own stream"), *plain, "{}", codec.name());
    }
    // The check of an append and the reader must be of one mind.
    bytes.insert(0, 1);
    super::batch::run(&bytes);
}
