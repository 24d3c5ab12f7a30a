//! A client that speaks Kafka's protocol frame by frame and checks every answer's envelope.

use std::io::{ErrorKind, Read, Write};
use std::marker::PhantomData;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{RequestHeader, ResponseHeader};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Message, Request};

use super::text;

/// How long an answer may take; only ever reached when a test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// One connection.
pub struct Client {
    stream: TcpStream,
    last_correlation_id: i32,
    client_id: String,
}

/// A request that was sent and not answered yet.
pub struct Sent<R> {
    version: i16,
    correlation_id: i32,
    request: PhantomData<R>,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, last_correlation_id: 1000, client_id: "conformance".to_owned() }
    }

    /// The same client under another name.
    pub fn named(self, client_id: &str) -> Client {
        Client { client_id: client_id.to_owned(), ..self }
    }

    /// Another connection to the same broker.
    pub fn again(&self) -> Client {
        Client::connect(self.stream.peer_addr().unwrap())
    }

    /// Sends `request` and waits for its answer, which must be whole and in the same version.
    pub fn call<R: Request>(&mut self, version: i16, request: &R) -> R::Response {
        let sent = self.send(version, request);
        self.receive(sent)
    }

    /// Sends a request, the answer to which is received later.
    pub fn send<R: Request>(&mut self, version: i16, request: &R) -> Sent<R> {
        let mut body = BytesMut::new();
        request
            .encode(&mut body, version)
            .unwrap_or_else(|e| panic!("the test's request {} v{version} cannot be encoded: {e}", R::KEY));
        let correlation_id = self.send_body(R::KEY, version, R::header_version(version), &body);
        Sent { version, correlation_id, request: PhantomData }
    }

    /// Sends any body under any key and version; returns the correlation id.
    pub fn send_body(&mut self, key: i16, version: i16, header_version: i16, body: &[u8]) -> i32 {
        self.last_correlation_id += 1;
        let frame = framed_as(&self.client_id, key, version, header_version, self.last_correlation_id, body);
        self.stream.write_all(&frame).unwrap();
        self.last_correlation_id
    }

    /// Waits for the answer to `sent`, which must be the next on this connection.
    pub fn receive<R: Request>(&mut self, sent: Sent<R>) -> R::Response {
        let what = format!("{} v{}", std::any::type_name::<R>(), sent.version);
        let mut frame = self.receive_frame().unwrap_or_else(|| panic!("{what}: the broker closed the connection"));
        let (correlation_id, response) = decode::<R::Response>(&mut frame, sent.version, &what);
        assert_eq!(correlation_id, sent.correlation_id, "{what}: correlation id");
        assert!(frame.is_empty(), "{what}: {} bytes behind the answer {frame:?}", frame.len());
        response
    }

    /// The next frame without its length; `None` if the broker closed the connection.
    pub fn receive_frame(&mut self) -> Option<Bytes> {
        let mut length = [0; 4];
        match self.stream.read_exact(&mut length) {
            Ok(()) => {}
            Err(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => return None,
            Err(e) => panic!("no answer came: {e}"),
        }
        let mut frame = vec![0; u32::from_be_bytes(length) as usize];
        self.stream.read_exact(&mut frame).unwrap();
        Some(frame.into())
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Sends `bytes` again and again, and reads nothing, until the broker has read nothing for `patience`; how often they were sent.
    pub fn send_until_stuck(&mut self, bytes: &[u8], patience: Duration) -> usize {
        self.stream.set_write_timeout(Some(patience)).unwrap();
        (0..).find(|_| self.stream.write_all(bytes).is_err()).expect("no client can send for ever")
    }

    /// The broker closes this connection without an answer.
    pub fn assert_closed(&mut self) {
        assert_eq!(self.receive_frame(), None, "the connection should have been closed");
    }

    /// No answer comes within this time.
    pub fn is_silent_for(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        peeked.is_err_and(|e| e.kind() == ErrorKind::WouldBlock)
    }

    /// No answer is there yet.
    pub fn assert_unanswered(&mut self) {
        self.stream.set_nonblocking(true).unwrap();
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        assert!(peeked.is_err_and(|e| e.kind() == ErrorKind::WouldBlock), "there is an answer already");
    }
}

/// A request with its header and its length.
pub fn framed(key: i16, version: i16, header_version: i16, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    framed_as("conformance", key, version, header_version, correlation_id, body)
}

/// The same of a client of that name.
fn framed_as(client: &str, key: i16, version: i16, header_version: i16, correlation_id: i32, body: &[u8]) -> Vec<u8> {
    let header = RequestHeader::default()
        .with_request_api_key(key)
        .with_request_api_version(version)
        .with_correlation_id(correlation_id)
        .with_client_id(Some(text(client)));
    let mut frame = BytesMut::new();
    frame.put_u32(0);
    header.encode(&mut frame, header_version).unwrap();
    frame.put_slice(body);
    let length = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame.into()
}

/// Reads an answer's header and body.
pub fn decode<T: Decodable + HeaderVersion + Message>(frame: &mut Bytes, version: i16, what: &str) -> (i32, T) {
    let header = ResponseHeader::decode(frame, T::header_version(version)).unwrap();
    let response = T::decode(frame, version)
        .unwrap_or_else(|e| panic!("{what}: the answer cannot be decoded: {e}; left: {:?}", frame.chunk()));
    (header.correlation_id, response)
}
