//! Metrics SDK.
//!
//! From measurement to point: an instrument has a [`Stream`] for each reader and view; a stream has a [`Series`] for each
//! set of attributes, which takes measurements in tens of nanoseconds; a [`ReaderStorage`] holds the streams of one
//! reader and collects them.

mod aggregation;
mod attribute_filter;
mod data;
mod exemplar;
mod instrument;
mod instrument_kind;
mod manual_reader;
mod meter;
mod metric_exporter;
mod metric_producer;
mod metric_reader;
mod number;
mod observable;
mod periodic;
mod periodic_reader;
mod pipeline;
mod provider;
mod reader_storage;
mod series;
mod stream;
mod view;

pub use aggregation::{Aggregation, DEFAULT_BOUNDARIES, InvalidAggregation, check_boundaries};
pub use attribute_filter::AttributeFilter;
pub use data::{
    Buckets, Exemplar, ExponentialHistogramPoint, HistogramPoint, Metric, MetricData, MetricsData, NumberPoint,
    ResourceMetrics, ScopeMetrics, Temporality,
};
pub use exemplar::{ExemplarOffer, ExemplarReservoir, Reservoir, ReservoirFactory};
pub use instrument::{
    BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge, Histogram, InstrumentDescription,
    IntoAttributes, UpDownCounter,
};
pub use instrument_kind::InstrumentKind;
pub use manual_reader::ManualReader;
pub use meter::{InstrumentBuilder, Meter};
pub use metric_exporter::MetricExporter;
pub use metric_producer::MetricProducer;
pub use metric_reader::{Collect, CollectionTimedOut, MetricReader};
pub use number::Number;
pub use observable::{Callback, ObservableCounter, ObservableGauge, ObservableUpDownCounter, Observer};
pub use periodic::{Periodic, PeriodicConfig, PeriodicTask};
pub use periodic_reader::PeriodicReader;
pub use provider::{MeterProvider, MeterProviderBuilder};
pub use reader_storage::ReaderStorage;
pub use series::{Detached, Series};
pub use stream::{BoundSeries, DEFAULT_CARDINALITY_LIMIT, OVERFLOW_ATTRIBUTE, Stream, StreamConfig};
pub use view::{InstrumentSelector, InvalidView, View, wildcard};

pub use crate::config::ExemplarFilter;
