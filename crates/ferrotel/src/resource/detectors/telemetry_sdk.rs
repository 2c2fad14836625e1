//! Who made the telemetry's software.

use super::ResourceDetector;
use crate::common::Text;
use crate::resource::Resource;

/// `telemetry.sdk.name`, `.language` and `.version` (specification: resource SDK, SDK-provided attributes).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TelemetrySdkDetector {
    /// The language whose programs call the engine: `rust`, or a binding's.
    pub language: Text,
    /// The version of the engine or of the binding.
    pub version: Text,
}

impl Default for TelemetrySdkDetector {
    /// The engine as Rust programs use it.
    fn default() -> Self {
        TelemetrySdkDetector { language: Text::const_new("rust"), version: Text::const_new(env!("CARGO_PKG_VERSION")) }
    }
}

impl ResourceDetector for TelemetrySdkDetector {
    fn name(&self) -> &'static str {
        "telemetry_sdk"
    }

    fn detect(&self) -> Resource {
        Resource::new([
            ("telemetry.sdk.language", self.language.clone()),
            // The specification keeps the name `opentelemetry` for the official SDKs.
            ("telemetry.sdk.name", Text::const_new("ferrotel")),
            ("telemetry.sdk.version", self.version.clone()),
        ])
    }
}
