//! Configuration by environment variables (specification: environment variable configuration).
//!
//! ```
//! use ferrotel::config::{MapEnv, Settings};
//!
//! let env = MapEnv::from([("OTEL_SERVICE_NAME", "shop"), ("OTEL_BSP_SCHEDULE_DELAY", "200")]);
//! let settings = Settings::from_env(&env);
//! assert_eq!(settings.resource.service_name.as_deref(), Some("shop"));
//! assert_eq!(settings.traces.batch.schedule_delay.as_millis(), 200);
//! ```
//!
//! A program reads its own environment through [`ProcessEnv`]. Nothing here fails: a malformed value is reported in one
//! line, and the default is used.

pub mod env_vars;
mod metrics;
pub mod parse;
mod reader;
mod resource;
mod settings;
mod source;

pub use env_vars::EnvVar;
pub use metrics::{ExemplarFilter, MetricSettings};
pub use reader::Reader;
pub use settings::{
    BatchSettings, LogLevel, LogRecordLimitSettings, LogSettings, ResourceSettings, SamplerSettings, Settings,
    SpanLimitSettings, TraceSettings,
};
pub use source::{EnvSource, MapEnv, ProcessEnv};
