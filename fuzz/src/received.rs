//! What the view receives: OTLP as protobuf and as JSON, kept within bounds, and shown on a terminal.

use std::sync::Arc;
use std::time::Duration;

use ferrotel_view::proto::{ExportLogsServiceRequest, ExportMetricsServiceRequest, ExportTraceServiceRequest};
use ferrotel_view::{
    Limits, Printer, PrinterOptions, Request, Store, Style, decode_json, decode_protobuf, metrics_lines, render_log,
};

/// The first byte says which signal and which encoding.
pub(crate) fn run(data: &[u8]) {
    let Some((choice, body)) = data.split_first() else { return };
    match choice % 3 {
        0 => receive::<ExportTraceServiceRequest>(choice / 3, body),
        1 => receive::<ExportMetricsServiceRequest>(choice / 3, body),
        _ => receive::<ExportLogsServiceRequest>(choice / 3, body),
    }
}

const LIMITS: Limits = Limits { max_traces: 3, max_spans: 20, max_series: 5, max_logs: 20, max_bytes: 100_000 };

fn receive<R: Request>(encoding: u8, body: &[u8]) {
    let received = if encoding.is_multiple_of(2) { decode_protobuf::<R>(body) } else { decode_json::<R>(body) };
    let received = match received {
        Ok(received) => received,
        Err(refusal) => return assert_shown(&refusal.to_string()),
    };
    assert_eq!(received.reason.is_some(), received.rejected > 0);
    let store = Arc::new(Store::new(LIMITS));
    R::keep(received, &store);
    let counts = store.counts();
    assert!(counts.traces <= LIMITS.max_traces && counts.spans <= LIMITS.max_spans, "{counts:?}");
    assert!(counts.series <= LIMITS.max_series && counts.logs <= 2 * LIMITS.max_logs, "{counts:?}");

    let style = Style { width: 80, color: false, attributes: true };
    assert_shown(&metrics_lines(&store, &style));
    store.logs().iter().for_each(|log| assert_shown(&render_log(log, &style)));
    let options = PrinterOptions {
        attributes: true,
        quiet: Duration::ZERO,
        log_wait: Duration::ZERO,
        ..PrinterOptions::default()
    };
    let mut out = Vec::new();
    let mut printer = Printer::with_output(store, options, &mut out);
    assert!(printer.step(Duration::ZERO).is_ok() && printer.farewell().is_ok());
    drop(printer);
    assert_shown(&String::from_utf8(out).expect("text"));
}

/// No control character but the newline reaches the terminal, and nothing that turns the direction of writing.
fn assert_shown(text: &str) {
    let drives =
        |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.chars().any(drives), "{text:?}");
}
