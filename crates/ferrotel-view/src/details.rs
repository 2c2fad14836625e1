//! What stands beneath a span's line: status, exceptions, events, log records, links, attributes.

use crate::format;
use crate::log::ReceivedLog;
use crate::log_lines;
use crate::origin::{Hex, Origin};
use crate::paint::Paint;
use crate::proto::{Event, KeyValue, Value};
use crate::span::ReceivedSpan;

/// One line; the text is not yet cleaned or cut.
pub(crate) struct Detail {
    pub(crate) paint: Paint,
    pub(crate) text: String,
}

/// Events, links or attributes of one span that are written out.
const MAX_ITEMS: usize = 8;
const MAX_ITEMS_WITH_ATTRIBUTES: usize = 128;
/// Log records of one span that are written out.
const MAX_LOGS: usize = 20;
const MAX_STACK_LINES: usize = 60;

/// Appends the lines of a span and of its log records, which are in order of time. `room` is the number of columns that
/// a line will have.
pub(crate) fn of(span: &ReceivedSpan, logs: &[&ReceivedLog], attributes: bool, room: usize, list: &mut Vec<Detail>) {
    let message = span.span.status.as_ref().filter(|status| status.code == 2).map_or("", |status| &status.message);
    // The SDK writes `Type: message` into the status when it records an exception: one of the two lines is enough.
    let tells = |event: &Event| is_exception(event) && told(event, room).ends_with(message);
    let repeated = span.span.events.iter().any(tells);
    if !message.is_empty() && !repeated {
        list.push(Detail { paint: Paint::Alarm, text: format!("ERROR {}", cut(message, room)) });
    }
    if attributes {
        scope("", &span.origin, list);
        pairs("", &span.span.attributes, room, list);
    }
    let most = if attributes { MAX_ITEMS_WITH_ATTRIBUTES } else { MAX_ITEMS };
    let most_logs = if attributes { MAX_ITEMS_WITH_ATTRIBUTES } else { MAX_LOGS };
    let start = span.span.start_time_unix_nano;
    let mut logs_left = logs.iter().take(most_logs).peekable();
    for event in span.span.events.iter().take(most) {
        // Events keep the order in which they were added; a log record stands before the first that is later.
        while let Some(log) = logs_left.next_if(|log| log.time() < event.time_unix_nano) {
            log_lines::in_trace(log, start, attributes, room, list);
        }
        self::event(event, start, attributes, room, list);
    }
    more("", span.span.events.len(), most, "events", list);
    logs_left.for_each(|log| log_lines::in_trace(log, start, attributes, room, list));
    more("", logs.len(), most_logs, "log records", list);
    for link in span.span.links.iter().take(most) {
        let text = format!("→ linked to span {} of trace {}", Hex(cut_id(&link.span_id)), Hex(cut_id(&link.trace_id)));
        list.push(Detail { paint: Paint::Plain, text });
        if attributes {
            pairs("  ", &link.attributes, room, list);
        }
    }
    more("", span.span.links.len(), most, "links", list);
    let dropped = [
        (span.span.dropped_attributes_count, "attributes"),
        (span.span.dropped_events_count, "events"),
        (span.span.dropped_links_count, "links"),
    ];
    for (number, what) in dropped.into_iter().filter(|(number, _)| *number > 0) {
        list.push(Detail { paint: Paint::Note, text: format!("the sender dropped {number} {what}") });
    }
}

fn event(event: &Event, span_start: u64, attributes: bool, room: usize, list: &mut Vec<Detail>) {
    let at = format::offset(event.time_unix_nano, span_start);
    if is_exception(event) {
        list.push(Detail { paint: Paint::Alarm, text: format!("✗ {}  {at}", told(event, room)) });
    } else {
        let mut text = format!("• {}  {at}", cut(&event.name, room));
        if !attributes && !event.attributes.is_empty() {
            text.push_str("  ");
            text.push_str(&format::pairs(&event.attributes, "  ", room));
        }
        list.push(Detail { paint: Paint::Note, text });
    }
    if attributes {
        pairs("  ", &event.attributes, room, list);
    }
}

fn is_exception(event: &Event) -> bool {
    event.name == "exception"
}

fn told(event: &Event, room: usize) -> String {
    exception_text(&event.attributes, room).unwrap_or_else(|| "exception".to_owned())
}

/// Type and message of the exception that these attributes describe, if they do.
pub(crate) fn exception_text(attributes: &[KeyValue], room: usize) -> Option<String> {
    let part = |key: &str| {
        let pair = attributes.iter().find(|pair| pair.key == key);
        pair.map(|pair| format::value(pair.value.as_ref(), room)).unwrap_or_default()
    };
    match (part("exception.type"), part("exception.message")) {
        (kind, message) if kind.is_empty() && message.is_empty() => None,
        (kind, message) if message.is_empty() => Some(kind),
        (kind, message) if kind.is_empty() => Some(message),
        (kind, message) => Some(format!("{kind}: {message}")),
    }
}

pub(crate) fn scope(indent: &str, origin: &Origin, list: &mut Vec<Detail>) {
    let scope = &origin.scope;
    if !scope.name.is_empty() {
        let text = format!("{indent}scope = {} {}", scope.name, scope.version);
        list.push(Detail { paint: Paint::Faint, text: text.trim_end().to_owned() });
    }
}

pub(crate) fn pairs(indent: &str, attributes: &[KeyValue], room: usize, list: &mut Vec<Detail>) {
    for pair in attributes.iter().take(MAX_ITEMS_WITH_ATTRIBUTES) {
        let value = pair.value.as_ref().and_then(|any| any.value.as_ref());
        match value {
            // A stack trace on one line can't be read.
            Some(Value::String(stack)) if pair.key == "exception.stacktrace" => {
                let lines = || stack.lines().filter(|line| !line.trim().is_empty());
                let shown = lines().take(MAX_STACK_LINES);
                let text = |line: &str| format!("{indent}  {}", cut(line, room));
                list.extend(shown.map(|line| Detail { paint: Paint::Faint, text: text(line) }));
                more(indent, lines().count(), MAX_STACK_LINES, "lines", list);
            }
            _ => {
                let text = format!("{indent}{} = {}", cut(&pair.key, room), format::value(pair.value.as_ref(), room));
                list.push(Detail { paint: Paint::Faint, text });
            }
        }
    }
    more(indent, attributes.len(), MAX_ITEMS_WITH_ATTRIBUTES, "attributes", list);
}

pub(crate) fn more(indent: &str, number: usize, shown: usize, what: &str, list: &mut Vec<Detail>) {
    if number > shown {
        list.push(Detail { paint: Paint::Faint, text: format!("{indent}… and {} more {what}", number - shown) });
    }
}

/// At most about as much as can be shown, so that a text of megabytes is not copied for a line of it.
pub(crate) fn cut(text: &str, room: usize) -> &str {
    let end = text.char_indices().nth(room.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

fn cut_id(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(16)]
}
