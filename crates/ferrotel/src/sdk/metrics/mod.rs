//! Metrics SDK.
//!
//! From measurement to point: an instrument has a [`Stream`] for each reader and view; a stream has a [`Series`] for each
//! set of attributes, which takes measurements in tens of nanoseconds; a [`ReaderStorage`] holds the streams of one
//! reader and collects them.

mod aggregation;
mod attribute_filter;
mod data;
mod exemplar;
mod instrument_kind;
mod metric_exporter;
mod number;
mod reader_storage;
mod series;
mod stream;

pub use aggregation::{Aggregation, DEFAULT_BOUNDARIES, InvalidAggregation, check_boundaries};
pub use attribute_filter::AttributeFilter;
pub use data::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, NumberPoint,
    ResourceMetrics, ScopeMetrics, Temporality,
};
pub use exemplar::{ExemplarFilter, ExemplarOffer, ExemplarReservoir, Reservoir, ReservoirFactory};
pub use instrument_kind::InstrumentKind;
pub use metric_exporter::MetricExporter;
pub use number::Number;
pub use reader_storage::ReaderStorage;
pub use series::{Detached, Series};
pub use stream::{BoundSeries, DEFAULT_CARDINALITY_LIMIT, OVERFLOW_ATTRIBUTE, Stream, StreamConfig};
