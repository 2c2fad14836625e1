//! A log record as text: under the span during which it was written, or on its own.

use crate::details::{self, Detail};
use crate::format;
use crate::log::ReceivedLog;
use crate::origin::Hex;
use crate::paint::Paint;
use crate::proto::Value;
use crate::render::Style;
use crate::text::{columns, fit, padded};

/// Columns of a time of day, and those that a line must have to begin with one.
const TIME_COLUMNS: usize = 13;
const ROOM_FOR_TIME: usize = 60;
/// Further lines of a body that are written out.
const MAX_BODY_LINES: usize = 5;
const MAX_BODY_LINES_WITH_ATTRIBUTES: usize = 60;

/// Appends the lines of a record that stands in a trace: severity, time since `start`, body.
pub(crate) fn in_trace(log: &ReceivedLog, start: u64, attributes: bool, room: usize, list: &mut Vec<Detail>) {
    let body = Body::of(log, room);
    let severity = severity(log);
    let text = format!("{severity} {}  {}", format::offset(log.time(), start), body.first);
    list.push(Detail { paint: paint(log), text });
    details_of(log, &body, attributes, room, list);
}

/// Writes a record that stands on its own: `log`, time of day, severity, service, body. Ends with a newline.
pub fn render_log(log: &ReceivedLog, style: &Style) -> String {
    let width = style.width.max(40);
    let color = style.color;
    let body = Body::of(log, width);
    let mut out = String::new();
    // A narrow window has no room for the time of day.
    let time = match log.time() {
        _ if width < ROOM_FOR_TIME => String::new(),
        0 => padded("?", TIME_COLUMNS),
        time => format::time_of_day(time),
    };
    let service = fit(log.origin.service_name(), width / 4);
    let severity = severity(log);
    let used = columns(&time) + columns(&severity) + columns(&service) + 3 + 4 * 2;
    out.push_str("log  ");
    if !time.is_empty() {
        Paint::Faint.put(&mut out, &time, color);
        out.push_str("  ");
    }
    paint(log).put(&mut out, &severity, color);
    out.push_str("  ");
    Paint::Strong.put(&mut out, &service, color);
    out.push_str("  ");
    let room = width.saturating_sub(used);
    let text = fit(&body.first, room);
    let left = room.saturating_sub(columns(&text));
    out.push_str(&text);
    if let Some(trace_id) = log.trace_id {
        let trace = format!("  trace {}", Hex(&trace_id));
        if trace.len() <= left {
            Paint::Faint.put(&mut out, &trace, color);
        }
    }
    out.push('\n');
    let mut list = Vec::new();
    details_of(log, &body, style.attributes, width, &mut list);
    for detail in list {
        out.push_str("   ");
        detail.paint.put(&mut out, &fit(&detail.text, width - 3), color);
        out.push('\n');
    }
    out
}

/// What stands beneath a record's line, indented by two.
fn details_of(log: &ReceivedLog, body: &Body, attributes: bool, room: usize, list: &mut Vec<Detail>) {
    let most = if attributes { MAX_BODY_LINES_WITH_ATTRIBUTES } else { MAX_BODY_LINES };
    list.extend(body.rest.iter().take(most).map(|line| Detail { paint: paint(log), text: format!("  {line}") }));
    details::more("  ", body.lines.saturating_sub(1), most.min(body.rest.len()), "lines", list);
    if let Some(exception) = details::exception_text(&log.record.attributes, room) {
        list.push(Detail { paint: Paint::Alarm, text: format!("  ✗ {exception}") });
    }
    if attributes {
        details::scope("  ", &log.origin, list);
        details::pairs("  ", &log.record.attributes, room, list);
    }
    if log.record.dropped_attributes_count > 0 {
        let text = format!("  the sender dropped {} attributes", log.record.dropped_attributes_count);
        list.push(Detail { paint: Paint::Note, text });
    }
}

/// A record's body by lines, or the event's name where there is none. Cut, but not yet cleaned.
struct Body {
    first: String,
    rest: Vec<String>,
    lines: usize,
}

impl Body {
    fn of(log: &ReceivedLog, room: usize) -> Self {
        let record = &log.record;
        let text = match record.body.as_ref().and_then(|any| any.value.as_ref()) {
            Some(Value::String(text)) => text.as_str(),
            Some(_) => {
                let first = format::value(record.body.as_ref(), room);
                return Self { first, rest: Vec::new(), lines: 1 };
            }
            None if record.event_name.is_empty() => "(no body)",
            None => &record.event_name,
        };
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let first = details::cut(lines.next().unwrap_or(""), room).to_owned();
        let number = 1 + lines.clone().count();
        let rest = lines.take(MAX_BODY_LINES_WITH_ATTRIBUTES).map(|line| details::cut(line, room).to_owned());
        Self { first, rest: rest.collect(), lines: number }
    }
}

/// The sender's word for the severity, or the specification's for its number; at least five columns.
fn severity(log: &ReceivedLog) -> String {
    if !log.record.severity_text.is_empty() {
        let word = fit(&log.record.severity_text, 8);
        return padded(&word, columns(&word).max(5));
    }
    let word = match log.record.severity_number {
        1..=4 => "TRACE",
        5..=8 => "DEBUG",
        9..=12 => "INFO",
        13..=16 => "WARN",
        17..=20 => "ERROR",
        21..=24 => "FATAL",
        _ => "-",
    };
    padded(word, 5)
}

fn paint(log: &ReceivedLog) -> Paint {
    match log.record.severity_number {
        1..=8 => Paint::Faint,
        13..=16 => Paint::Note,
        17.. => Paint::Alarm,
        _ => Paint::Plain,
    }
}
