//! Every codec: round trips, limits, foreign framing, hostile bytes.

use super::*;
use proptest::prelude::*;

#[test]
fn names_and_numbers_are_kafkas() {
    let names: Vec<_> = (0..5).map(|id| Compression::from_id(id).unwrap().name()).collect();
    assert_eq!(names, ["none", "gzip", "snappy", "lz4", "zstd"]);
    assert_eq!(Compression::from_id(5), Err(CompressError::UnknownCodec(5)));
    assert_eq!(Compression::from_name("lz4"), Some(Compression::Lz4));
    assert_eq!(Compression::from_name("producer"), None);
}

#[test]
fn snappy_is_framed_as_snappy_java_does() {
    let packed = Compression::Snappy.compress(b"abc").unwrap();
    // Header, block length 5, then the snappy block: length 3, literal of 3 bytes (tag (3-1)<<2).
    let expected = b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x05\x03\x08abc";
    assert_eq!(packed, expected);
}

#[test]
fn bare_snappy_is_read() {
    assert_eq!(Compression::Snappy.decompress(b"\x03\x08abc", 3).unwrap(), b"abc");
}

#[test]
fn gzip_of_another_writer_is_read() {
    // printf 'hello' | gzip -n9
    let packed = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x86,
        0xa6, 0x10, 0x36, 0x05, 0x00, 0x00, 0x00,
    ];
    assert_eq!(Compression::Gzip.decompress(&packed, 100).unwrap(), b"hello");
}

#[test]
fn lz4_frame_has_independent_blocks_of_64_kib() {
    let packed = Compression::Lz4.compress(b"abc").unwrap();
    assert_eq!(packed[..4], [0x04, 0x22, 0x4d, 0x18]);
    // FLG: version 01, independent blocks, no checksums, no content size. BD: 64 KiB.
    assert_eq!(packed[4..6], [0x60, 0x40]);
}

#[test]
fn output_is_bounded() {
    let zeros = vec![0u8; 1_000_000];
    for codec in Compression::ALL {
        let packed = codec.compress(&zeros).unwrap();
        assert_eq!(codec.decompress(&packed, zeros.len()).unwrap(), zeros, "{codec:?}");
        let error = codec.decompress(&packed, zeros.len() - 1).unwrap_err();
        assert_eq!(error, CompressError::TooLarge { codec: codec.name(), limit: zeros.len() - 1 });
    }
}

#[test]
fn a_snappy_block_that_claims_gigabytes_is_refused() {
    // Length 0xffffffff as a varint, then nothing.
    assert!(Compression::Snappy.decompress(b"\xff\xff\xff\xff\x0f", usize::MAX - 1).is_err());
}

proptest! {
    #[test]
    fn round_trip(bytes in prop::collection::vec(0u8..8, 0..100_000)) {
        for codec in Compression::ALL {
            let packed = codec.compress(&bytes).unwrap();
            prop_assert_eq!(&codec.decompress(&packed, bytes.len()).unwrap(), &bytes);
        }
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for codec in Compression::ALL {
            let _ = codec.decompress(&bytes, 1 << 20);
        }
    }
}
