//! One series in words: kind, value, rate and plot, for the table and for lines.

use crate::format;
use crate::metric::{Kind, Measure};
use crate::plot::plot;
use crate::store::Series;

/// The parts of a series, neither cleaned nor cut, except that no part is longer than a line can show.
pub(crate) struct MetricText {
    pub(crate) service: String,
    pub(crate) metric: String,
    pub(crate) attributes: String,
    pub(crate) kind: &'static str,
    pub(crate) value: String,
    pub(crate) rate: String,
    pub(crate) unit: String,
    pub(crate) plot: String,
}

/// Columns of a plot's blocks: as many as the default histogram has buckets.
const PLOT_COLUMNS: usize = 16;
/// Quantiles of a summary that are shown.
const SHOWN_QUANTILES: usize = 4;

impl MetricText {
    /// `room` is the number of columns that a line has.
    pub(crate) fn of(series: &Series, room: usize) -> Self {
        let cut = |text: &str| text.chars().take(room * 4).collect();
        let (value, plot) = match &series.measure {
            Measure::Nothing => ("-".to_owned(), String::new()),
            Measure::Int(int) => (int.to_string(), String::new()),
            Measure::Double(double) => (format::number(*double), String::new()),
            Measure::Distribution(distribution) => (
                counted(distribution.count, distribution.average()),
                plot(distribution, PLOT_COLUMNS).unwrap_or_default(),
            ),
            Measure::Summary { count, sum, quantiles } => {
                let average = (*count > 0).then(|| sum / *count as f64);
                (counted(*count, average), self::quantiles(quantiles))
            }
        };
        Self {
            service: cut(series.origin.service_name()),
            metric: cut(&series.metric.name),
            attributes: format::pairs(&series.attributes, " ", room),
            kind: kind(series),
            value,
            rate: series.rate.map(|rate| format!("{}/s", format::number(rate))).unwrap_or_default(),
            unit: cut(&series.metric.unit),
            plot,
        }
    }
}

fn counted(count: u64, average: Option<f64>) -> String {
    let average = average.map(|average| format!(" avg={}", format::number(average)));
    format!("n={count}{}", average.unwrap_or_default())
}

fn quantiles(quantiles: &[(f64, f64)]) -> String {
    let text =
        |(quantile, value): &(f64, f64)| format!("p{}={}", format::number(quantile * 100.0), format::number(*value));
    quantiles.iter().take(SHOWN_QUANTILES).map(text).collect::<Vec<_>>().join(" ")
}

/// What made the series; the sign tells that changes were sent, whose sum counts from the view's start.
fn kind(series: &Series) -> &'static str {
    match (series.metric.kind, series.metric.is_delta) {
        (Kind::Gauge, _) => "gauge",
        (Kind::Counter, false) => "counter",
        (Kind::Counter, true) => "counter Δ",
        (Kind::UpDownCounter, false) => "up-down",
        (Kind::UpDownCounter, true) => "up-down Δ",
        (Kind::Histogram, false) => "histogram",
        (Kind::Histogram, true) => "histogram Δ",
        (Kind::ExponentialHistogram, false) => "exp. hist.",
        (Kind::ExponentialHistogram, true) => "exp. hist. Δ",
        (Kind::Summary, _) => "summary",
    }
}
