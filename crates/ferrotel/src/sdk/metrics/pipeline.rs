//! What all meters of one provider share.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::instrument::{Instrument, InstrumentDescription};
use super::meter::Registry;
use super::observable::Registration;
use super::{
    Collect, CollectionTimedOut, ExemplarFilter, MetricProducer, MetricReader, MetricsData, ReaderStorage,
    ResourceMetrics, Stream, View,
};
use crate::common::diagnostics::{self, Level};
use crate::common::fork_mutex::ForkMutex;
use crate::common::{Scope, clock, fork};
use crate::resource::Resource;
use crate::sdk::batch::{PerProcess, panic_text};

/// The logger under which users look for lines about views.
const TARGET: &str = "opentelemetry.sdk.metrics._internal.metric_reader_storage";

pub struct Pipeline {
    pub resource: ForkMutex<Arc<Resource>>,
    pub views: Vec<View>,
    pub exemplar_filter: ExemplarFilter,
    pub cardinality_limit: usize,
    pub readers: Vec<ReaderEntry>,
    pub producers: Vec<Arc<dyn MetricProducer>>,
    pub callbacks: ForkMutex<Arc<Vec<Arc<Registration>>>>,
    pub meters: ForkMutex<Vec<Arc<Registry>>>,
    pub closed: AtomicBool,
    /// The fork generation in which the readers have their threads.
    pub generation: AtomicU32,
}

/// A reader with what is collected for it.
pub struct ReaderEntry {
    pub reader: Arc<dyn MetricReader>,
    pub storage: ReaderStorage,
    /// Held by who collects: two at once would observe twice.
    collecting: PerProcess<Mutex<()>>,
}

impl ReaderEntry {
    pub fn new(reader: Arc<dyn MetricReader>) -> Self {
        ReaderEntry { reader, storage: ReaderStorage::new(), collecting: PerProcess::new(Mutex::default()) }
    }
}

impl Pipeline {
    /// In a forked child, forgets what the parent measured, and has the readers start what the child does not have.
    #[inline]
    pub fn check_fork(&self) {
        if self.generation.load(Ordering::Relaxed) != fork::generation() {
            self.after_fork();
        }
    }

    #[cold]
    fn after_fork(&self) {
        if self.generation.swap(fork::generation(), Ordering::AcqRel) != fork::generation() {
            for entry in &self.readers {
                entry.storage.streams().iter().for_each(|(_, stream)| stream.restart());
                entry.reader.after_fork();
            }
        }
    }

    /// Makes an instrument's streams, for all readers; none of them is collected yet.
    pub fn instrument(&self, description: InstrumentDescription, scope: &Arc<Scope>) -> Instrument {
        let of_reader = |entry: &ReaderEntry| self.streams(&*entry.reader, &description, scope);
        let by_reader = self.readers.iter().map(of_reader).collect();
        Instrument::new(description, by_reader)
    }

    fn streams(&self, reader: &dyn MetricReader, of: &InstrumentDescription, scope: &Scope) -> Vec<Arc<Stream>> {
        let (temporality, aggregation) = (reader.temporality(of.kind), reader.aggregation(of.kind));
        let limit = reader.cardinality_limit(of.kind).unwrap_or(self.cardinality_limit);
        let mut streams: Vec<Stream> = Vec::new();
        for view in self.views.iter().filter(|view| view.selector.matches(of, scope)) {
            let Some(config) = view.stream(of, temporality, aggregation.clone(), limit) else {
                let line = format!(
                    "A view of {} as a histogram will produce semantic errors, the view has not been applied: an \
                     {} is read as a whole.",
                    of.name,
                    of.kind.name()
                );
                diagnostics::log(Level::Warning, TARGET, &line);
                continue;
            };
            if streams.iter().any(|known| known.config().name == config.name) {
                let line = format!(
                    "Views of {} will cause conflicting metrics identities: two of their streams are named {}.",
                    of.name, config.name
                );
                diagnostics::log(Level::Warning, TARGET, &line);
            }
            streams.push(Stream::new(config));
        }
        if streams.is_empty() {
            streams.push(Stream::new(of.stream(temporality, aggregation, limit)));
        }
        streams.into_iter().map(Arc::new).collect()
    }

    /// Has an instrument's streams collected from now on.
    pub fn publish(&self, instrument: &Instrument, scope: &Arc<Scope>) {
        for (entry, streams) in self.readers.iter().zip(&instrument.by_reader) {
            for stream in streams {
                entry.storage.add(scope.clone(), stream.clone());
            }
        }
    }

    fn collect(&self, at: usize, timeout: Duration) -> Result<Option<MetricsData>, CollectionTimedOut> {
        thread_local! {
            static COLLECTING: Cell<bool> = const { Cell::new(false) };
        }
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                COLLECTING.set(false);
            }
        }
        // From inside of a callback: it would wait for itself.
        if COLLECTING.replace(true) {
            return Ok(None);
        }
        let _leave = Leave;
        let Some(entry) = self.readers.get(at) else { return Ok(None) };
        let lock = entry.collecting.get(Mutex::default);
        let _only = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        let callbacks = self.callbacks.lock().clone();
        for registration in callbacks.iter() {
            let streams = registration.instrument.by_reader.get(at).map_or(&[][..], |streams| streams);
            if streams.iter().any(|stream| !stream.drops()) {
                registration.observe(streams, self.exemplar_filter);
            }
            if start.elapsed() >= timeout {
                // The next collection observes everything again.
                callbacks
                    .iter()
                    .filter_map(|registration| registration.instrument.by_reader.get(at))
                    .flatten()
                    .for_each(|stream| stream.discard_observations());
                return Err(CollectionTimedOut);
            }
        }
        let resource = self.resource.lock().clone();
        let mut data = entry.storage.collect(&resource, clock::now_unix_nanos());
        for producer in &self.producers {
            let left = timeout.saturating_sub(start.elapsed());
            match catch_unwind(AssertUnwindSafe(|| producer.produce(left))) {
                Ok(scopes) if scopes.is_empty() => {}
                Ok(scopes) => {
                    let of_resource = |resource: &Arc<Resource>| ResourceMetrics {
                        resource: resource.clone(),
                        scope_metrics: Vec::new(),
                    };
                    let data = data.get_or_insert_default();
                    if data.resource_metrics.is_empty() {
                        data.resource_metrics.push(of_resource(&resource));
                    }
                    data.resource_metrics[0].scope_metrics.extend(scopes);
                }
                Err(panic) => {
                    let line = format!("Exception in a metric producer: panic: {}", panic_text(&*panic));
                    diagnostics::log(Level::Error, "opentelemetry.sdk.metrics", &line);
                }
            }
        }
        Ok(data)
    }
}

/// What a reader gets: it must not keep its provider alive.
pub struct Source {
    pub pipeline: Weak<Pipeline>,
    pub at: usize,
}

impl Collect for Source {
    fn collect(&self, timeout: Duration) -> Result<Option<MetricsData>, CollectionTimedOut> {
        self.pipeline.upgrade().map_or(Ok(None), |pipeline| pipeline.collect(self.at, timeout))
    }
}
