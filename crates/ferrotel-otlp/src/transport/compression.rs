//! Compression of requests.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;
use std::str::FromStr;

use flate2::write::{GzEncoder, ZlibEncoder};

/// How a request's body is compressed (OTLP exporter specification, `compression`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: the default.
    #[default]
    None,
    /// gzip.
    Gzip,
    /// zlib's format, which HTTP calls deflate. Not for gRPC.
    Deflate,
}

impl Compression {
    /// The specification's word, which is also the content coding's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Deflate => "deflate",
        }
    }

    /// `body` compressed.
    pub(crate) fn compress(self, body: &[u8]) -> Cow<'_, [u8]> {
        let level = flate2::Compression::new(LEVEL);
        let compressed = match self {
            Compression::None => return Cow::Borrowed(body),
            Compression::Gzip => finished(GzEncoder::new(room(body), level), body, GzEncoder::finish),
            Compression::Deflate => finished(ZlibEncoder::new(room(body), level), body, ZlibEncoder::finish),
        };
        Cow::Owned(compressed)
    }
}

/// Between the fastest (1) and the reference's (9): spans shrink to a tenth at 3 already.
const LEVEL: u32 = 3;

fn room(body: &[u8]) -> Vec<u8> {
    Vec::with_capacity(body.len() / 4 + 64)
}

fn finished<W: Write>(mut encoder: W, body: &[u8], finish: fn(W) -> std::io::Result<Vec<u8>>) -> Vec<u8> {
    encoder.write_all(body).and_then(|()| finish(encoder)).expect("writing to memory does not fail")
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCompression;

impl FromStr for Compression {
    type Err = UnknownCompression;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let word = word.trim();
        [Compression::None, Compression::Gzip, Compression::Deflate]
            .into_iter()
            .find(|compression| word.eq_ignore_ascii_case(compression.as_str()))
            .ok_or(UnknownCompression)
    }
}

impl fmt::Display for UnknownCompression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one of: 'none', 'gzip', 'deflate'")
    }
}

impl std::error::Error for UnknownCompression {}
