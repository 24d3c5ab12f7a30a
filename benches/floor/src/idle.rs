//! Connections that are opened, used once, and then rest.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::options::Options;
use crate::{Failure, wire};

/// Opens `--connections`, asks on each which versions there are, says so in a line, and keeps them until its input ends.
pub fn run(options: &Options) -> Result<(), Failure> {
    let began = Instant::now();
    let ask = wire::api_versions()?;
    let mut answer = Vec::new();
    let mut open = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        let mut stream = TcpStream::connect(&options.address)?;
        stream.write_all(&ask)?;
        wire::read_frame(&mut stream, &mut answer)?;
        open.push(stream);
    }
    println!("{{\"connections\": {}, \"wall_s\": {:.3}}}", open.len(), began.elapsed().as_secs_f64());
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
