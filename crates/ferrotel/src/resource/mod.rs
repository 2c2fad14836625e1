//! The entity that produces telemetry.

mod builder;
pub mod detectors;

pub use builder::ResourceBuilder;
pub use detectors::ResourceDetector;

use crate::common::diagnostics::{self, Level};
use crate::common::host::HostSlot;
use crate::common::{Attributes, Text, Value};

/// The logger under which users look for lines about resources.
pub(crate) const TARGET: &str = "opentelemetry.sdk.resources";

/// A resource (specification: resource SDK). Immutable once made.
///
/// ```
/// use ferrotel::common::Value;
/// use ferrotel::resource::Resource;
///
/// let defaults = Resource::new([("service.name", "shop"), ("region", "eu")]);
/// let ours = Resource::new([("region", "us")]);
/// assert_eq!(defaults.merge(&ours).attributes.get("region"), Some(&Value::from("us")));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// Its attributes.
    pub attributes: Attributes,
    /// The schema URL; empty for none.
    pub schema_url: Text,
    /// The binding's own object for this resource.
    pub host: HostSlot,
}

impl Resource {
    /// With exactly these attributes and no schema URL.
    pub fn new<K: Into<Text>, V: Into<Value>>(attributes: impl IntoIterator<Item = (K, V)>) -> Self {
        Resource { attributes: attributes.into_iter().collect(), ..Resource::default() }
    }

    /// Collects attributes from detectors and from the program; adds the default service name.
    pub fn builder() -> ResourceBuilder {
        ResourceBuilder::default()
    }

    /// With this schema URL.
    #[must_use = "a resource is immutable: the URL is only in the returned one"]
    pub fn with_schema_url(self, schema_url: impl Into<Text>) -> Self {
        Resource { attributes: self.attributes, schema_url: schema_url.into(), host: HostSlot::default() }
    }

    /// This resource, updated by `other` (specification: resource SDK, merge): where both have a key, `other` wins. A
    /// schema URL that only one of them has is kept.
    ///
    /// Two different schema URLs cannot be merged: that is reported, and the result is this resource unchanged.
    #[must_use = "a resource is immutable: the merged one is returned"]
    pub fn merge(&self, other: &Resource) -> Self {
        let schema_url = match (self.schema_url.as_str(), other.schema_url.as_str()) {
            ("", _) => &other.schema_url,
            (_, "") => &self.schema_url,
            (ours, theirs) if ours == theirs => &self.schema_url,
            (ours, theirs) => {
                let line = format!(
                    "Failed to merge resources: The two schemas {ours} and {theirs} are incompatible; the attributes \
                     of the second one are left out"
                );
                diagnostics::log(Level::Error, TARGET, &line);
                return self.clone();
            }
        };
        let mut attributes = Attributes::new();
        for (key, value) in &self.attributes {
            attributes.set(key.clone(), other.attributes.get(key).unwrap_or(value).clone(), None);
        }
        for (key, value) in &other.attributes {
            if self.attributes.get(key).is_none() {
                attributes.set(key.clone(), value.clone(), None);
            }
        }
        attributes.set_dropped(self.attributes.dropped().saturating_add(other.attributes.dropped()));
        Resource { attributes, schema_url: schema_url.clone(), host: HostSlot::default() }
    }
}
