//! The content of a file.
//!
//! | Bytes | What |
//! |---|---|
//! | 0..8 | `ftspool1`: what it is, and the version |
//! | 8..12 | CRC-32 of everything after it |
//! | 12 | the signal |
//! | 13 | the content |
//! | 14 | the compression: 1, zlib |
//! | 15 | 0 |
//! | 16..24 | the message's length |
//! | 24..32 | the compressed message's length |
//! | 32.. | the compressed message |
//!
//! Numbers are little-endian.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

const MAGIC: [u8; 8] = *b"ftspool1";
const HEADER: usize = 32;
const ZLIB: u8 = 1;
/// No request is nearly as long; a damaged length must not have so much memory reserved.
pub(crate) const LONGEST: u64 = 1 << 30;

/// What a batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Signal {
    /// Spans.
    Traces = 1,
    /// Metrics.
    Metrics = 2,
    /// Log records.
    Logs = 3,
}

impl Signal {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        }
    }
}

/// How a batch is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Content {
    /// An OTLP request in protobuf.
    Protobuf = 1,
    /// An OTLP request in JSON.
    Json = 2,
}

/// The file for a message.
pub(crate) fn encode(signal: Signal, content: Content, message: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER + message.len() / 6 + 64);
    file.extend_from_slice(&MAGIC);
    file.extend_from_slice(&[0; 4]);
    file.extend_from_slice(&[signal as u8, content as u8, ZLIB, 0]);
    file.extend_from_slice(&(message.len() as u64).to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    let mut encoder = ZlibEncoder::new(file, Compression::fast());
    let mut file = encoder.write_all(message).and_then(|()| encoder.finish()).expect("writing to memory does not fail");
    let length = (file.len() - HEADER) as u64;
    file[24..32].copy_from_slice(&length.to_le_bytes());
    let checksum = crc32fast::hash(&file[12..]);
    file[8..12].copy_from_slice(&checksum.to_le_bytes());
    file
}

/// The message in a file; the error says in what way it is damaged.
pub(crate) fn decode(signal: Signal, content: Content, file: &[u8]) -> Result<Vec<u8>, &'static str> {
    let Some((header, compressed)) = file.split_first_chunk::<HEADER>() else { return Err("it is cut off") };
    if header[..8] != MAGIC {
        return Err("it does not begin like a spooled batch of this version");
    }
    let length = u64_at(header, 24);
    if length != compressed.len() as u64 {
        return Err(if length > compressed.len() as u64 { "it is cut off" } else { "something was appended to it" });
    }
    if crc32fast::hash(&file[12..]) != u32::from_le_bytes([header[8], header[9], header[10], header[11]]) {
        return Err("its checksum does not match");
    }
    if header[12..16] != [signal as u8, content as u8, ZLIB, 0] {
        return Err("it holds something else than its directory says");
    }
    let length = u64_at(header, 16);
    if length > LONGEST {
        return Err("its message is too long");
    }
    let mut message = Vec::with_capacity(length as usize);
    match ZlibDecoder::new(compressed).take(length + 1).read_to_end(&mut message) {
        Ok(read) if read as u64 == length => Ok(message),
        _ => Err("its content cannot be decompressed"),
    }
}

fn u64_at(header: &[u8; HEADER], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[at..at + 8]);
    u64::from_le_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_file_that_is_cut_off_anywhere_is_recognised() {
        let message: Vec<u8> = (0..2000_u32).flat_map(|number| (number % 97).to_le_bytes()).collect();
        let file = encode(Signal::Traces, Content::Protobuf, &message);
        assert_eq!(decode(Signal::Traces, Content::Protobuf, &file).unwrap(), message);
        for length in 0..file.len() {
            decode(Signal::Traces, Content::Protobuf, &file[..length]).unwrap_err();
        }
        let mut longer = file.clone();
        longer.push(0);
        decode(Signal::Traces, Content::Protobuf, &longer).unwrap_err();
    }

    #[test]
    fn a_bit_that_is_flipped_anywhere_is_recognised() {
        let file = encode(Signal::Logs, Content::Json, b"{\"resourceLogs\":[]}");
        for bit in 0..file.len() * 8 {
            let mut damaged = file.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            decode(Signal::Logs, Content::Json, &damaged).unwrap_err();
        }
    }

    #[test]
    fn what_belongs_elsewhere_is_not_sent() {
        let file = encode(Signal::Logs, Content::Json, b"{}");
        decode(Signal::Traces, Content::Json, &file).unwrap_err();
        decode(Signal::Logs, Content::Protobuf, &file).unwrap_err();
    }

    proptest! {
        #[test]
        fn every_message_comes_back(message: Vec<u8>) {
            let file = encode(Signal::Metrics, Content::Protobuf, &message);
            prop_assert_eq!(decode(Signal::Metrics, Content::Protobuf, &file).unwrap(), message);
        }

        #[test]
        fn no_bytes_are_a_panic(mut file: Vec<u8>, honest: bool) {
            if honest && file.len() >= HEADER {
                // As far as possible into the decoder.
                file[..8].copy_from_slice(&MAGIC);
                file[12..16].copy_from_slice(&[1, 1, ZLIB, 0]);
                let length = (file.len() - HEADER) as u64;
                file[24..32].copy_from_slice(&length.to_le_bytes());
                let checksum = crc32fast::hash(&file[12..]);
                file[8..12].copy_from_slice(&checksum.to_le_bytes());
            }
            let _ = decode(Signal::Traces, Content::Protobuf, &file);
        }
    }
}
