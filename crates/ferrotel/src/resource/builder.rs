//! Making a resource from several sources.

use super::detectors::{self, ResourceDetector};
use super::{Resource, TARGET};
use crate::common::diagnostics::{self, Level};
use crate::common::{Text, Value};

/// Merges what it is given, later over earlier.
///
/// ```
/// use ferrotel::common::Value;
/// use ferrotel::resource::Resource;
/// use ferrotel::resource::detectors::{OsDetector, TelemetrySdkDetector};
///
/// let resource = Resource::builder()
///     .with_detector(&TelemetrySdkDetector::default())
///     .with_detector(&OsDetector)
///     .with_attribute("service.name", "shop")
///     .build();
/// assert_eq!(resource.attributes.get("telemetry.sdk.name"), Some(&Value::from("ferrotel")));
/// assert!(resource.attributes.get("os.type").is_some());
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "call `build` to get the resource"]
pub struct ResourceBuilder {
    merged: Resource,
}

impl ResourceBuilder {
    /// Runs a detector and adds what it finds. A detector that panics is reported and adds nothing.
    pub fn with_detector(self, detector: &dyn ResourceDetector) -> Self {
        let detect = std::panic::AssertUnwindSafe(|| detector.detect());
        match std::panic::catch_unwind(detect) {
            Ok(found) => self.with_resource(&found),
            Err(_) => {
                let line = format!("Exception in detector {}, ignoring: it panicked", detector.name());
                diagnostics::log(Level::Warning, TARGET, &line);
                self
            }
        }
    }

    /// Adds a resource, by the rules of [`Resource::merge`].
    pub fn with_resource(self, resource: &Resource) -> Self {
        ResourceBuilder { merged: self.merged.merge(resource) }
    }

    /// Adds one attribute.
    pub fn with_attribute(mut self, key: impl Into<Text>, value: impl Into<Value>) -> Self {
        self.merged.attributes.set(key.into(), value.into(), None);
        self
    }

    /// Sets the schema URL, whatever it was.
    pub fn with_schema_url(mut self, schema_url: impl Into<Text>) -> Self {
        self.merged.schema_url = schema_url.into();
        self
    }

    /// The resource. Where it has no `service.name`, or an empty one, it gets
    /// [`unknown_service_name`](detectors::unknown_service_name).
    pub fn build(mut self) -> Resource {
        let named = match self.merged.attributes.get(detectors::SERVICE_NAME) {
            None | Some(Value::Empty) => false,
            Some(Value::String(name)) => !name.is_empty(),
            Some(_) => true,
        };
        if !named {
            self = self.with_attribute(detectors::SERVICE_NAME, detectors::unknown_service_name());
        }
        self.merged
    }
}
