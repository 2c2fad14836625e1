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
    /// What points sent over OTLP cover. Default: cumulative.
    pub temporality_preference: TemporalityPreference,
    /// How OTLP exporters have histograms aggregated. Default: explicit buckets.
    pub default_histogram: DefaultHistogram,
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
            temporality_preference: reader
                .parsed(&vars::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE, TemporalityPreference::parse)
                .unwrap_or(default.temporality_preference),
            default_histogram: reader
                .parsed(&vars::OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION, DefaultHistogram::parse)
                .unwrap_or(default.default_histogram),
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
            temporality_preference: TemporalityPreference::default(),
            default_histogram: DefaultHistogram::default(),
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

/// Which temporality a receiver of metrics prefers (specification: OTLP metrics exporter).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemporalityPreference {
    /// Cumulative for everything.
    #[default]
    Cumulative,
    /// Delta for what only grows and for distributions; cumulative for sums that may shrink.
    Delta,
    /// Delta where it saves memory in the program: synchronous counters and histograms.
    LowMemory,
}

impl TemporalityPreference {
    /// By name, in any case of letters: `cumulative`, `delta` or `lowmemory`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        match name.trim().to_ascii_lowercase().as_str() {
            "cumulative" => Ok(TemporalityPreference::Cumulative),
            "delta" => Ok(TemporalityPreference::Delta),
            "lowmemory" => Ok(TemporalityPreference::LowMemory),
            _ => Err(Malformed::expected("cumulative, delta or lowmemory")),
        }
    }
}

/// How histograms are aggregated where neither view nor program say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DefaultHistogram {
    /// Over explicit buckets.
    #[default]
    ExplicitBucket,
    /// Over exponential ones.
    Base2Exponential,
}

impl DefaultHistogram {
    /// By name: `explicit_bucket_histogram` or `base2_exponential_bucket_histogram`.
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(name: &str) -> Result<Self, Malformed> {
        match name.trim().to_ascii_lowercase().as_str() {
            "explicit_bucket_histogram" => Ok(DefaultHistogram::ExplicitBucket),
            "base2_exponential_bucket_histogram" => Ok(DefaultHistogram::Base2Exponential),
            _ => Err(Malformed::expected("explicit_bucket_histogram or base2_exponential_bucket_histogram")),
        }
    }
}
