//! What the environment says about the program.

use super::{ResourceDetector, SERVICE_NAME};
use crate::common::Text;
use crate::resource::Resource;

/// The attributes of `OTEL_RESOURCE_ATTRIBUTES`, with `service.name` from `OTEL_SERVICE_NAME` over them.
///
/// This detector is given what the variables say: the module `config` reads them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvDetector {
    /// Keys and values, decoded.
    pub attributes: Vec<(Text, Text)>,
    /// The service's name; `None` leaves the one among the attributes.
    pub service_name: Option<Text>,
}

impl ResourceDetector for EnvDetector {
    fn name(&self) -> &'static str {
        "otel"
    }

    fn detect(&self) -> Resource {
        let name = self.service_name.iter().map(|name| (Text::const_new(SERVICE_NAME), name.clone()));
        Resource::new(self.attributes.iter().cloned().chain(name))
    }
}
