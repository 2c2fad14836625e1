//! The printer: what a reader sees while traces arrive.

mod common;

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use common::{received, service, span};
use ferrotel_view::{Command, Limits, Options, Printer, PrinterOptions, Store, View};

const AT_ONCE: PrinterOptions = PrinterOptions {
    quiet: Duration::ZERO,
    log_wait: Duration::ZERO,
    attributes: false,
    color: Some(false),
    redraw: Some(false),
    width: Some(80),
    height: Some(24),
    interactive: false,
};

fn shown(store: &Arc<Store>, steps: usize) -> String {
    let mut out = Vec::new();
    let mut printer = Printer::with_output(Arc::clone(store), AT_ONCE, &mut out);
    for _ in 0..steps {
        assert!(printer.step(Duration::ZERO).expect("memory"));
    }
    drop(printer);
    String::from_utf8(out).expect("UTF-8")
}

#[test]
fn each_state_of_a_trace_is_shown_once() {
    let store = Arc::new(Store::new(Limits::default()));
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 0);
    let first = shown(&store, 3);
    assert_eq!(first.matches("trace 0000").count(), 1, "{first}");
    assert!(!first.contains("updated"), "{first}");
    store.add_spans(received(vec![service("shop", vec![span(2, 1, "late", 1, 2)])]), 0);
    let second = shown(&store, 3);
    assert!(second.contains("root") && second.contains("└ late") && second.contains("updated"), "{second}");
}

#[test]
fn notices_are_cleaned_and_not_cut() {
    let store = Arc::new(Store::new(Limits::default()));
    store.note_once("odd", || format!("\u{1b}[2J {} end", "x".repeat(300)));
    let text = shown(&store, 1);
    assert!(text.starts_with("note: \\u{1b}[2J") && text.ends_with(" end\n"), "{text}");
}

#[test]
fn greeting_and_farewell_tell_where_and_how_many() {
    let view = View::start(Options { grpc_port: 0, http_port: 0, ..Options::default() }).expect("free ports");
    view.store().add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 2);
    let mut out = Vec::new();
    let mut printer = Printer::with_output(view.store().clone(), AT_ONCE, &mut out);
    printer.greet(&view).expect("memory");
    printer.farewell().expect("memory");
    drop(printer);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(text.contains(&format!("OTLP over gRPC  http://{}\n", view.grpc_address())), "{text}");
    assert!(
        text.contains(&format!("OTLP over HTTP  http://{}  (/v1/traces /v1/metrics /v1/logs)\n", view.http_address())),
        "{text}"
    );
    assert!(text.ends_with("ferrotel view: 1 spans received, 2 more refused\n"), "{text}");
}

#[test]
fn a_closed_output_is_an_error_and_no_panic() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let store = Arc::new(Store::new(Limits::default()));
    store.add_spans(received(vec![service("shop", vec![span(1, 0, "root", 0, 9)])]), 0);
    let mut printer = Printer::with_output(store, AT_ONCE, Closed);
    let error = printer.step(Duration::ZERO).expect_err("closed");
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn commands_are_single_letters() {
    assert_eq!(Command::parse("a\n"), Some(Command::ToggleAttributes));
    assert_eq!(Command::parse(" Q "), Some(Command::Quit));
    assert_eq!(Command::parse("m"), Some(Command::ToggleMetrics));
    assert_eq!(Command::parse("quit"), None);
    assert_eq!(Command::parse(""), None);
}
