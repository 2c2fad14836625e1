//! What stands on a terminal: text scrolls, and beneath it the metrics are redrawn in their place.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::logs::{log_record, logs, logs_of};
use common::metrics::{gauge, metrics_of, number_point, points};
use common::{received, service, span, string, trace_id};
use ferrotel_view::{Limits, Printer, PrinterOptions, Store};

/// A terminal that knows what the view sends: text, newline, cursor up to a line's beginning, delete lines, colours, and
/// private modes, which it ignores. Lines longer than its width are folded.
#[derive(Clone, Default)]
struct Terminal(Arc<Mutex<Lines>>);

#[derive(Default)]
struct Lines {
    width: usize,
    rows: Vec<String>,
    row: usize,
    column: usize,
}

impl Terminal {
    fn of_width(width: usize) -> Self {
        Self(Arc::new(Mutex::new(Lines { width, rows: vec![String::new()], ..Lines::default() })))
    }

    fn rows(&self) -> Vec<String> {
        self.0.lock().expect("one thread").rows.clone()
    }

    fn count(&self, text: &str) -> usize {
        self.rows().iter().filter(|row| row.contains(text)).count()
    }

    /// The window becomes narrower, and the terminal folds what stands on it.
    fn fold(&self, width: usize) {
        let mut lines = self.0.lock().expect("one thread");
        let text = lines.rows.join("\n");
        *lines = Lines { width, rows: vec![String::new()], ..Lines::default() };
        lines.put(&text);
    }
}

impl Lines {
    fn put(&mut self, text: &str) {
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\n' => self.next_row(),
                '\u{1b}' => {
                    assert_eq!(letters.next(), Some('['));
                    let mut parameters = String::new();
                    let end = loop {
                        match letters.next().expect("a whole sequence") {
                            end if end.is_ascii_alphabetic() => break end,
                            parameter => parameters.push(parameter),
                        }
                    };
                    match end {
                        'F' => {
                            self.row = self.row.saturating_sub(parameters.parse().expect("a number of lines"));
                            self.column = 0;
                        }
                        'M' => self.delete_lines(parameters.parse().expect("a number of lines")),
                        'h' | 'l' | 'm' => {}
                        other => panic!("this terminal does not know {other:?}"),
                    }
                }
                letter => {
                    if self.column == self.width {
                        self.next_row();
                    }
                    let row = &mut self.rows[self.row];
                    let kept: String = row.chars().take(self.column).collect();
                    *row = kept + &letter.to_string();
                    self.column += 1;
                }
            }
        }
    }

    fn next_row(&mut self) {
        self.row += 1;
        self.column = 0;
        if self.row == self.rows.len() {
            self.rows.push(String::new());
        }
    }

    fn delete_lines(&mut self, number: usize) {
        let end = self.rows.len().min(self.row + number);
        self.rows.drain(self.row..end);
        if self.row == self.rows.len() {
            self.rows.push(String::new());
        }
    }
}

impl std::io::Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").put(std::str::from_utf8(bytes).expect("whole letters"));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const REDRAWN: PrinterOptions = PrinterOptions {
    quiet: Duration::ZERO,
    log_wait: Duration::ZERO,
    attributes: false,
    color: Some(false),
    redraw: Some(true),
    width: Some(80),
    height: Some(24),
    interactive: false,
};

fn send_load(store: &Store, second: u64, value: i64, series: usize) {
    let data = (0..series).map(|n| number_point(second, value, vec![string("n", &n.to_string())])).collect();
    store.add_points(points(vec![metrics_of("shop", vec![gauge("load", "", data)])]), 0);
}

fn send_trace(store: &Store, number: u8) {
    let mut one = span(1, 0, &format!("request {number}"), 0, 9);
    one.trace_id = trace_id(number);
    store.add_spans(received(vec![service("shop", vec![one])]), 0);
}

#[test]
fn the_table_stays_beneath_what_scrolls() {
    let (store, terminal) = (Arc::new(Store::new(Limits::default())), Terminal::of_width(80));
    let mut printer = Printer::with_output(Arc::clone(&store), REDRAWN, terminal.clone());
    let mut step = || assert!(printer.step(Duration::ZERO).expect("memory"));
    step();
    send_trace(&store, 1);
    step();
    assert_eq!(terminal.count("metrics"), 0, "no metrics, no table");
    send_load(&store, 1, 41, 2);
    step();
    assert_eq!((terminal.count("── metrics"), terminal.count(" 41")), (1, 2));
    send_load(&store, 2, 42, 2);
    step();
    assert_eq!((terminal.count("── metrics"), terminal.count(" 41"), terminal.count(" 42")), (1, 0, 2));
    send_trace(&store, 2);
    store.add_logs(logs(vec![logs_of("shop", vec![log_record(1, 9, "a log record")])]));
    step();
    let rows = terminal.rows();
    let at = |text: &str| rows.iter().position(|row| row.contains(text)).unwrap_or_else(|| panic!("{text}: {rows:?}"));
    assert!(at("request 1") < at("request 2") && at("request 2") < at("a log record"), "{rows:?}");
    assert_eq!(at("── metrics"), at("a log record") + 1);
    assert_eq!(rows.len(), at("── metrics") + 5, "title, head, two rows, and the line of the cursor: {rows:?}");
    assert_eq!((terminal.count("request 1"), terminal.count("request 2"), terminal.count("── metrics")), (1, 1, 1));
    printer.farewell().expect("memory");
    let rows = terminal.rows();
    assert!(
        rows[rows.len() - 2].starts_with("ferrotel view: 2 spans received, 4 data points of metrics, 1 log records")
    );
    assert_eq!(terminal.count("── metrics"), 1, "the last state of the table stays: {rows:?}");
}

#[test]
fn the_table_keeps_to_half_of_the_window() {
    for (height, expected) in [(24, 12), (8, 4), (4, 1), (1, 0)] {
        let (store, terminal) = (Arc::new(Store::new(Limits::default())), Terminal::of_width(80));
        let options = PrinterOptions { height: Some(height), ..REDRAWN };
        let mut printer = Printer::with_output(Arc::clone(&store), options, terminal.clone());
        send_load(&store, 1, 1, 40);
        printer.step(Duration::ZERO).expect("memory");
        assert_eq!(terminal.rows().len() - 1, expected, "{:?}", terminal.rows());
    }
}

#[test]
fn a_window_that_became_narrower_is_cleaned() {
    let (store, terminal) = (Arc::new(Store::new(Limits::default())), Terminal::of_width(80));
    let mut printer = Printer::with_output(Arc::clone(&store), REDRAWN, terminal.clone());
    send_load(&store, 1, 41, 2);
    printer.step(Duration::ZERO).expect("memory");
    terminal.fold(30);
    printer.resize(30, 24);
    printer.step(Duration::ZERO).expect("memory");
    let rows = terminal.rows();
    assert_eq!((terminal.count("── metrics"), rows.len()), (1, 5), "{rows:?}");
    assert!(rows.iter().all(|row| row.chars().count() < 30), "{rows:?}");
}

#[test]
fn without_a_terminal_there_is_no_escape_sequence() {
    let store = Arc::new(Store::new(Limits::default()));
    let mut out = Vec::new();
    let mut printer =
        Printer::with_output(Arc::clone(&store), PrinterOptions { redraw: Some(false), ..REDRAWN }, &mut out);
    for value in [41, 41, 42] {
        send_load(&store, 1 + value as u64, value, 1);
        send_trace(&store, value as u8);
        printer.step(Duration::ZERO).expect("memory");
    }
    drop(printer);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("metric")).collect();
    assert_eq!(lines, ["metric  shop  load  n=0  41", "metric  shop  load  n=0  42"]);
}
