//! The logger provider.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{
    BatchLogRecordProcessor, LogRecordExporter, LogRecordLimits, LogRecordProcessor, Logger, SimpleLogRecordProcessor,
};
use crate::common::{Scope, Text};
use crate::config::{EnvSource, Settings};
use crate::resource::Resource;
use crate::sdk::batch::BatchConfig;

/// What every logger of one provider shares.
pub(super) struct Pipeline {
    pub resource: Arc<Resource>,
    pub limits: LogRecordLimits,
    pub processors: Vec<Box<dyn LogRecordProcessor>>,
}

/// Where loggers come from (specification: logs SDK, `LoggerProvider`). Cheap to clone.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use ferrotel::common::Value;
/// use ferrotel::sdk::export::ExportResult;
/// use ferrotel::sdk::logs::{FinishedLogRecord, LogRecordExporter, LoggerProvider, SeverityNumber};
///
/// #[derive(Default)]
/// struct Bodies(Mutex<Vec<Value>>);
///
/// impl LogRecordExporter for Bodies {
///     fn export(&self, batch: &[FinishedLogRecord]) -> ExportResult {
///         self.0.lock().unwrap().extend(batch.iter().map(|record| record.body.clone()));
///         Ok(())
///     }
///     fn shutdown(&self) {}
///     fn component_type(&self) -> &'static str { "bodies" }
/// }
///
/// let bodies = Arc::new(Bodies::default());
/// let provider = LoggerProvider::builder().with_simple_exporter(bodies.clone()).build();
/// provider.logger("example").record().with_severity(SeverityNumber::INFO).with_body("hello").emit();
/// assert_eq!(*bodies.0.lock().unwrap(), [Value::from("hello")]);
/// ```
#[derive(Clone)]
pub struct LoggerProvider(Arc<Pipeline>);

impl LoggerProvider {
    /// A provider that has yet to be described.
    pub fn builder() -> LoggerProviderBuilder {
        LoggerProviderBuilder {
            resource: Resource::default(),
            limits: LogRecordLimits::default(),
            processors: Vec::new(),
            batch: BatchLogRecordProcessor::default_config(),
        }
    }

    /// The logger of a scope that has only a name.
    pub fn logger(&self, name: impl Into<Text>) -> Logger {
        self.logger_of(Scope::new(name))
    }

    /// The logger of a scope.
    pub fn logger_of(&self, scope: Scope) -> Logger {
        Logger { scope: Arc::new(scope), pipeline: self.0.clone() }
    }

    /// Exports what waits; `false` when `timeout`, which is for all processors together, passed first.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        self.each(timeout, |processor, left| processor.force_flush(left))
    }

    /// Exports what waits and shuts the processors down; `false` when `timeout` passed first. Idempotent.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        self.each(timeout, |processor, left| processor.shutdown(left))
    }

    fn each(&self, timeout: Duration, ask: impl Fn(&dyn LogRecordProcessor, Duration) -> bool) -> bool {
        let start = Instant::now();
        let mut all = true;
        for processor in &self.0.processors {
            all &= ask(&**processor, timeout.saturating_sub(start.elapsed()));
        }
        all
    }
}

/// Describes a [`LoggerProvider`].
#[must_use = "nothing exists before build() is called"]
pub struct LoggerProviderBuilder {
    resource: Resource,
    limits: LogRecordLimits,
    processors: Vec<Box<dyn LogRecordProcessor>>,
    batch: BatchConfig,
}

impl LoggerProviderBuilder {
    /// Takes resource, limits and batch sizes from the `OTEL_*` variables; call it before what is to win over them.
    pub fn with_environment(mut self, env: &dyn EnvSource) -> Self {
        let settings = Settings::from_env(env);
        self.resource = Resource::default_from_env(env);
        self.limits = LogRecordLimits::from(&settings.logs.limits);
        self.batch = BatchConfig::from(&settings.logs.batch);
        self
    }

    /// Who is observed; default: an empty resource.
    pub fn with_resource(mut self, resource: Resource) -> Self {
        self.resource = resource;
        self
    }

    /// How much a log record may hold.
    pub fn with_limits(mut self, limits: LogRecordLimits) -> Self {
        self.limits = limits;
        self
    }

    /// One more processor.
    pub fn with_log_record_processor(mut self, processor: impl LogRecordProcessor) -> Self {
        self.processors.push(Box::new(processor));
        self
    }

    /// A batch processor in front of `exporter`.
    pub fn with_batch_exporter(self, exporter: Arc<dyn LogRecordExporter>) -> Self {
        let config = self.batch.clone();
        self.with_log_record_processor(BatchLogRecordProcessor::new(exporter, config))
    }

    /// A simple processor in front of `exporter`.
    pub fn with_simple_exporter(self, exporter: Arc<dyn LogRecordExporter>) -> Self {
        self.with_log_record_processor(SimpleLogRecordProcessor::new(exporter))
    }

    /// The provider.
    pub fn build(self) -> LoggerProvider {
        LoggerProvider(Arc::new(Pipeline {
            resource: Arc::new(self.resource),
            limits: self.limits,
            processors: self.processors,
        }))
    }
}
