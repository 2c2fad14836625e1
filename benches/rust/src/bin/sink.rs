//! A receiver for OTLP over gRPC and over HTTP that costs next to nothing: it counts the spans of each request and says
//! yes.
//!
//! Prints the port that it listens on. For each line on stdin it prints how many spans have come since the last one, and
//! how many nanoseconds of CPU time it took. It ends with stdin.
//!
//! It understands of HTTP/2 what two clients on one machine need: requests are told apart by their stream and not looked
//! at otherwise, everything is accepted, and compressed requests are not expected.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};

static SPANS: AtomicU64 = AtomicU64::new(0);

fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // A client that goes away ends its thread.
                let _ = serve(stream);
            });
        }
    });
    let mut before = cpu_nanoseconds();
    for _line in io::stdin().lines() {
        let now = cpu_nanoseconds();
        println!("{} {}", SPANS.swap(0, Ordering::Relaxed), now - before);
        before = now;
    }
    Ok(())
}

fn cpu_nanoseconds() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes to `time`, which is valid for that.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

fn serve(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
    // Both protocols begin with a line: of HTTP/2 it is "PRI * HTTP/2.0".
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if line.starts_with("PRI ") { serve_http2(&mut reader, stream) } else { serve_http1(&mut reader, stream) }
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

/// One request after the other; the first one's first line was read already.
fn serve_http1(reader: &mut impl BufRead, mut stream: TcpStream) -> io::Result<()> {
    let (mut line, mut body) = (String::new(), Vec::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if reader.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let Some((name, value)) = line.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        SPANS.fetch_add(count_spans(&body), Ordering::Relaxed);
        stream.write_all(OK)?;
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
    }
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
const PADDED: u8 = 8;
/// The largest that HTTP/2 knows: the client never waits for leave to send.
const WINDOW: u32 = 0x7fff_ffff;
/// How many bytes are received before the connection's window is opened again.
const OPENED: u32 = 1 << 28;

fn serve_http2(reader: &mut impl Read, mut stream: TcpStream) -> io::Result<()> {
    // The rest of the preface: an empty line, "SM", an empty line.
    reader.read_exact(&mut [0; 8])?;
    let mut settings = Vec::new();
    for (id, value) in [(4_u16, WINDOW), (5, 1 << 20)] {
        settings.extend_from_slice(&id.to_be_bytes());
        settings.extend_from_slice(&value.to_be_bytes());
    }
    let mut out = frame(SETTINGS, 0, 0, &settings);
    out.extend(frame(WINDOW_UPDATE, 0, 0, &(WINDOW - 65_535).to_be_bytes()));
    stream.write_all(&out)?;
    let head = [literal(":status", "200"), literal("content-type", "application/grpc")].concat();
    let trailers = literal("grpc-status", "0");
    let mut bodies: HashMap<u32, Vec<u8>> = HashMap::new();
    let (mut received, mut payload) = (0, Vec::new());
    loop {
        let mut start = [0; 9];
        if reader.read_exact(&mut start).is_err() {
            return Ok(());
        }
        let [a, b, c, kind, flags, d, e, f, g] = start;
        let length = u32::from_be_bytes([0, a, b, c]);
        let id = u32::from_be_bytes([d & 0x7f, e, f, g]);
        payload.resize(length as usize, 0);
        reader.read_exact(&mut payload)?;
        out.clear();
        match kind {
            DATA => {
                let data =
                    if flags & PADDED == 0 { &payload[..] } else { &payload[1..payload.len() - payload[0] as usize] };
                bodies.entry(id).or_default().extend_from_slice(data);
                received += length;
                if received > OPENED {
                    out.extend(frame(WINDOW_UPDATE, 0, 0, &received.to_be_bytes()));
                    received = 0;
                }
                if flags & END_STREAM != 0 {
                    let body = bodies.remove(&id).unwrap_or_default();
                    // A byte and a length stand in front of the message.
                    SPANS.fetch_add(count_spans(body.get(5..).unwrap_or_default()), Ordering::Relaxed);
                    out.extend(frame(HEADERS, END_HEADERS, id, &head));
                    out.extend(frame(DATA, 0, id, &[0; 5]));
                    out.extend(frame(HEADERS, END_HEADERS | END_STREAM, id, &trailers));
                }
            }
            SETTINGS if flags & ACK == 0 => out.extend(frame(SETTINGS, ACK, 0, &[])),
            PING if flags & ACK == 0 => out.extend(frame(PING, ACK, 0, &payload)),
            RST_STREAM => {
                bodies.remove(&id);
            }
            _ => {}
        }
        if !out.is_empty() {
            stream.write_all(&out)?;
        }
    }
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(9 + payload.len());
    frame.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&id.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header for HPACK: never indexed, as it stands.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut header = vec![0x10];
    for text in [name, value] {
        header.push(text.len() as u8);
        header.extend_from_slice(text.as_bytes());
    }
    header
}

/// How many spans a request holds: always field 2 of field 2 of field 1.
fn count_spans(body: &[u8]) -> u64 {
    let of_scopes = |resource| fields(resource, 2).map(|scope| fields(scope, 2).count() as u64).sum::<u64>();
    fields(body, 1).map(of_scopes).sum()
}

/// The length-delimited fields with the number `wanted`; these messages have no other wire type.
fn fields(body: &[u8], wanted: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = body;
    std::iter::from_fn(move || {
        loop {
            let (&tag, mut after) = rest.split_first()?;
            let (mut length, mut shift) = (0, 0);
            loop {
                let (&byte, further) = after.split_first()?;
                after = further;
                length |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte < 0x80 {
                    break;
                }
            }
            let field = after.get(..length)?;
            rest = &after[length..];
            if tag >> 3 == wanted {
                return Some(field);
            }
        }
    })
}
