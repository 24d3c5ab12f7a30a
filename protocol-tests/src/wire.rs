//! The wire without a client library: frames as bytes, for what no client would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer, or the end of the connection, is waited for.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// What the broker did with what it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// One whole frame, without its length.
    Frame(Vec<u8>),
    /// The broker closed the connection.
    Closed,
    /// Neither within the limit.
    Nothing,
}

/// One connection to a broker.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    /// Connects to `127.0.0.1:port`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), READ_LIMIT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_LIMIT))?;
        Ok(Self { stream })
    }

    /// Sends bytes as they are. A broker that has closed already is not an error: the answer will say so.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    /// Says that nothing more will come.
    pub fn finish(&mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Waits for a frame or the end.
    pub fn answer(&mut self) -> Answer {
        let mut length = [0; 4];
        let read = self.stream.read_exact(&mut length).and_then(|()| {
            let mut frame = vec![0; u32::from_be_bytes(length).min(64 << 20) as usize];
            self.stream.read_exact(&mut frame).map(|()| frame)
        });
        match read {
            Ok(frame) => Answer::Frame(frame),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Answer::Nothing,
            Err(_) => Answer::Closed,
        }
    }
}

/// A frame with its length: a request header of the given version around a body that may be anything.
/// Header version 1 has a client id; version 2 adds tagged fields (none here).
pub fn request(api_key: i16, api_version: i16, header_version: u8, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(body.len() + 24);
    frame.extend_from_slice(&api_key.to_be_bytes());
    frame.extend_from_slice(&api_version.to_be_bytes());
    frame.extend_from_slice(&correlation_id.to_be_bytes());
    frame.extend_from_slice(&4i16.to_be_bytes());
    frame.extend_from_slice(b"wire");
    if header_version >= 2 {
        frame.push(0);
    }
    frame.extend_from_slice(body);
    framed(&frame)
}

/// Bytes with their length in front.
pub fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut frame = (bytes.len() as u32).to_be_bytes().to_vec();
    frame.extend_from_slice(bytes);
    frame
}

/// Whether the broker at the port answers ApiVersions v0 on a new connection.
pub fn answers_api_versions(port: u16) -> bool {
    let Ok(mut connection) = Connection::open(port) else { return false };
    connection.send(&request(18, 0, 1, 7, &[]));
    // Correlation id, then error code 0.
    matches!(connection.answer(), Answer::Frame(frame) if frame.starts_with(&[0, 0, 0, 7, 0, 0]))
}
