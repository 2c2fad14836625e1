//! The meter provider.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::meter::Registry;
use super::pipeline::{Pipeline, ReaderEntry, Source};
use super::{
    DEFAULT_CARDINALITY_LIMIT, ExemplarFilter, Meter, MetricExporter, MetricProducer, MetricReader, PeriodicConfig,
    PeriodicReader, View,
};
use crate::common::diagnostics::{self, Level};
use crate::common::fork_mutex::ForkMutex;
use crate::common::{Scope, Text, fork};
use crate::config::{EnvSource, MetricSettings};
use crate::resource::Resource;

/// Where meters come from (specification: metrics SDK, `MeterProvider`). Cheap to clone.
///
/// Call [`shutdown`](Self::shutdown) at the end of the program: what was measured since the last export is exported then,
/// and not when the provider is dropped.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use ferrotel::sdk::export::ExportResult;
/// use ferrotel::sdk::metrics::{MeterProvider, MetricExporter, MetricsData};
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Names(Mutex<Vec<String>>);
///
/// impl MetricExporter for Names {
///     fn export(&self, data: &MetricsData) -> ExportResult {
///         let scopes = data.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
///         let metrics = scopes.flat_map(|scope| &scope.metrics);
///         self.0.lock().unwrap().extend(metrics.map(|metric| metric.name.to_string()));
///         Ok(())
///     }
///     fn shutdown(&self) {}
///     fn component_type(&self) -> &'static str { "names" }
/// }
///
/// let names = Arc::new(Names::default());
/// let provider = MeterProvider::builder().with_periodic_exporter(names.clone()).build();
/// let meter = provider.meter("shop");
///
/// let orders = meter.counter("orders").with_unit("{order}").build();
/// orders.add(1, [("paid", true)]);
/// let paid = orders.bind([("paid", true)]);
/// paid.add(2);
/// meter.observable_gauge("stock").with_callback(|stock| stock.observe(17.5, ())).build();
///
/// assert!(provider.shutdown(Duration::from_secs(5)));
/// assert_eq!(*names.0.lock().unwrap(), ["orders", "stock"]);
/// ```
#[derive(Clone)]
pub struct MeterProvider(Arc<Pipeline>);

impl MeterProvider {
    /// A provider that has yet to be described.
    pub fn builder() -> MeterProviderBuilder {
        MeterProviderBuilder {
            resource: Resource::default(),
            views: Vec::new(),
            exemplar_filter: ExemplarFilter::default(),
            cardinality_limit: DEFAULT_CARDINALITY_LIMIT,
            readers: Vec::new(),
            producers: Vec::new(),
            periodic: PeriodicConfig::default(),
        }
    }

    /// The meter of a scope that has only a name.
    pub fn meter(&self, name: impl Into<Text>) -> Meter {
        self.meter_of(Scope::new(name))
    }

    /// The meter of a scope: the same one for the same scope.
    pub fn meter_of(&self, scope: Scope) -> Meter {
        let made = Arc::new(Registry::new(scope));
        let mut meters = self.0.meters.lock();
        let known = meters.iter().find(|known| known.scope == made.scope).cloned();
        let registry = known.unwrap_or_else(|| {
            meters.push(made.clone());
            made.clone()
        });
        drop(meters);
        Meter { registry, pipeline: self.0.clone() }
    }

    /// The resource.
    pub fn resource(&self) -> Arc<Resource> {
        self.0.resource.lock().clone()
    }

    /// Another resource from now on: for a forked child, which is a service instance of its own.
    pub fn set_resource(&self, resource: Resource) {
        let resource = Arc::new(resource);
        let before = std::mem::replace(&mut *self.0.resource.lock(), resource);
        drop(before);
    }

    /// In a forked child: forgets what its parent measured, and has the readers start what the child does not have.
    /// Measuring does so by itself.
    pub fn after_fork(&self) {
        self.0.check_fork();
    }

    /// Collects and hands on what there is now; `false` when that failed, or `timeout`, which is for all readers
    /// together, passed first.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.0.check_fork();
        self.each(timeout, |reader, left| reader.force_flush(left))
    }

    /// Does so a last time, and shuts the readers down; `false` when `timeout` passed first, or a second time.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        if self.0.closed.swap(true, Ordering::AcqRel) {
            return false;
        }
        self.each(timeout, |reader, left| reader.shutdown(left))
    }

    fn each(&self, timeout: Duration, ask: impl Fn(&dyn MetricReader, Duration) -> bool) -> bool {
        let start = Instant::now();
        let mut all = true;
        for entry in &self.0.readers {
            all &= ask(&*entry.reader, timeout.saturating_sub(start.elapsed()));
        }
        all
    }
}

impl fmt::Debug for MeterProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeterProvider").field("readers", &self.0.readers.len()).finish_non_exhaustive()
    }
}

/// Describes a [`MeterProvider`].
#[must_use = "nothing exists before build() is called"]
pub struct MeterProviderBuilder {
    resource: Resource,
    views: Vec<View>,
    exemplar_filter: ExemplarFilter,
    cardinality_limit: usize,
    readers: Vec<Arc<dyn MetricReader>>,
    producers: Vec<Arc<dyn MetricProducer>>,
    periodic: PeriodicConfig,
}

impl MeterProviderBuilder {
    /// Takes resource, exemplar filter, export interval and timeout from the `OTEL_*` variables; call it before what is
    /// to win over them.
    pub fn with_environment(mut self, env: &dyn EnvSource) -> Self {
        let settings = MetricSettings::from_env(env);
        self.resource = Resource::default_from_env(env);
        self.exemplar_filter = settings.exemplar_filter;
        self.periodic = PeriodicConfig::from(&settings);
        self
    }

    /// Who is observed; default: an empty resource.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// One more view. An instrument that some views select has a stream for each of them; one that none selects has its
    /// default stream. A view that cannot be used is reported, and left out.
    pub fn with_view(mut self, view: View) -> Self {
        match view.check() {
            Ok(()) => self.views.push(view),
            Err(error) => {
                let line = format!("A view is left out: {error}.");
                diagnostics::log(Level::Warning, "opentelemetry.sdk.metrics._internal.view", &line);
            }
        }
        self
    }

    /// Which measurements may become exemplars; default: those made in a sampled span.
    pub fn with_exemplar_filter(mut self, filter: ExemplarFilter) -> Self {
        self.exemplar_filter = filter;
        self
    }

    /// The most series of a stream, where neither view nor reader says it; default: 2000.
    pub fn with_cardinality_limit(mut self, limit: usize) -> Self {
        self.cardinality_limit = limit;
        self
    }

    /// One more reader.
    pub fn with_reader(mut self, reader: Arc<dyn MetricReader>) -> Self {
        self.readers.push(reader);
        self
    }

    /// A periodic reader in front of `exporter`; interval and timeout as the environment says, where
    /// [`with_environment`](Self::with_environment) came before.
    pub fn with_periodic_exporter(self, exporter: Arc<dyn MetricExporter>) -> Self {
        let config = self.periodic.clone();
        self.with_reader(Arc::new(PeriodicReader::new(exporter, config)))
    }

    /// Another source of metrics, which every reader gets besides.
    pub fn with_producer(mut self, producer: Arc<dyn MetricProducer>) -> Self {
        self.producers.push(producer);
        self
    }

    /// The provider. Its readers start.
    pub fn build(self) -> MeterProvider {
        fork::watch();
        let pipeline = Arc::new(Pipeline {
            resource: ForkMutex::new(Arc::new(self.resource)),
            views: self.views,
            exemplar_filter: self.exemplar_filter,
            cardinality_limit: self.cardinality_limit,
            readers: self.readers.into_iter().map(ReaderEntry::new).collect(),
            producers: self.producers,
            callbacks: ForkMutex::default(),
            meters: ForkMutex::default(),
            closed: AtomicBool::new(false),
            generation: AtomicU32::new(fork::generation()),
        });
        for (at, entry) in pipeline.readers.iter().enumerate() {
            entry.reader.register(Arc::new(Source { pipeline: Arc::downgrade(&pipeline), at }));
        }
        MeterProvider(pipeline)
    }
}
