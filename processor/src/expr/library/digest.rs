//! Hashes of texts, in hexadecimal.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Function, Kind, MISSHAPEN, PLAIN, string};
use crate::expr::{EvalError, Expr, Value};

/// The hash functions.
pub(crate) const HASHES: &[Function] = &[
    Function {
        name: "MD5",
        form: "MD5(text)",
        about: "the MD5 hash, 32 hexadecimal digits",
        compute: |values, _| hashed(values, |b| Md5::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA1",
        form: "SHA1(text)",
        about: "the SHA-1 hash, 40 hexadecimal digits",
        compute: |values, _| hashed(values, |b| Sha1::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA224",
        form: "SHA224(text)",
        about: "the SHA-224 hash",
        compute: |values, _| hashed(values, |b| Sha224::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA256",
        form: "SHA256(text)",
        about: "the SHA-256 hash",
        compute: |values, _| hashed(values, |b| Sha256::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA384",
        form: "SHA384(text)",
        about: "the SHA-384 hash",
        compute: |values, _| hashed(values, |b| Sha384::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA512",
        form: "SHA512(text)",
        about: "the SHA-512 hash",
        compute: |values, _| hashed(values, |b| Sha512::digest(b).to_vec()),
        ..PLAIN
    },
    Function {
        name: "SHA2",
        form: "SHA2(text, bits)",
        about: "the hash of the SHA-2 family with so many bits: 224, 256, 384 or 512",
        arguments: &[Kind::Text, Kind::Integer],
        compute: |values, _| match values {
            [text, Value::Integer(bits)] => hashed(
                std::slice::from_ref(text),
                match bits {
                    224 => |b| Sha224::digest(b).to_vec(),
                    256 => |b| Sha256::digest(b).to_vec(),
                    384 => |b| Sha384::digest(b).to_vec(),
                    512 => |b| Sha512::digest(b).to_vec(),
                    _ => return Ok(Value::Null),
                },
            ),
            _ => Err(MISSHAPEN),
        },
        check: known_bits,
        ..PLAIN
    },
];

fn known_bits(arguments: &[Expr]) -> Result<(), (usize, String)> {
    match arguments.get(1).and_then(Expr::as_literal) {
        Some(Value::Integer(224 | 256 | 384 | 512) | Value::Null) | None => Ok(()),
        Some(_) => Err((1, "SHA2 has 224, 256, 384 or 512 bits".to_owned())),
    }
}

fn hashed(values: &[Value<'_>], hash: fn(&[u8]) -> Vec<u8>) -> Result<Value<'static>, EvalError> {
    match values {
        [Value::String(text)] => Ok(string(hexadecimal(&hash(text.as_bytes())))),
        _ => Err(MISSHAPEN),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test suites of RFC 1321 and RFC 3174 (FIPS 180-1).
    #[test]
    fn hashes_are_those_of_the_standards() {
        let called = |name: &str, text: &str| {
            let function = HASHES.iter().find(|function| function.name == name).unwrap();
            let call = super::super::Call { arguments: &[], result: crate::expr::DataType::STRING };
            (function.compute)(&[Value::text(text)], &call).unwrap()
        };
        assert_eq!(called("MD5", "abc"), Value::text("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(called("SHA1", "abc"), Value::text("a9993e364706816aba3e25717850c26c9cd0d89d"));
    }
}
