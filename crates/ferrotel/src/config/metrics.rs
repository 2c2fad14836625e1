//! What the environment says about metrics.

use std::time::Duration;

use super::env_vars as vars;
use super::parse::{self, Malformed};
use super::reader::Reader;
use super::source::EnvSource;
use crate::common::Text;

/// What the environment says about metrics.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSettings {
    /// Which measurements may become exemplars. Default: those made in a sampled span.
    pub exemplar_filter: ExemplarFilter,
    /// From the end of one export to the start of the next; `None`: no exports at intervals. Default: 60 s.
    pub export_interval: Option<Duration>,
    /// How long one collection and export may take. Default: 30 s.
    pub export_timeout: Duration,
    /// The names of the exporters to set up, `none` among them; empty: nothing was said.
    pub exporters: Vec<Text>,
}

impl MetricSettings {
    /// Reads the variables. Each malformed one is reported in one line.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let default = MetricSettings::default();
        let reader = Reader::new(env, "opentelemetry.sdk.metrics._internal.export");
        let names = reader.text(&vars::OTEL_METRICS_EXPORTER).unwrap_or_default();
        MetricSettings {
            exemplar_filter: reader
                .parsed(&vars::OTEL_METRICS_EXEMPLAR_FILTER, ExemplarFilter::parse)
                .unwrap_or(default.exemplar_filter),
            export_interval: reader
                .parsed(&vars::OTEL_METRIC_EXPORT_INTERVAL, parse::interval_millis)
                .unwrap_or(default.export_interval),
            export_timeout: reader
                .parsed(&vars::OTEL_METRIC_EXPORT_TIMEOUT, parse::interval_millis)
                .map_or(default.export_timeout, |timeout| timeout.unwrap_or(Duration::MAX)),
            exporters: parse::list(&names).into_iter().map(Text::from).collect(),
        }
    }
}

impl Default for MetricSettings {
    fn default() -> Self {
        MetricSettings {
            exemplar_filter: ExemplarFilter::default(),
            export_interval: Some(Duration::from_secs(60)),
            export_timeout: Duration::from_secs(30),
            exporters: Vec::new(),
        }
    }
}

/// Which measurements are offered to a reservoir of exemplars (specification: metrics SDK, exemplar filter).
///
/// A rule for whoever records: a measurement is offered by passing an `ExemplarOffer` with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExemplarFilter {
    /// All of them.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// Those made while a sampled span is current.
    #[default]
    TraceBased,
}

impl ExemplarFilter {
    /// By name: `always_on`, `always_off` or `trace_based`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        match name {
            "always_on" => Ok(ExemplarFilter::AlwaysOn),
            "always_off" => Ok(ExemplarFilter::AlwaysOff),
            "trace_based" => Ok(ExemplarFilter::TraceBased),
            _ => Err(Malformed::expected("always_on, always_off or trace_based")),
        }
    }
}
