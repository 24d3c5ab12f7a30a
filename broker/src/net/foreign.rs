//! Peers that speak another protocol: told by the four bytes that stand where a frame's length should.

use std::fmt;

/// A protocol that is not Kafka's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A TLS handshake.
    Tls,
    /// An HTTP request.
    Http,
}

impl Foreign {
    /// What starts with these bytes, if it is one we know. As lengths they are all above 350 MB.
    #[must_use]
    pub fn of(start: [u8; 4]) -> Option<Foreign> {
        match &start {
            // A record of type handshake, version 3.x.
            [0x16, 3, _, _] => Some(Foreign::Tls),
            b"GET " | b"HEAD" | b"POST" | b"PUT " | b"DELE" | b"OPTI" | b"PATC" | b"CONN" | b"TRAC" | b"PRI " => {
                Some(Foreign::Http)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Foreign::Tls => {
                "this is a TLS handshake, and the listener speaks Kafka's protocol without encryption; \
                 set security.protocol=PLAINTEXT (or SASL_PLAINTEXT) in the client"
            }
            Foreign::Http => {
                "this is an HTTP request, and the listener speaks Kafka's protocol; the HTTP server is at http.listeners"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_are_told_by_their_first_bytes() {
        assert_eq!(Foreign::of([0x16, 3, 1, 2]), Some(Foreign::Tls));
        assert_eq!(Foreign::of(*b"GET "), Some(Foreign::Http));
        assert_eq!(Foreign::of(*b"PRI "), Some(Foreign::Http), "HTTP/2 with prior knowledge");
        assert_eq!(Foreign::of([0, 3, 1, 2]), None);
        assert_eq!(Foreign::of(i32::MAX.to_be_bytes()), None);
    }
}
