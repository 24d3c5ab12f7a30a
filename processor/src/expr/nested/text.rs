//! CAST of nested values to STRING, in Flink's notation (ArrayToStringCastRule, MapToStringCastRule, RowToStringCastRule).

use super::super::cast::to_text;
use super::super::{DataType, Value};
use super::{Nested, NestedType};

/// `[1, NULL]`, `{k=1}`, `(1, a)`.
pub(crate) fn nested_text(value: &Nested, data_type: DataType) -> String {
    let mut text = String::new();
    write_nested(value, data_type, &mut text);
    text
}

fn write(value: &Value<'_>, data_type: DataType, out: &mut String) {
    match value {
        Value::Null => out.push_str("NULL"),
        Value::Nested(nested) => write_nested(nested, data_type, out),
        plain => out.push_str(&to_text(plain.borrowed(), data_type)),
    }
}

fn write_nested(value: &Nested, data_type: DataType, out: &mut String) {
    let Some(nested) = data_type.nested() else { return };
    match (value, nested) {
        (Nested::Array(elements), NestedType::Array(element)) => {
            out.push('[');
            separated(elements, out, |_, value, out| write(value, *element, out));
            out.push(']');
        }
        (Nested::Map(entries), _) => {
            let (key, value) = data_type.entry().unwrap_or((DataType::Null, DataType::Null));
            out.push('{');
            separated(entries, out, |_, entry, out| {
                write(&entry.0, key, out);
                out.push('=');
                write(&entry.1, value, out);
            });
            out.push('}');
        }
        (Nested::Row(fields), NestedType::Row(types)) => {
            out.push('(');
            separated(fields, out, |at, value, out| {
                write(value, types.get(at).map_or(DataType::Null, |(_, data_type)| *data_type), out);
            });
            out.push(')');
        }
        _ => {}
    }
}

fn separated<T>(items: &[T], out: &mut String, mut write: impl FnMut(usize, &T, &mut String)) {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(at, item, out);
    }
}
