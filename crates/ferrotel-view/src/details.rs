//! What stands beneath a span's line: status, exceptions, events, links, attributes.

use crate::format;
use crate::paint::Paint;
use crate::proto::{Event, KeyValue, Value};
use crate::span::{Hex, ReceivedSpan};

/// One line; the text is not yet cleaned or cut.
pub(crate) struct Detail {
    pub(crate) paint: Paint,
    pub(crate) text: String,
}

/// Events, links or attributes of one span that are written out.
const MAX_ITEMS: usize = 8;
const MAX_ITEMS_WITH_ATTRIBUTES: usize = 128;
const MAX_STACK_LINES: usize = 60;

/// Appends the lines of a span. `room` is the number of columns that a line will have.
pub(crate) fn of(span: &ReceivedSpan, attributes: bool, room: usize, list: &mut Vec<Detail>) {
    let message = span.span.status.as_ref().filter(|status| status.code == 2).map_or("", |status| &status.message);
    // The SDK writes `Type: message` into the status when it records an exception: one of the two lines is enough.
    let tells = |event: &Event| is_exception(event) && exception_text(event, room).ends_with(message);
    let repeated = span.span.events.iter().any(tells);
    if !message.is_empty() && !repeated {
        list.push(Detail { paint: Paint::Alarm, text: format!("ERROR {}", cut(message, room)) });
    }
    if attributes {
        scope(span, list);
        pairs("", &span.span.attributes, room, list);
    }
    let most = if attributes { MAX_ITEMS_WITH_ATTRIBUTES } else { MAX_ITEMS };
    for event in span.span.events.iter().take(most) {
        self::event(event, span.span.start_time_unix_nano, attributes, room, list);
    }
    more(span.span.events.len(), most, "events", list);
    for link in span.span.links.iter().take(most) {
        let text = format!("→ linked to span {} of trace {}", Hex(cut_id(&link.span_id)), Hex(cut_id(&link.trace_id)));
        list.push(Detail { paint: Paint::Plain, text });
        if attributes {
            pairs("  ", &link.attributes, room, list);
        }
    }
    more(span.span.links.len(), most, "links", list);
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
    let at = match event.time_unix_nano {
        time if time >= span_start && span_start > 0 => format!("+{}", format::duration(time - span_start)),
        time if time > 0 && span_start > 0 => format!("-{}", format::duration(span_start - time)),
        _ => "?".to_owned(),
    };
    if is_exception(event) {
        list.push(Detail { paint: Paint::Alarm, text: format!("✗ {}  {at}", exception_text(event, room)) });
    } else {
        let mut text = format!("• {}  {at}", cut(&event.name, room));
        if !attributes && !event.attributes.is_empty() {
            text.push_str("  ");
            text.push_str(&format::pairs(&event.attributes, room));
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

fn exception_text(event: &Event, room: usize) -> String {
    let part = |key: &str| {
        let pair = event.attributes.iter().find(|pair| pair.key == key);
        pair.map(|pair| format::value(pair.value.as_ref(), room)).unwrap_or_default()
    };
    match (part("exception.type"), part("exception.message")) {
        (kind, message) if kind.is_empty() && message.is_empty() => "exception".to_owned(),
        (kind, message) if message.is_empty() => kind,
        (kind, message) if kind.is_empty() => message,
        (kind, message) => format!("{kind}: {message}"),
    }
}

fn scope(span: &ReceivedSpan, list: &mut Vec<Detail>) {
    let scope = &span.origin.scope;
    if !scope.name.is_empty() {
        let text = format!("scope = {} {}", scope.name, scope.version);
        list.push(Detail { paint: Paint::Faint, text: text.trim_end().to_owned() });
    }
}

fn pairs(indent: &str, attributes: &[KeyValue], room: usize, list: &mut Vec<Detail>) {
    for pair in attributes.iter().take(MAX_ITEMS_WITH_ATTRIBUTES) {
        let value = pair.value.as_ref().and_then(|any| any.value.as_ref());
        match value {
            // A stack trace on one line can't be read.
            Some(Value::String(stack)) if pair.key == "exception.stacktrace" => {
                let lines = || stack.lines().filter(|line| !line.trim().is_empty());
                let shown = lines().take(MAX_STACK_LINES);
                let text = |line: &str| format!("{indent}  {}", cut(line, room));
                list.extend(shown.map(|line| Detail { paint: Paint::Faint, text: text(line) }));
                more(lines().count(), MAX_STACK_LINES, "lines", list);
            }
            _ => {
                let text = format!("{indent}{} = {}", cut(&pair.key, room), format::value(pair.value.as_ref(), room));
                list.push(Detail { paint: Paint::Faint, text });
            }
        }
    }
    more(attributes.len(), MAX_ITEMS_WITH_ATTRIBUTES, "attributes", list);
}

fn more(number: usize, shown: usize, what: &str, list: &mut Vec<Detail>) {
    if number > shown {
        list.push(Detail { paint: Paint::Faint, text: format!("… and {} more {what}", number - shown) });
    }
}

/// At most about as much as can be shown, so that a text of megabytes is not copied for a line of it.
fn cut(text: &str, room: usize) -> &str {
    let end = text.char_indices().nth(room.saturating_mul(4)).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

fn cut_id(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(16)]
}
