//! All the streams of one reader.

use std::sync::Arc;

use super::{Metric, MetricsData, ResourceMetrics, ScopeMetrics, Stream};
use crate::common::Scope;
use crate::common::fork_mutex::ForkMutex;
use crate::resource::Resource;

/// The streams of one reader, in the order in which they were added. Every method may be called from any thread.
#[derive(Debug, Default)]
pub struct ReaderStorage {
    streams: ForkMutex<Streams>,
}

type Streams = Arc<Vec<(Arc<Scope>, Arc<Stream>)>>;

impl ReaderStorage {
    /// Without streams.
    pub fn new() -> Self {
        ReaderStorage { streams: ForkMutex::new(Arc::default()) }
    }

    /// Adds a stream. A collection that is under way leaves it to the next one.
    pub fn add(&self, scope: Arc<Scope>, stream: Arc<Stream>) {
        Arc::make_mut(&mut self.streams.lock()).push((scope, stream));
    }

    /// The streams as they are now.
    pub fn streams(&self) -> Arc<Vec<(Arc<Scope>, Arc<Stream>)>> {
        self.streams.lock().clone()
    }

    /// Collects every stream as of `now` (nanoseconds since the Unix epoch), by scope; `None` where there is no point.
    pub fn collect(&self, resource: &Arc<Resource>, now: u64) -> Option<MetricsData> {
        let mut scopes: Vec<ScopeMetrics> = Vec::new();
        for (scope, stream) in self.streams().iter() {
            if let Some(metric) = stream.collect(now) {
                put(&mut scopes, scope, metric);
            }
        }
        (!scopes.is_empty()).then(|| MetricsData {
            resource_metrics: vec![ResourceMetrics { resource: resource.clone(), scope_metrics: scopes }],
        })
    }
}

/// Adds a metric to those of its scope.
fn put(scopes: &mut Vec<ScopeMetrics>, scope: &Arc<Scope>, metric: Metric) {
    // The scope that came last is the likeliest; the same one mostly is the same object.
    let known = scopes.iter().rposition(|known| Arc::ptr_eq(&known.scope, scope));
    match known.or_else(|| scopes.iter().rposition(|known| known.scope == *scope)) {
        Some(at) => scopes[at].metrics.push(metric),
        None => scopes.push(ScopeMetrics { scope: scope.clone(), metrics: vec![metric] }),
    }
}
