//! The environment variables' values, typed.

use std::time::Duration;

use super::env_vars as vars;
use super::env_vars::EnvVar;
use super::metrics::MetricSettings;
use super::parse::{self, Malformed};
use super::reader::Reader;
use super::source::EnvSource;
use crate::common::Text;
use crate::common::diagnostics::{Level, shorten};

/// Everything that the environment says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The SDK is turned off. Default: `false`.
    pub sdk_disabled: bool,
    /// The least severe line to show; `None`: nothing was said.
    pub log_level: Option<LogLevel>,
    /// The propagators' names, `none` among them; `None`: nothing was said, the default is `tracecontext` and `baggage`.
    pub propagators: Option<Vec<Text>>,
    /// The resource.
    pub resource: ResourceSettings,
    /// Traces.
    pub traces: TraceSettings,
    /// Metrics.
    pub metrics: MetricSettings,
    /// Logs.
    pub logs: LogSettings,
}

impl Settings {
    /// Reads all variables. Each malformed one is reported in one line.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let general = Reader::new(env, "opentelemetry.sdk.environment_variables");
        let traces = TraceSettings::from_env(env);
        Settings {
            sdk_disabled: general.parsed(&vars::OTEL_SDK_DISABLED, parse::boolean).unwrap_or(false),
            log_level: general.parsed(&vars::OTEL_LOG_LEVEL, LogLevel::parse),
            propagators: general.text(&vars::OTEL_PROPAGATORS).map(|names| texts(&names)),
            resource: ResourceSettings::from_env(env),
            metrics: MetricSettings::from_env(env),
            logs: LogSettings::from_env(env, &traces.span_limits),
            traces,
        }
    }
}

/// Which of the engine's own log lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// Those that are at least as bad.
    From(Level),
    /// None.
    None,
}

impl LogLevel {
    /// A level's name, in any case of letters: `debug` (also `all`, `trace`, `verbose`), `info`, `warning` (`warn`),
    /// `error` (`critical`, `fatal`), `none` (`off`).
    ///
    /// # Errors
    /// Any other name.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        Ok(match text.trim().to_ascii_lowercase().as_str() {
            "debug" | "all" | "trace" | "verbose" => LogLevel::From(Level::Debug),
            "info" => LogLevel::From(Level::Info),
            "warn" | "warning" => LogLevel::From(Level::Warning),
            "error" | "critical" | "fatal" => LogLevel::From(Level::Error),
            "none" | "off" => LogLevel::None,
            _ => return Err(Malformed::expected("debug, info, warning, error or none")),
        })
    }

    /// Whether a line of this level is shown.
    pub fn shows(self, level: Level) -> bool {
        match self {
            LogLevel::From(least) => level >= least,
            LogLevel::None => false,
        }
    }
}

/// What the environment says about the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResourceSettings {
    /// `OTEL_RESOURCE_ATTRIBUTES`, decoded.
    pub attributes: Vec<(Text, Text)>,
    /// `OTEL_SERVICE_NAME`.
    pub service_name: Option<Text>,
    /// `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS`.
    pub detector_names: Vec<Text>,
}

impl ResourceSettings {
    /// Reads the variables; a malformed pair is reported and the others kept.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk.resources");
        let attributes = reader.text(&vars::OTEL_RESOURCE_ATTRIBUTES).unwrap_or_default();
        let attributes = parse::key_values(&attributes, |pair| {
            reader.warn(&format!("Invalid key value resource attribute pair {}: write it as key=value", shorten(pair)));
        });
        let detectors = reader.text(&vars::OTEL_EXPERIMENTAL_RESOURCE_DETECTORS).unwrap_or_default();
        ResourceSettings {
            attributes: attributes.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            // As it stands: the reference does not strip this one.
            service_name: reader.raw(&vars::OTEL_SERVICE_NAME).filter(|name| !name.is_empty()).map(Text::from),
            detector_names: texts(&detectors),
        }
    }
}

/// What the environment says about traces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TraceSettings {
    /// The sampler.
    pub sampler: SamplerSettings,
    /// The limits of spans.
    pub span_limits: SpanLimitSettings,
    /// The batch span processor.
    pub batch: BatchSettings,
    /// The names of the exporters to set up, `none` among them; empty: nothing was said.
    pub exporters: Vec<Text>,
}

impl TraceSettings {
    /// Reads the variables.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk.trace");
        TraceSettings {
            sampler: SamplerSettings::from_env(env),
            span_limits: SpanLimitSettings::from_env(env),
            batch: BatchSettings::from_env(env),
            exporters: texts(&reader.text(&vars::OTEL_TRACES_EXPORTER).unwrap_or_default()),
        }
    }
}

/// The sampler that the environment names. The rate of a ratio sampler lies between 0.0 and 1.0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SamplerSettings {
    /// `always_on`
    AlwaysOn,
    /// `always_off`
    AlwaysOff,
    /// `traceidratio`
    TraceIdRatio(f64),
    /// `parentbased_always_on`
    #[default]
    ParentBasedAlwaysOn,
    /// `parentbased_always_off`
    ParentBasedAlwaysOff,
    /// `parentbased_traceidratio`
    ParentBasedTraceIdRatio(f64),
}

impl SamplerSettings {
    /// Reads the variables.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk.trace.sampling");
        let Some(name) = reader.text(&vars::OTEL_TRACES_SAMPLER) else { return SamplerSettings::default() };
        match name.to_lowercase().as_str() {
            "always_on" => SamplerSettings::AlwaysOn,
            "always_off" => SamplerSettings::AlwaysOff,
            "traceidratio" => SamplerSettings::TraceIdRatio(rate(&reader)),
            "parentbased_always_on" => SamplerSettings::ParentBasedAlwaysOn,
            "parentbased_always_off" => SamplerSettings::ParentBasedAlwaysOff,
            "parentbased_traceidratio" => SamplerSettings::ParentBasedTraceIdRatio(rate(&reader)),
            unknown => {
                reader.warn(&format!(
                    "Couldn't recognize sampler {}. Using {}; see OTEL_TRACES_SAMPLER in the documentation",
                    shorten(unknown),
                    vars::OTEL_TRACES_SAMPLER.default.unwrap_or_default()
                ));
                SamplerSettings::default()
            }
        }
    }
}

fn rate(reader: &Reader<'_>) -> f64 {
    let text = reader.text(&vars::OTEL_TRACES_SAMPLER_ARG).unwrap_or_default();
    parse::ratio(&text).unwrap_or_else(|malformed| {
        let line = "Could not convert TRACES_SAMPLER_ARG to float. Using default rate 1.0.";
        reader.warn(&format!("{line} ({malformed} in OTEL_TRACES_SAMPLER_ARG)"));
        1.0
    })
}

/// The limits of spans that the environment names. `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanLimitSettings {
    /// Attributes, where no narrower limit is named. Default: 128.
    pub attribute_count: Option<usize>,
    /// Characters of a string in an attribute. Default: no limit.
    pub attribute_value_length: Option<usize>,
    /// Attributes of a span. Default: `attribute_count`.
    pub span_attribute_count: Option<usize>,
    /// Characters of a string in a span's attribute. Default: `attribute_value_length`.
    pub span_attribute_value_length: Option<usize>,
    /// Attributes of an event. Default: `attribute_count`.
    pub event_attribute_count: Option<usize>,
    /// Attributes of a link. Default: `attribute_count`.
    pub link_attribute_count: Option<usize>,
    /// Events of a span. Default: 128.
    pub event_count: Option<usize>,
    /// Links of a span. Default: 128.
    pub link_count: Option<usize>,
}

impl SpanLimitSettings {
    /// Reads the variables. Unlike elsewhere, a variable that is set to nothing is not one that is not set: it means
    /// "no limit", as in the reference. Only for `OTEL_ATTRIBUTE_COUNT_LIMIT` it means the default.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk.trace");
        let limit = |variable, default| reader.parsed_even_empty(variable, parse::limit).unwrap_or(default);
        let count = Some(128);
        let attribute_count = limit(&vars::OTEL_ATTRIBUTE_COUNT_LIMIT, count).or(count);
        let attribute_value_length = limit(&vars::OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT, None);
        SpanLimitSettings {
            attribute_count,
            attribute_value_length,
            span_attribute_count: limit(&vars::OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, attribute_count),
            span_attribute_value_length: limit(&vars::OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, attribute_value_length),
            event_attribute_count: limit(&vars::OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT, attribute_count),
            link_attribute_count: limit(&vars::OTEL_LINK_ATTRIBUTE_COUNT_LIMIT, attribute_count),
            event_count: limit(&vars::OTEL_SPAN_EVENT_COUNT_LIMIT, count),
            link_count: limit(&vars::OTEL_SPAN_LINK_COUNT_LIMIT, count),
        }
    }
}

impl Default for SpanLimitSettings {
    fn default() -> Self {
        SpanLimitSettings {
            attribute_count: Some(128),
            attribute_value_length: None,
            span_attribute_count: Some(128),
            span_attribute_value_length: None,
            event_attribute_count: Some(128),
            link_attribute_count: Some(128),
            event_count: Some(128),
            link_count: Some(128),
        }
    }
}

/// What the environment says about logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// The limits of log records.
    pub limits: LogRecordLimitSettings,
    /// The batch log record processor. Default: as for spans, but for a delay of 1 s.
    pub batch: BatchSettings,
    /// The names of the exporters to set up, `none` among them; empty: nothing was said.
    pub exporters: Vec<Text>,
}

impl LogSettings {
    /// Reads the variables; `common` has those that are for all signals.
    pub fn from_env(env: &dyn EnvSource, common: &SpanLimitSettings) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk._logs");
        LogSettings {
            limits: LogRecordLimitSettings::from_env(env, common),
            batch: BatchSettings::for_logs_from_env(env),
            exporters: texts(&reader.text(&vars::OTEL_LOGS_EXPORTER).unwrap_or_default()),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        LogSettings { limits: LogRecordLimitSettings::default(), batch: BatchSettings::FOR_LOGS, exporters: Vec::new() }
    }
}

/// The limits of log records that the environment names. `None`: no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogRecordLimitSettings {
    /// Attributes. Default: 128.
    pub attribute_count: Option<usize>,
    /// Characters of a string in an attribute. Default: no limit.
    pub attribute_value_length: Option<usize>,
}

impl LogRecordLimitSettings {
    /// Reads the variables, of which one that is set to nothing means "no limit", as for spans; `common` has those that
    /// are for all signals.
    pub fn from_env(env: &dyn EnvSource, common: &SpanLimitSettings) -> Self {
        let reader = Reader::new(env, "opentelemetry.sdk._logs");
        let limit = |variable, default| reader.parsed_even_empty(variable, parse::limit).unwrap_or(default);
        LogRecordLimitSettings {
            attribute_count: limit(&vars::OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT, common.attribute_count),
            attribute_value_length: limit(
                &vars::OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT,
                common.attribute_value_length,
            ),
        }
    }
}

impl Default for LogRecordLimitSettings {
    fn default() -> Self {
        LogRecordLimitSettings { attribute_count: Some(128), attribute_value_length: None }
    }
}

/// The batch processor of spans or log records that the environment describes. Always valid: sizes and the delay are positive, and a batch
/// is no larger than the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchSettings {
    /// The longest that an item waits for its batch to fill. Default: 5 s.
    pub schedule_delay: Duration,
    /// How long a flush waits for exports; `None` for no limit. Default: 30 s.
    pub export_timeout: Option<Duration>,
    /// How many items may wait. Default: 2048.
    pub max_queue_size: usize,
    /// How many items make a batch. Default: 512, or `max_queue_size` where that is less.
    pub max_export_batch_size: usize,
}

impl BatchSettings {
    /// What holds for log records where nothing is said.
    pub const FOR_LOGS: BatchSettings = BatchSettings {
        schedule_delay: Duration::from_secs(1),
        export_timeout: Some(Duration::from_secs(30)),
        max_queue_size: 2_048,
        max_export_batch_size: 512,
    };

    /// Reads the variables of the batch span processor.
    pub fn from_env(env: &dyn EnvSource) -> Self {
        BatchSettings::read(
            &Reader::new(env, "opentelemetry.sdk.trace.export"),
            &BatchVariables {
                schedule_delay: &vars::OTEL_BSP_SCHEDULE_DELAY,
                export_timeout: &vars::OTEL_BSP_EXPORT_TIMEOUT,
                max_queue_size: &vars::OTEL_BSP_MAX_QUEUE_SIZE,
                max_export_batch_size: &vars::OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
            },
            BatchSettings::default(),
        )
    }

    /// Reads the variables of the batch log record processor.
    pub fn for_logs_from_env(env: &dyn EnvSource) -> Self {
        BatchSettings::read(
            &Reader::new(env, "opentelemetry.sdk._logs._internal.export"),
            &BatchVariables {
                schedule_delay: &vars::OTEL_BLRP_SCHEDULE_DELAY,
                export_timeout: &vars::OTEL_BLRP_EXPORT_TIMEOUT,
                max_queue_size: &vars::OTEL_BLRP_MAX_QUEUE_SIZE,
                max_export_batch_size: &vars::OTEL_BLRP_MAX_EXPORT_BATCH_SIZE,
            },
            BatchSettings::FOR_LOGS,
        )
    }

    fn read(reader: &Reader<'_>, variables: &BatchVariables, default: BatchSettings) -> Self {
        let queue = reader.parsed(variables.max_queue_size, parse::size).unwrap_or(default.max_queue_size);
        let batch = match reader.parsed(variables.max_export_batch_size, parse::size) {
            Some(batch) if batch > queue => {
                reader.warn(&format!(
                    "{} is {batch}, but {} only {queue}: exporting in batches of {queue}",
                    variables.max_export_batch_size.name, variables.max_queue_size.name
                ));
                queue
            }
            Some(batch) => batch,
            None => default.max_export_batch_size.min(queue),
        };
        BatchSettings {
            schedule_delay: reader.parsed(variables.schedule_delay, parse::millis).unwrap_or(default.schedule_delay),
            export_timeout: reader
                .parsed(variables.export_timeout, parse::timeout_millis)
                .unwrap_or(default.export_timeout),
            max_queue_size: queue,
            max_export_batch_size: batch,
        }
    }
}

/// Where one signal's batch processor finds its settings.
struct BatchVariables {
    schedule_delay: &'static EnvVar,
    export_timeout: &'static EnvVar,
    max_queue_size: &'static EnvVar,
    max_export_batch_size: &'static EnvVar,
}

impl Default for BatchSettings {
    fn default() -> Self {
        BatchSettings {
            schedule_delay: Duration::from_millis(5_000),
            export_timeout: Some(Duration::from_millis(30_000)),
            max_queue_size: 2_048,
            max_export_batch_size: 512,
        }
    }
}

fn texts(list: &str) -> Vec<Text> {
    parse::list(list).into_iter().map(Text::from).collect()
}
