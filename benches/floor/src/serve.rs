//! The floor: receive a frame, CRC-32C, write it to a file, answer; and sendfile of files at a client's request.
//!
//! One thread for each connection, blocking calls, buffers that are used again: what is left is what the kernel and the checksum
//! cost. The frames are the brokers' own, of which the floor reads the API, the correlation id and, of Fetch, the positions.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::{Failure, wire};

/// A read from the socket asks for as much as there is room: a few frames, and not more than stays in the cache.
const BUFFER: usize = 256 * 1024;
/// Files that what is produced goes to in turn, as partitions.
const FILES: usize = 4;

/// Serves for ever; prints the port first.
pub fn run(folder: &str) -> Result<(), Failure> {
    let folder = PathBuf::from(folder);
    let files = (0..FILES).map(|number| open(&folder, number)).collect::<io::Result<Vec<_>>>()?;
    let files = Arc::new(files);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    println!("{}", listener.local_addr()?.port());
    for stream in listener.incoming() {
        let (stream, files) = (stream?, files.clone());
        std::thread::spawn(move || serve(stream, &files));
    }
    Ok(())
}

fn open(folder: &Path, number: usize) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(folder.join(format!("{number}.log")))
}

fn serve(mut stream: TcpStream, files: &[File]) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0u8; BUFFER];
    let (mut start, mut end, mut frames) = (0, 0, 0);
    loop {
        while let Some(frame) = frame(&buffer[start..end]) {
            match i16::from_be_bytes([frame[4], frame[5]]) {
                wire::PRODUCE => write(&mut stream, frame, &files[frames % files.len()])?,
                _ => send(&mut stream, frame, files)?,
            }
            start += frame.len();
            frames += 1;
        }
        // What is left is a part of a frame: it moves to the front when the buffer is full.
        if end == buffer.len() {
            buffer.copy_within(start..end, 0);
            (start, end) = (0, end - start);
            if end == buffer.len() {
                buffer.resize(2 * end, 0);
            }
        }
        match stream.read(&mut buffer[end..])? {
            0 => return Ok(()),
            count => end += count,
        }
    }
}

/// The whole frame at the start of `bytes`, with its length.
fn frame(bytes: &[u8]) -> Option<&[u8]> {
    let length: [u8; 4] = bytes.get(..4)?.try_into().ok()?;
    bytes.get(..4 + i32::from_be_bytes(length) as usize)
}

fn write(stream: &mut TcpStream, frame: &[u8], mut file: &File) -> io::Result<()> {
    std::hint::black_box(crc32c::crc32c(frame));
    file.write_all(frame)?;
    let mut answer = [0, 0, 0, 4, 0, 0, 0, 0];
    answer[4..].copy_from_slice(correlation(frame));
    stream.write_all(&answer)
}

fn correlation(frame: &[u8]) -> &[u8] {
    &frame[wire::CORRELATION..wire::CORRELATION + 4]
}

/// Sends the same stretch of every partition that the request names. Files are as long as each other, so the first tells the end.
fn send(stream: &mut TcpStream, frame: &[u8], files: &[File]) -> io::Result<()> {
    let parts = wire::floor_positions(frame).ok_or(io::ErrorKind::InvalidData)?;
    let mut regions = Vec::with_capacity(parts.len());
    for (partition, position, count) in parts {
        let file = &files[partition % files.len()];
        let count = file.metadata()?.len().saturating_sub(position).min(count as u64);
        regions.push((file, position, count as usize));
    }
    let total: usize = 4 + regions.iter().map(|(_, _, count)| count).sum::<usize>();
    let mut head = [0; 8];
    head[..4].copy_from_slice(&(total as u32).to_be_bytes());
    head[4..].copy_from_slice(correlation(frame));
    stream.write_all(&head)?;
    for (file, mut position, mut count) in regions {
        while count > 0 {
            match rustix::fs::sendfile(&*stream, file, Some(&mut position), count)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                sent => count -= sent,
            }
        }
    }
    Ok(())
}
