//! What a metric exporter wants of the readers that it is given to.

use std::fmt;
use std::str::FromStr;

use ferrotel::config::{EnvSource, Reader, env_vars};
use ferrotel::sdk::metrics::Temporality;

use crate::signal::{METRICS, Signal};

/// Which points cover the time since the last collection (OTLP metrics exporter specification, temporality
/// preference).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TemporalityPreference {
    /// None.
    #[default]
    Cumulative,
    /// Those of counters, asynchronous ones too, and of histograms.
    Delta,
    /// Those of synchronous counters and of histograms: where that saves memory.
    LowMemory,
}

impl TemporalityPreference {
    /// For counters that the program adds to, and for histograms.
    pub const fn of_counters_and_histograms(self) -> Temporality {
        match self {
            TemporalityPreference::Cumulative => Temporality::Cumulative,
            TemporalityPreference::Delta | TemporalityPreference::LowMemory => Temporality::Delta,
        }
    }

    /// For counters that are observed.
    pub const fn of_observable_counters(self) -> Temporality {
        match self {
            TemporalityPreference::Cumulative | TemporalityPreference::LowMemory => Temporality::Cumulative,
            TemporalityPreference::Delta => Temporality::Delta,
        }
    }
}

/// How a histogram without a view is aggregated (OTLP metrics exporter specification, default aggregation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistogramAggregation {
    /// In explicit buckets.
    #[default]
    ExplicitBucket,
    /// In buckets of exponentially growing width.
    Base2ExponentialBucket,
}

/// A word that names no temporality preference, or no histogram aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownPreference {
    expected: &'static str,
}

impl fmt::Display for UnknownPreference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected one of: {}", self.expected)
    }
}

impl std::error::Error for UnknownPreference {}

impl FromStr for TemporalityPreference {
    type Err = UnknownPreference;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match &*word.trim().to_ascii_lowercase() {
            "cumulative" => Ok(TemporalityPreference::Cumulative),
            "delta" => Ok(TemporalityPreference::Delta),
            "lowmemory" => Ok(TemporalityPreference::LowMemory),
            _ => Err(UnknownPreference { expected: "'cumulative', 'delta', 'lowmemory'" }),
        }
    }
}

impl FromStr for HistogramAggregation {
    type Err = UnknownPreference;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match &*word.trim().to_ascii_lowercase() {
            "explicit_bucket_histogram" => Ok(HistogramAggregation::ExplicitBucket),
            "base2_exponential_bucket_histogram" => Ok(HistogramAggregation::Base2ExponentialBucket),
            _ => {
                Err(UnknownPreference { expected: "'explicit_bucket_histogram', 'base2_exponential_bucket_histogram'" })
            }
        }
    }
}

/// The settings that only metrics have.
#[derive(Clone, Debug)]
pub(crate) struct Preferences {
    pub temporality: Option<TemporalityPreference>,
    pub histogram_aggregation: Option<HistogramAggregation>,
    pub max_export_batch_size: Option<usize>,
}

impl Preferences {
    pub const NONE: Preferences =
        Preferences { temporality: None, histogram_aggregation: None, max_export_batch_size: None };

    /// With what the environment says where code did not. A malformed variable is reported here, once.
    pub fn or_environment(mut self, signal: &Signal, target: &'static str, env: &dyn EnvSource) -> Self {
        if signal.name != METRICS.name {
            return self;
        }
        let reader = Reader::new(env, target);
        self.temporality = self.temporality.or_else(|| {
            let text = reader.text(&env_vars::OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE)?;
            let parsed = text.parse();
            if parsed.is_err() {
                reader.warn(&format!(
                    "Unrecognized OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE value found: {text:.32}, using \
                     CUMULATIVE"
                ));
            }
            parsed.ok()
        });
        self.histogram_aggregation = self.histogram_aggregation.or_else(|| {
            let text = reader.text(&env_vars::OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION)?;
            let parsed = text.parse();
            if parsed.is_err() {
                reader.warn(&format!(
                    "Invalid value for OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: {text:.48}, using \
                     explicit bucket histogram aggregation"
                ));
            }
            parsed.ok()
        });
        self
    }
}
