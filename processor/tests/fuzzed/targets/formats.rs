//! The first byte says which format with which options, the rest is a record: what is read from it and written is read again as the same.

use forebay_processor::expr::{DataType, Value};
use forebay_processor::format::{Decoder, Encoder};
use forebay_processor::plan::{Column, CsvFormat, Format, JsonFormat, RawFormat, TimestampFormat};

/// Of each type one.
const TYPES: [DataType; 14] = [
    DataType::STRING,
    DataType::Boolean,
    DataType::TinyInt,
    DataType::SmallInt,
    DataType::Int,
    DataType::BigInt,
    DataType::Float,
    DataType::Double,
    DataType::Decimal { precision: 20, scale: 4 },
    DataType::BYTES,
    DataType::Date,
    DataType::Time,
    DataType::Timestamp(3),
    DataType::TimestampLtz(3),
];

pub fn run(data: &[u8]) {
    let Some((choice, record)) = data.split_first() else { return };
    let bit = |at: u8| choice >> at & 1 == 1;
    let columns = |types: &[DataType]| -> Vec<Column> {
        let column = |(at, data_type): (usize, &DataType)| Column {
            name: format!("c{at}"),
            data_type: *data_type,
            nullable: true,
        };
        types.iter().enumerate().map(column).collect()
    };
    let (format, columns) = match choice % 4 {
        0 => {
            let format = JsonFormat {
                ignore_parse_errors: bit(2),
                fail_on_missing_field: bit(3) && !bit(2),
                timestamp_format: if bit(4) { TimestampFormat::Iso8601 } else { TimestampFormat::Sql },
                encode_ignore_null_fields: bit(5),
                encode_decimal_as_plain_number: bit(6),
                ..JsonFormat::default()
            };
            (Format::Json(format), columns(&TYPES))
        }
        1 | 2 => {
            let format = CsvFormat {
                delimiter: if bit(2) { ';' } else { ',' },
                quote: (!bit(3)).then_some('"'),
                escape: bit(4).then_some('\\'),
                null_literal: bit(5).then(|| "none".to_owned()),
                ignore_parse_errors: bit(6),
                allow_comments: bit(7),
                decimal_as_plain_number: choice % 4 == 1,
            };
            // One column has its own rules: an empty line is a text, or no row.
            let types: &[DataType] = if choice % 4 == 1 { &TYPES } else { &TYPES[..1] };
            (Format::Csv(format), columns(types))
        }
        _ => {
            let numbers = [0, 1, 2, 3, 4, 5, 6, 7, 9];
            let data_type = TYPES[numbers[usize::from(choice >> 3) % numbers.len()]];
            (Format::Raw(RawFormat { little_endian: bit(2) }), columns(&[data_type]))
        }
    };
    check(&format, &columns, record);
}

fn check(format: &Format, columns: &[Column], record: &[u8]) {
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let positions: Vec<usize> = (0..columns.len()).collect();
    let mut decoder = Decoder::new(&names, columns, format);
    let mut encoder = Encoder::new(columns, &positions, format);
    let Some((first, has_null)) = written(&mut decoder, &mut encoder, columns, record) else { return };
    let is_lossy = match format {
        // A text without quotes may have what stands for something else; and where nothing stands for NULL, it is no text, or FALSE.
        Format::Csv(csv) => {
            let nulls = has_null && csv.null_literal.is_none();
            csv.quote.is_none() || csv.allow_comments || columns.len() == 1 || nulls
        }
        _ => false,
    };
    match written(&mut decoder, &mut encoder, columns, &first).map(|(second, _)| second) {
        Some(second) if second == first || is_lossy => {}
        None if is_lossy => {}
        second => panic!(
            "{format:?}: {:?} became {:?} and then {:?}",
            String::from_utf8_lossy(record),
            String::from_utf8_lossy(&first),
            second.map(|second| String::from_utf8_lossy(&second).into_owned())
        ),
    }
}

/// What is written of the row that a record is, if it is one and can be; and whether it has a NULL.
fn written(decoder: &mut Decoder, encoder: &mut Encoder, columns: &[Column], record: &[u8]) -> Option<(Vec<u8>, bool)> {
    let mut row: Vec<Value<'_>> = Vec::new();
    if !decoder.decode(record, &mut row).ok()? {
        return None;
    }
    assert_eq!(row.len(), columns.len(), "a value for each column");
    let mut out = Vec::new();
    let has_null = row.iter().any(Value::is_null);
    encoder.encode(&row, &mut out).ok()?.then_some((out, has_null))
}
