//! The resource that the environment describes.

use super::settings::ResourceSettings;
use super::source::EnvSource;
use crate::common::diagnostics::{self, Level};
use crate::resource::detectors::{
    EnvDetector, HostDetector, OsDetector, ProcessDetector, ServiceInstanceIdDetector, TelemetrySdkDetector,
};
use crate::resource::{Resource, ResourceBuilder, ResourceDetector, TARGET};

impl Resource {
    /// The SDK's default resource: `telemetry.sdk.*`, `service.instance.id`, what the detectors of
    /// `OTEL_EXPERIMENTAL_RESOURCE_DETECTORS` find, and over them `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME`.
    ///
    /// ```
    /// use ferrotel::common::Value;
    /// use ferrotel::config::MapEnv;
    /// use ferrotel::resource::Resource;
    ///
    /// let env = MapEnv::from([("OTEL_RESOURCE_ATTRIBUTES", "service.name=shop,team=blue%20whales")]);
    /// let resource = Resource::default_from_env(&env);
    /// assert_eq!(resource.attributes.get("service.name"), Some(&Value::from("shop")));
    /// assert_eq!(resource.attributes.get("team"), Some(&Value::from("blue whales")));
    /// ```
    pub fn default_from_env(env: &dyn EnvSource) -> Self {
        Resource::builder_from_env(env).build()
    }

    /// A builder that starts as [`default_from_env`](Self::default_from_env), for the program's own attributes, which
    /// go before those of the environment.
    pub fn builder_from_env(env: &dyn EnvSource) -> ResourceBuilder {
        let settings = ResourceSettings::from_env(env);
        settings
            .detectors()
            .iter()
            .fold(Resource::builder().with_detector(&TelemetrySdkDetector::default()), |builder, detector| {
                builder.with_detector(&**detector)
            })
    }
}

impl ResourceSettings {
    /// The detectors to run, in order. `service_instance` comes first and `otel`, the environment, last, unless the
    /// setting names another place for them.
    pub fn detectors(&self) -> Vec<Box<dyn ResourceDetector>> {
        let mut names: Vec<&str> = Vec::new();
        if !self.detector_names.iter().any(|name| name == "service_instance") {
            names.push("service_instance");
        }
        for name in &self.detector_names {
            match name.as_str() {
                "*" => names.extend(OTHERS.into_iter().filter(|other| !self.detector_names.iter().any(|n| n == other))),
                name => names.push(name),
            }
        }
        if !names.contains(&"otel") {
            names.push("otel");
        }
        names.into_iter().filter_map(|name| self.detector(name)).collect()
    }

    fn detector(&self, name: &str) -> Option<Box<dyn ResourceDetector>> {
        Some(match name {
            "otel" => Box::new(EnvDetector::from(self)),
            "service_instance" => Box::new(ServiceInstanceIdDetector),
            "host" => Box::new(HostDetector),
            "os" => Box::new(OsDetector),
            "process" => Box::new(ProcessDetector::default()),
            unknown => {
                let line = format!(
                    "Failed to load resource detector '{}', skipping: known are host, os, otel, process and \
                     service_instance",
                    diagnostics::shorten(unknown)
                );
                diagnostics::log(Level::Error, TARGET, &line);
                return None;
            }
        })
    }
}

/// What `*` stands for, besides the two that always run.
const OTHERS: [&str; 3] = ["host", "os", "process"];

impl From<&ResourceSettings> for EnvDetector {
    fn from(settings: &ResourceSettings) -> Self {
        EnvDetector { attributes: settings.attributes.clone(), service_name: settings.service_name.clone() }
    }
}
