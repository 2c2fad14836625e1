//! The series of metrics as a table of a bounded size, and as single lines where nothing can be redrawn.

use std::time::Instant;

use crate::format;
use crate::metric_text::MetricText;
use crate::paint::Paint;
use crate::render::Style;
use crate::store::{Series, Store};
use crate::text::{clean, columns, fit, fit_ends};

/// Below this number of lines a table has no place for a row, and only says how many series there are.
const MIN_LINES: usize = 3;
/// Series are ordered by the time of their last change in steps of this length, so that rows seldom change places.
const STEP_SECONDS: u64 = 10;
/// Lines that are written at a time where nothing is redrawn.
const MAX_LINES: usize = 200;

/// The metrics of `store` as lines of less than `style.width` columns, at most `most` of them; none without metrics.
///
/// Of too many series it shows those that changed last. Values that changed at or after `fresh` are emphasised.
pub fn metrics_table(store: &Store, style: &Style, most: usize, now: Instant, fresh: Instant) -> Vec<String> {
    let step = |series: &Series| now.saturating_duration_since(series.changed).as_secs() / STEP_SECONDS;
    let (mut shown, number) = store.series(most.saturating_sub(2), |series| (step(series), name(series)));
    if number == 0 || most == 0 {
        return Vec::new();
    }
    let title = |note: &str| {
        let text = format!("── metrics ── {number} series{note} ");
        let rule = "─".repeat((style.width - 1).saturating_sub(columns(&text)));
        let mut out = String::new();
        Paint::Faint.put(&mut out, &fit(&format!("{text}{rule}"), style.width - 1), style.color);
        out
    };
    if most < MIN_LINES {
        return vec![title(", shown in a taller window")];
    }
    let hidden = number - shown.len();
    shown.sort_by_cached_key(name);
    let mut lines = vec![title(&if hidden > 0 { format!(", {hidden} more than shown") } else { String::new() })];
    lines.extend(rows(&shown, style, fresh));
    lines
}

/// One line for each series whose value has changed since the last call, for an output that is no terminal.
pub fn metrics_lines(store: &Store, style: &Style) -> String {
    let (changed, number) = store.take_changed(MAX_LINES, name);
    let mut out = String::new();
    for series in &changed {
        let text = MetricText::of(series, style.width);
        let value = [text.value.as_str(), text.unit.as_str()].join(" ");
        let parts = [text.service.as_str(), &text.metric, &text.attributes, value.trim_end(), &text.plot, &text.rate];
        let parts = parts.map(|part| clean(part).into_owned());
        let line: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
        Paint::Plain.put(&mut out, &fit(&format!("metric  {}", line.join("  ")), MAX_LINE), style.color);
        out.push('\n');
    }
    if number > changed.len() {
        out.push_str(&format!("metric  … and {} more series changed\n", number - changed.len()));
    }
    out
}

/// Columns of a line where nothing is redrawn: the value stands at its end, so it is not cut at the window's edge.
const MAX_LINE: usize = 1_000;

/// By what a reader looks for a series.
fn name(series: &Series) -> (String, String, String) {
    let attributes = format::pairs(&series.attributes, " ", 200);
    (series.origin.service_name().to_owned(), series.metric.name.clone(), attributes)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Service,
    Metric,
    Attributes,
    Kind,
    Value,
    Rate,
    Unit,
    Plot,
}

impl Column {
    const ALL: [Self; 8] =
        [Self::Service, Self::Metric, Self::Attributes, Self::Kind, Self::Value, Self::Rate, Self::Unit, Self::Plot];
    /// The order in which columns give way on a narrow terminal; metric and value stay.
    const EXPENDABLE: [Self; 6] = [Self::Kind, Self::Unit, Self::Service, Self::Rate, Self::Plot, Self::Attributes];

    fn title(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Metric => "metric",
            Self::Attributes => "attributes",
            Self::Kind => "kind",
            Self::Value => "value",
            Self::Rate => "rate",
            Self::Unit => "unit",
            Self::Plot => "distribution",
        }
    }

    fn of(self, text: &MetricText) -> &str {
        match self {
            Self::Service => &text.service,
            Self::Metric => &text.metric,
            Self::Attributes => &text.attributes,
            Self::Kind => text.kind,
            Self::Value => &text.value,
            Self::Rate => &text.rate,
            Self::Unit => &text.unit,
            Self::Plot => &text.plot,
        }
    }

    /// Columns below which its content says little.
    fn enough(self) -> usize {
        match self {
            Self::Service => 10,
            Self::Metric => 20,
            Self::Attributes => 16,
            Self::Unit => 8,
            Self::Value => 20,
            Self::Rate => 12,
            Self::Kind => 12,
            Self::Plot => 36,
        }
    }

    fn is_number(self) -> bool {
        matches!(self, Self::Value | Self::Rate)
    }
}

/// The head of the table and a line for each series.
fn rows(shown: &[Series], style: &Style, fresh: Instant) -> Vec<String> {
    let texts: Vec<MetricText> = shown.iter().map(|series| MetricText::of(series, style.width)).collect();
    let layout = layout(&texts, style.width - 1);
    let mut lines = Vec::with_capacity(shown.len() + 1);
    let mut head = String::from(" ");
    for (column, width) in &layout {
        head.push(' ');
        head.push_str(&cell(*column, column.title(), *width));
        head.push(' ');
    }
    let mut out = String::new();
    Paint::Faint.put(&mut out, head.trim_end(), style.color);
    lines.push(out);
    for (series, text) in shown.iter().zip(&texts) {
        let mut line = String::from(" ");
        for (column, width) in &layout {
            let paint = match column {
                Column::Value if series.changed >= fresh => Paint::Strong,
                Column::Attributes | Column::Kind | Column::Unit => Paint::Faint,
                _ => Paint::Plain,
            };
            line.push(' ');
            paint.put(&mut line, &cell(*column, column.of(text), *width), style.color);
            line.push(' ');
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The columns that have something to show and fit, each with its width.
fn layout(texts: &[MetricText], room: usize) -> Vec<(Column, usize)> {
    let natural = |column: Column| {
        let widest = texts.iter().map(|text| columns(&fit(column.of(text), room))).max().unwrap_or(0);
        if widest == 0 { 0 } else { widest.max(columns(column.title())) }
    };
    let mut layout: Vec<(Column, usize)> =
        Column::ALL.into_iter().map(|column| (column, natural(column))).filter(|(_, width)| *width > 0).collect();
    let least = |layout: &[(Column, usize)]| {
        1 + layout.iter().map(|(column, width)| 2 + (*width).min(column.enough())).sum::<usize>()
    };
    for expendable in Column::EXPENDABLE {
        if least(&layout) <= room {
            break;
        }
        layout.retain(|(column, _)| *column != expendable);
    }
    // What is left goes to those that are cut, in the order of their use to a reader.
    let mut free = room.saturating_sub(least(&layout));
    let wanted: Vec<(Column, usize)> = layout.clone();
    for (column, width) in &mut layout {
        *width = (*width).min(column.enough());
    }
    for favoured in [
        Column::Value,
        Column::Metric,
        Column::Attributes,
        Column::Plot,
        Column::Unit,
        Column::Service,
        Column::Kind,
        Column::Rate,
    ] {
        let natural = wanted.iter().find(|(column, _)| *column == favoured).map_or(0, |(_, width)| *width);
        if let Some((_, width)) = layout.iter_mut().find(|(column, _)| *column == favoured) {
            let more = natural.saturating_sub(*width).min(free);
            *width += more;
            free -= more;
        }
    }
    // Metric and value stay whatever the room: together they may still be too wide.
    let mut over = least(&layout).saturating_sub(room);
    for (_, width) in &mut layout {
        let less = over.min(width.saturating_sub(4));
        *width -= less;
        over -= less;
    }
    layout
}

fn cell(column: Column, text: &str, width: usize) -> String {
    // The end of a name or of a path tells it from the others.
    let shown = match column {
        Column::Metric | Column::Attributes => fit_ends(text, width),
        _ => fit(text, width),
    };
    let blanks = " ".repeat(width.saturating_sub(columns(&shown)));
    if column.is_number() { blanks + &shown } else { shown + &blanks }
}
