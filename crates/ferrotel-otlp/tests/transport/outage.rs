//! An outage from its first batch to the last one's delivery, without the time that it would take.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ferrotel::api::trace::{SpanContext, SpanId, TraceId};
use ferrotel::common::Value;
use ferrotel::sdk::trace::{FinishedSpan, SpanData, SpanExporter};
use ferrotel_otlp::Protocol;

use super::server::closed_port;
use super::{build, to};

const BATCH: u64 = 512;

/// Counts each span by its id, which is its number.
struct Counting {
    seen: Mutex<Vec<u8>>,
    batches: AtomicU64,
    /// Of the numbers that came after a larger one from the same outage.
    unordered: AtomicU64,
    stop: AtomicBool,
}

impl Counting {
    fn start(port: u16, spans: u64) -> Arc<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let counting = Arc::new(Counting {
            seen: Mutex::new(vec![0; spans as usize]),
            batches: AtomicU64::new(0),
            unordered: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let mine = counting.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { continue };
                if mine.stop.load(Ordering::SeqCst) {
                    return;
                }
                mine.serve(stream);
            }
        });
        counting
    }

    /// One connection, until it ends: the exporter has one at a time.
    fn serve(&self, stream: TcpStream) {
        let mut answers = stream.try_clone().unwrap();
        let mut requests = BufReader::new(stream);
        let mut last = None;
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if requests.read_line(&mut line).unwrap_or(0) == 0 {
                    return;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            requests.read_exact(&mut body).unwrap();
            let mut seen = self.seen.lock().unwrap();
            let mut first = None;
            for number in numbers(&body) {
                first.get_or_insert(number);
                seen[number as usize] += 1;
            }
            if first < last {
                self.unordered.fetch_add(1, Ordering::SeqCst);
            }
            last = first;
            drop(seen);
            self.batches.fetch_add(1, Ordering::SeqCst);
            if answers.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").is_err() {
                return;
            }
        }
    }
}

/// The numbers of a request's spans. Other fields than their ids need not be looked at, millions of times.
fn numbers(request: &[u8]) -> Vec<u64> {
    let scopes = fields(request, 1).into_iter().flat_map(|of_resource| fields(of_resource, 2));
    let spans = scopes.flat_map(|of_scope| fields(of_scope, 2));
    spans.map(|span| u64::from_be_bytes(fields(span, 2)[0].try_into().unwrap()) - 1).collect()
}

/// The fields of a message with this number, all of which have a length.
fn fields(mut message: &[u8], wanted: u64) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let length = match tag & 7 {
            0 => {
                varint(&mut message);
                continue;
            }
            1 => 8,
            5 => 4,
            2 => varint(&mut message) as usize,
            kind => panic!("{kind}"),
        };
        let (field, rest) = message.split_at(length);
        if tag >> 3 == wanted {
            found.push(field);
        }
        message = rest;
    }
    found
}

fn varint(message: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = message.split_first().unwrap();
        *message = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    value
}

/// A server's span with the attributes that instrumentations give it.
fn span(number: u64) -> FinishedSpan {
    let context = SpanContext {
        trace_id: TraceId(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1),
        span_id: SpanId(number + 1),
        ..SpanContext::default()
    };
    let attributes = [
        ("http.request.method", Value::from("GET")),
        ("url.path", Value::from(format!("/orders/{}", number % 5000))),
        ("http.route", Value::from("/orders/{id}")),
        ("http.response.status_code", Value::from(200_i64)),
        ("server.address", Value::from("shop.example")),
        ("network.protocol.version", Value::from("1.1")),
    ];
    let start = 1_700_000_000_000_000_000 + number * 500_000;
    FinishedSpan::new(SpanData {
        name: "GET /orders/{id}".into(),
        context,
        start_time: Some(start),
        end_time: Some(start + 1_234_567),
        attributes: attributes.into_iter().collect(),
        ..SpanData::default()
    })
}

/// So many batches while nobody listens, through one exporter after another; then the collector is there.
fn outage(batches: u64, exporters: u64) {
    let folder = tempfile::tempdir().unwrap();
    let port = closed_port();
    let exporter = || build(to(Protocol::HttpProtobuf, port).spool_dir(folder.path()));
    let (began, mut slowest) = (Instant::now(), Duration::ZERO);
    for of_exporter in 0..exporters {
        let exporter = exporter();
        for batch in (0..batches).filter(|batch| batch * exporters / batches == of_exporter) {
            let spans: Vec<_> = (batch * BATCH..(batch + 1) * BATCH).map(span).collect();
            let began = Instant::now();
            exporter.export(&spans).unwrap();
            slowest = slowest.max(began.elapsed());
        }
        exporter.shutdown();
    }
    let written = began.elapsed();
    let files =
        std::fs::read_dir(folder.path()).unwrap().flat_map(|entry| std::fs::read_dir(entry.unwrap().path()).unwrap());
    let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();

    let server = Counting::start(port, (batches + 1) * BATCH);
    let (began, exporter) = (Instant::now(), exporter());
    exporter.export(&(batches * BATCH..(batches + 1) * BATCH).map(span).collect::<Vec<_>>()).unwrap();
    while server.batches.load(Ordering::SeqCst) <= batches && began.elapsed() < Duration::from_secs(1200) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let drained = began.elapsed();
    // One that is to come twice would come now.
    std::thread::sleep(Duration::from_millis(100));
    exporter.shutdown();
    server.stop.store(true, Ordering::SeqCst);
    let seen = server.seen.lock().unwrap();
    let lost = seen.iter().filter(|&&times| times == 0).count();
    let repeated = seen.iter().filter(|&&times| times > 1).count();
    println!(
        "outage: {} spans in {batches} batches, {} MiB on disk ({} bytes a span), written in {written:.1?} (slowest \
         export {slowest:.1?}), delivered in {drained:.1?}: {lost} lost, {repeated} repeated",
        batches * BATCH,
        bytes >> 20,
        bytes / (batches * BATCH),
    );
    assert_eq!((lost, repeated), (0, 0));
    assert!(server.unordered.load(Ordering::SeqCst) <= 1, "only the live batch may stand before older ones");
}

#[test]
fn an_outage_loses_and_repeats_nothing() {
    outage(150, 3);
}

/// 2,000 spans a second: 14,063 batches of 512.
#[test]
#[ignore = "takes minutes: make outage"]
fn an_outage_of_an_hour_loses_and_repeats_nothing() {
    outage(14_063, 4);
}
