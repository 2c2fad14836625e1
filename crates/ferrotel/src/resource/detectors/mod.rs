//! Where a resource's attributes come from.

mod env;
mod host;
mod os;
mod process;
mod service;
mod telemetry_sdk;
#[cfg(unix)]
mod uname;

pub use env::EnvDetector;
pub use host::HostDetector;
pub use os::OsDetector;
pub use process::ProcessDetector;
pub use service::{SERVICE_INSTANCE_ID, SERVICE_NAME, ServiceInstanceIdDetector, unknown_service_name};
pub use telemetry_sdk::TelemetrySdkDetector;

use super::Resource;

/// Finds attributes of the place where the program runs (specification: resource SDK, detecting resource information).
pub trait ResourceDetector: Send + Sync {
    /// The name under which `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS` knows it.
    fn name(&self) -> &'static str;

    /// What it finds; empty where there is nothing to find. Must not block for long.
    fn detect(&self) -> Resource;

    /// Whether the result describes this very process, so that a forked child has to ask again. Default: `false`.
    fn is_process_dependent(&self) -> bool {
        false
    }
}
