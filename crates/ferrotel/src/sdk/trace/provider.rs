//! The tracer provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{
    BatchSpanProcessor, BuiltinSampler, IdGenerator, RandomIdGenerator, Sampler, SimpleSpanProcessor, SpanExporter,
    SpanLimits, SpanProcessor, Tracer,
};
use crate::common::{Scope, Text};
use crate::config::{EnvSource, Settings};
use crate::resource::Resource;
use crate::sdk::batch::BatchConfig;

/// What every tracer of one provider shares.
pub(super) struct Pipeline {
    pub resource: Arc<Resource>,
    pub sampler: Box<dyn Sampler>,
    pub id_generator: Box<dyn IdGenerator>,
    pub limits: SpanLimits,
    pub processors: Vec<Box<dyn SpanProcessor>>,
}

/// Where tracers come from (specification: trace SDK, `TracerProvider`). Cheap to clone.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use ferrotel::sdk::export::ExportResult;
/// use ferrotel::sdk::trace::{FinishedSpan, SpanExporter, TracerProvider};
///
/// #[derive(Default)]
/// struct Names(Mutex<Vec<String>>);
///
/// impl SpanExporter for Names {
///     fn export(&self, batch: &[FinishedSpan]) -> ExportResult {
///         self.0.lock().unwrap().extend(batch.iter().map(|span| span.read().name.to_string()));
///         Ok(())
///     }
///     fn shutdown(&self) {}
///     fn component_type(&self) -> &'static str { "names" }
/// }
///
/// let names = Arc::new(Names::default());
/// let provider = TracerProvider::builder().with_simple_exporter(names.clone()).build();
/// provider.tracer("example").start("hello").end();
/// assert_eq!(*names.0.lock().unwrap(), ["hello"]);
/// ```
#[derive(Clone)]
pub struct TracerProvider(Arc<Pipeline>);

impl TracerProvider {
    /// A provider that has yet to be described.
    pub fn builder() -> TracerProviderBuilder {
        TracerProviderBuilder {
            resource: Resource::default(),
            sampler: Box::new(BuiltinSampler::default()),
            id_generator: Box::new(RandomIdGenerator),
            limits: SpanLimits::default(),
            processors: Vec::new(),
            batch: BatchConfig::default(),
        }
    }

    /// The tracer of a scope that has only a name.
    pub fn tracer(&self, name: impl Into<Text>) -> Tracer {
        self.tracer_of(Scope::new(name))
    }

    /// The tracer of a scope.
    pub fn tracer_of(&self, scope: Scope) -> Tracer {
        Tracer { scope: Arc::new(scope), pipeline: self.0.clone() }
    }

    /// Exports what waits; `false` when `timeout`, which is for all processors together, passed first.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.each(timeout, |processor, left| processor.force_flush(left))
    }

    /// Exports what waits and shuts the processors down; `false` when `timeout` passed first. Idempotent.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.each(timeout, |processor, left| processor.shutdown(left))
    }

    fn each(&self, timeout: Duration, ask: impl Fn(&dyn SpanProcessor, Duration) -> bool) -> bool {
        let start = Instant::now();
        let mut all = true;
        for processor in &self.0.processors {
            all &= ask(&**processor, timeout.saturating_sub(start.elapsed()));
        }
        all
    }
}

/// Describes a [`TracerProvider`].
#[must_use = "nothing exists before build() is called"]
pub struct TracerProviderBuilder {
    resource: Resource,
    sampler: Box<dyn Sampler>,
    id_generator: Box<dyn IdGenerator>,
    limits: SpanLimits,
    processors: Vec<Box<dyn SpanProcessor>>,
    batch: BatchConfig,
}

impl TracerProviderBuilder {
    /// Takes resource, sampler, limits and batch sizes from the `OTEL_*` variables; call it before what is to win over
    /// them.
    pub fn with_environment(mut self, env: &dyn EnvSource) -> Self {
        let settings = Settings::from_env(env);
        self.resource = Resource::default_from_env(env);
        if let Ok(sampler) = BuiltinSampler::try_from(settings.traces.sampler) {
            self.sampler = Box::new(sampler);
        }
        self.limits = SpanLimits::from(&settings.traces.span_limits);
        self.batch = BatchConfig::from(&settings.traces.batch);
        self
    }

    /// Who is observed; default: an empty resource.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// Which spans are recorded; default: parent based, root always on.
    pub fn with_sampler(mut self, sampler: impl Sampler) -> Self {
        self.sampler = Box::new(sampler);
        self
    }

    /// What makes the ids; default: [`RandomIdGenerator`].
    pub fn with_id_generator(mut self, id_generator: impl IdGenerator) -> Self {
        self.id_generator = Box::new(id_generator);
        self
    }

    /// How much a span may hold.
    pub fn with_limits(mut self, limits: SpanLimits) -> Self {
        self.limits = limits;
        self
    }

    /// One more processor.
    pub fn with_span_processor(mut self, processor: impl SpanProcessor) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// A batch processor in front of `exporter`.
    pub fn with_batch_exporter(self, exporter: Arc<dyn SpanExporter>) -> Self {
        let config = self.batch.clone();
        self.with_span_processor(BatchSpanProcessor::new(exporter, config))
    }

    /// A simple processor in front of `exporter`.
    pub fn with_simple_exporter(self, exporter: Arc<dyn SpanExporter>) -> Self {
        self.with_span_processor(SimpleSpanProcessor::new(exporter))
    }

    /// The provider.
    pub fn build(self) -> TracerProvider {
        TracerProvider(Arc::new(Pipeline {
            resource: Arc::new(self.resource),
            sampler: self.sampler,
            id_generator: self.id_generator,
            limits: self.limits,
            processors: self.processors,
        }))
    }
}
