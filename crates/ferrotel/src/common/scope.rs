//! The instrumentation scope.

use super::attributes::Attributes;
use super::host::HostSlot;
use super::value::Text;

/// Who made the telemetry: the instrumented module or the instrumentation library (specification: instrumentation scope).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The name, as given to `get_tracer`; may be empty.
    pub name: Text,
    /// The version; empty for none.
    pub version: Text,
    /// The schema URL; empty for none.
    pub schema_url: Text,
    /// The scope's attributes.
    pub attributes: Attributes,
    /// The binding's own object for this scope.
    pub host: HostSlot,
}

impl Scope {
    /// A scope with no more than a name.
    pub fn new(name: impl Into<Text>) -> Self {
        Scope { name: name.into(), ..Scope::default() }
    }
}
