//! A trace as text: one line for each span, in the order of the tree, with what happened and was logged in it beneath.

use std::collections::HashMap;

use crate::details::{self, Detail};
use crate::format;
use crate::log::ReceivedLog;
use crate::log_lines;
use crate::origin::{Hex, SpanId};
use crate::paint::Paint;
use crate::span::ReceivedSpan;
use crate::store::Trace;
use crate::text::{columns, fit, padded};
use crate::tree::{Line, Placement, Tree};

/// How [`render()`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns that a line may take; fewer than 40 are taken for 40.
    pub width: usize,
    /// Write colours as ANSI sequences. Without, the text has no control character but the newline.
    pub color: bool,
    /// List the attributes of spans, events, links, log records and resources.
    pub attributes: bool,
}

/// Spans of one trace that are written out; the number of the others is told.
const MAX_LINES: usize = 500;
/// Log records without a span that are written out.
const MAX_UNPLACED_LOGS: usize = 100;
/// Services of one trace whose resources are written out, and attributes of each.
const MAX_RESOURCES: usize = 20;
const MAX_RESOURCE_PAIRS: usize = 64;

/// Writes a trace. The text ends with a newline.
pub fn render(trace: &Trace, style: &Style) -> String {
    let sheet = Sheet::new(trace, style);
    let mut out = String::new();
    sheet.header(&mut out);
    if style.attributes {
        sheet.resources(&mut out);
    }
    let tree = Tree::new(&trace.spans);
    let shown = &tree.lines[..tree.lines.len().min(MAX_LINES)];
    let layout = Layout::new(&sheet, shown);
    for (at, line) in shown.iter().enumerate() {
        let has_children = shown.get(at + 1).is_some_and(|next| next.depth > line.depth);
        sheet.line(&mut out, &layout, line);
        sheet.details(&mut out, &layout, line, has_children);
    }
    sheet.unplaced_logs(&mut out, &layout);
    if tree.lines.len() > shown.len() {
        let more = format!("  … and {} more spans\n", tree.lines.len() - shown.len());
        Paint::Faint.put(&mut out, &more, style.color);
    }
    out
}

/// What holds for the whole trace.
struct Sheet<'a> {
    trace: &'a Trace,
    style: Style,
    /// In order of first appearance, each with its number.
    services: HashMap<&'a str, usize>,
    /// The log records of each span, by the span's index, in order of time.
    logs: HashMap<usize, Vec<&'a ReceivedLog>>,
    /// Those whose span is not here.
    unplaced: Vec<&'a ReceivedLog>,
    /// Earliest believable start and latest end, in Unix nanoseconds.
    range: (u64, u64),
}

/// Columns of the parts of a span's line.
struct Layout {
    service: usize,
    name: usize,
    kind: usize,
    bar: usize,
    time: usize,
    /// Levels of indentation that leave room for a name.
    levels: usize,
}

impl<'a> Sheet<'a> {
    fn new(trace: &'a Trace, style: &Style) -> Self {
        let mut services = HashMap::new();
        let senders = trace.spans.iter().map(|span| &span.origin).chain(trace.logs.iter().map(|log| &log.origin));
        for origin in senders {
            let number = services.len();
            services.entry(origin.service_name()).or_insert(number);
        }
        let (logs, unplaced) = place_logs(trace);
        let timed = || trace.spans.iter().filter_map(times);
        let start = timed().map(|(start, _)| start).min().unwrap_or(0);
        let end = timed().map(|(_, end)| end).max().unwrap_or(0);
        let style = Style { width: style.width.max(40), ..*style };
        Self { trace, style, services, logs, unplaced, range: (start, end) }
    }

    fn header(&self, out: &mut String) {
        let color = self.style.color;
        let errors = self.trace.spans.iter().filter(|span| is_error(span)).count();
        let (start, end) = self.range;
        Paint::Strong.put(out, &format!("trace {}", Hex(&self.trace.trace_id)), color);
        let mut facts = vec![count(self.trace.spans.len(), "span"), count(self.services.len(), "service")];
        if !self.trace.logs.is_empty() {
            facts.push(count(self.trace.logs.len(), "log record"));
        }
        if end > 0 {
            facts.push(format::duration(end - start));
            facts.push(format::time_of_day(start));
        }
        Paint::Plain.put(out, &format!("  {}", facts.join(" · ")), color);
        if errors > 0 {
            Paint::Plain.put(out, " · ", color);
            Paint::Alarm.put(out, &count(errors, "error"), color);
        }
        if self.trace.revision > 0 {
            Paint::Faint.put(out, " · updated", color);
        }
        out.push('\n');
    }

    /// The resource of each service, as it stands at the service's first span.
    fn resources(&self, out: &mut String) {
        let mut first: Vec<Option<&ReceivedSpan>> = vec![None; self.services.len().min(MAX_RESOURCES)];
        for span in &self.trace.spans {
            let number = self.services.get(span.origin.service_name()).copied();
            if let Some(slot) = number.and_then(|number| first.get_mut(number)) {
                slot.get_or_insert(span);
            }
        }
        for (number, span) in first.into_iter().enumerate().filter_map(|(number, span)| Some((number, span?))) {
            let name = fit(span.origin.service_name(), self.style.width / 3);
            let indent = 2 + columns(&name) + 2;
            let mut begin = String::from("  ");
            Paint::Service(number).put(&mut begin, &name, self.style.color);
            begin.push_str("  ");
            for line in self.resource_lines(span, self.style.width - indent) {
                out.push_str(&std::mem::replace(&mut begin, " ".repeat(indent)));
                Paint::Faint.put(out, &line, self.style.color);
                out.push('\n');
            }
        }
    }

    /// As many `key=value` pairs on a line as it holds.
    fn resource_lines(&self, span: &ReceivedSpan, room: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for pair in span.origin.producer.resource.attributes.iter().take(MAX_RESOURCE_PAIRS) {
            let text = fit(&format::pairs(std::slice::from_ref(pair), "  ", room), room);
            match lines.last_mut().filter(|last| columns(last) + 2 + columns(&text) <= room) {
                Some(last) => {
                    last.push_str("  ");
                    last.push_str(&text);
                }
                None => lines.push(text),
            }
        }
        lines
    }

    fn line(&self, out: &mut String, layout: &Layout, line: &Line) {
        let (span, color) = (&self.trace.spans[line.span], self.style.color);
        let service = Paint::Service(self.services.get(span.origin.service_name()).copied().unwrap_or(0));
        let failed = is_error(span);
        out.push_str("  ");
        service.put(out, &padded(span.origin.service_name(), layout.service), color);
        out.push_str("  ");
        let branch = branch(line, layout.levels);
        let used = columns(&branch);
        Paint::Faint.put(out, &branch, color);
        let name = if span.span.name.is_empty() { "(no name)" } else { &span.span.name };
        let name_paint = if failed { Paint::Alarm } else { Paint::Strong };
        name_paint.put(out, &padded(name, layout.name.saturating_sub(used).max(1)), color);
        out.push_str("  ");
        Paint::Faint.put(out, &padded(kind(span), layout.kind), color);
        if layout.bar > 0 {
            out.push_str("  ");
            let bar_paint = if failed { Paint::Alarm } else { service };
            bar_paint.put(out, &bar(span, self.range, layout.bar), color);
        }
        out.push_str(&format!("  {:>1$}", elapsed(span), layout.time));
        match span.span.status.as_ref().map_or(0, |status| status.code) {
            1 => out.push_str("  OK"),
            2 => {
                out.push_str("  ");
                Paint::Alarm.put(out, "ERROR", color);
            }
            _ => {}
        }
        out.push('\n');
    }

    fn details(&self, out: &mut String, layout: &Layout, line: &Line, has_children: bool) {
        let span = &self.trace.spans[line.span];
        let margin = " ".repeat(2 + layout.service + 2);
        let rails = continuation(line, layout.levels, has_children);
        let room = self.style.width.saturating_sub(columns(&margin) + columns(&rails)).max(20);
        let mut list: Vec<Detail> = Vec::new();
        if let Some(note) = placement_note(line.placement, span) {
            list.push(Detail { paint: Paint::Faint, text: note });
        }
        let logs = self.logs.get(&line.span).map_or([].as_slice(), Vec::as_slice);
        details::of(span, logs, self.style.attributes, room, &mut list);
        for detail in list {
            out.push_str(&margin);
            Paint::Faint.put(out, &rails, self.style.color);
            detail.paint.put(out, &fit(&detail.text, room), self.style.color);
            out.push('\n');
        }
    }

    /// Log records of the trace whose span has not arrived, or that name none, beneath the tree.
    fn unplaced_logs(&self, out: &mut String, layout: &Layout) {
        let color = self.style.color;
        for log in self.unplaced.iter().take(MAX_UNPLACED_LOGS) {
            let mut begin = String::from("  ");
            let service = log.origin.service_name();
            let paint = Paint::Service(self.services.get(service).copied().unwrap_or(0));
            paint.put(&mut begin, &padded(service, layout.service), color);
            begin.push_str("  ");
            let indent = 2 + layout.service + 2;
            let room = self.style.width.saturating_sub(indent).max(20);
            let mut list: Vec<Detail> = Vec::new();
            log_lines::in_trace(log, self.range.0, self.style.attributes, room, &mut list);
            if let Some(span_id) = log.span_id {
                let text = format!("  (its span {} has not arrived)", Hex(&span_id));
                list.push(Detail { paint: Paint::Faint, text });
            }
            for detail in list {
                out.push_str(&std::mem::replace(&mut begin, " ".repeat(indent)));
                detail.paint.put(out, &fit(&detail.text, room), color);
                out.push('\n');
            }
        }
        if self.unplaced.len() > MAX_UNPLACED_LOGS {
            let more = format!("  … and {} more log records\n", self.unplaced.len() - MAX_UNPLACED_LOGS);
            Paint::Faint.put(out, &more, color);
        }
    }
}

impl Layout {
    fn new(sheet: &Sheet<'_>, shown: &[Line]) -> Self {
        let span = |line: &Line| &sheet.trace.spans[line.span];
        let widest = |of: &dyn Fn(&Line) -> usize| shown.iter().map(of).max().unwrap_or(0);
        let width = sheet.style.width;
        let service = widest(&|line| columns(&fit(span(line).origin.service_name(), 20)));
        let of_logs = sheet.unplaced.iter().map(|log| columns(&fit(log.origin.service_name(), 20))).max();
        let service = service.max(of_logs.unwrap_or(0)).min(width / 5);
        let kind = widest(&|line| columns(kind(span(line))));
        let time = widest(&|line| columns(&elapsed(span(line))));
        let name = |line: &Line| columns(&fit(&span(line).span.name, width)).max(9);
        let wanted = widest(&|line| 2 * line.depth.min(Tree::MAX_RAILS) + name(line));
        // Margins between the columns, and the status at the end.
        let fixed = 2 + service + 2 + 2 + kind + 2 + time + 2 + 5;
        let free = width.saturating_sub(fixed + 2);
        let name = wanted.min((free * 3 / 5).max(12));
        let bar = Some(free.saturating_sub(name).min(60)).filter(|bar| *bar >= 8).unwrap_or(0);
        // A bar too short to tell anything leaves its room to the names.
        let name = if bar == 0 { wanted.min(free.max(12)) } else { name };
        let levels = (name.saturating_sub(10) / 2).clamp(1, Tree::MAX_RAILS);
        Self { service, name, kind, bar, time, levels }
    }
}

/// The log records of each span, by the span's index, and those without a span; in order of time.
fn place_logs(trace: &Trace) -> (HashMap<usize, Vec<&ReceivedLog>>, Vec<&ReceivedLog>) {
    let mut by_id: HashMap<SpanId, usize> = HashMap::new();
    for (at, span) in trace.spans.iter().enumerate() {
        by_id.entry(span.span_id).or_insert(at);
    }
    let mut sorted: Vec<&ReceivedLog> = trace.logs.iter().collect();
    sorted.sort_by_key(|log| log.time());
    let mut placed: HashMap<usize, Vec<&ReceivedLog>> = HashMap::new();
    let mut unplaced = Vec::new();
    for log in sorted {
        match log.span_id.and_then(|id| by_id.get(&id)) {
            Some(span) => placed.entry(*span).or_default().push(log),
            None => unplaced.push(log),
        }
    }
    (placed, unplaced)
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The lines that lead from the ancestors to a span's name, at most `levels` of them.
fn branch(line: &Line, levels: usize) -> String {
    let shown = line.depth.min(levels);
    let Some((last, above)) = line.rails[..shown].split_last() else { return String::new() };
    let mut out: String = above.iter().map(|more| if *more { "│ " } else { "  " }).collect();
    out.push_str(if line.depth > levels {
        "⋯ "
    } else if *last {
        "├ "
    } else {
        "└ "
    });
    out
}

/// The same lines beneath the span.
fn continuation(line: &Line, levels: usize, has_children: bool) -> String {
    let shown = line.depth.min(levels);
    let mut out: String = line.rails[..shown].iter().map(|more| if *more { "│ " } else { "  " }).collect();
    out.push_str(if has_children && line.depth < levels { "│ " } else { "  " });
    out
}

fn placement_note(placement: Placement, span: &ReceivedSpan) -> Option<String> {
    match placement {
        Placement::Root | Placement::Child => None,
        Placement::ParentMissing => {
            let parent = span.parent_span_id.unwrap_or_default();
            Some(format!("(its parent {} has not arrived)", Hex(&parent)))
        }
        Placement::Cycle => Some("(its parents form a circle)".to_owned()),
    }
}

fn kind(span: &ReceivedSpan) -> &'static str {
    match span.span.kind {
        1 => "INTERNAL",
        2 => "SERVER",
        3 => "CLIENT",
        4 => "PRODUCER",
        5 => "CONSUMER",
        _ => "-",
    }
}

fn is_error(span: &ReceivedSpan) -> bool {
    span.span.status.as_ref().is_some_and(|status| status.code == 2)
}

/// Start and end, where they can be believed.
fn times(span: &ReceivedSpan) -> Option<(u64, u64)> {
    let (start, end) = (span.span.start_time_unix_nano, span.span.end_time_unix_nano);
    (start > 0 && end >= start).then_some((start, end))
}

fn elapsed(span: &ReceivedSpan) -> String {
    times(span).map_or_else(|| "?".to_owned(), |(start, end)| format::duration(end - start))
}

/// The part of the trace's time that the span took, to an eighth of a column; never nothing at all.
fn bar(span: &ReceivedSpan, range: (u64, u64), width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let Some((start, end)) = times(span) else { return " ".repeat(width) };
    let whole = (range.1 - range.0).max(1) as f64;
    let at = |time: u64| ((time - range.0) as f64 / whole * (width * 8) as f64).round() as usize;
    let first = (at(start) / 8).min(width - 1);
    let length = at(end).min(width * 8).saturating_sub(first * 8).max(1);
    let mut out = " ".repeat(first);
    out.push_str(&"█".repeat(length / 8));
    out.push_str(EIGHTHS[length % 8]);
    let used = columns(&out);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}
