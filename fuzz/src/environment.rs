//! Environment variables: every one that is read has a value of the input's.

use ferrotel::config::{EnvSource, MetricSettings, Settings};
use ferrotel::resource::Resource;
use ferrotel::sdk::trace::BuiltinSampler;
use ferrotel_otlp::{LogRecordExporterBuilder, MetricExporterBuilder, Protocol, SpanExporterBuilder};

use crate::{log, texts};

struct Hostile(Vec<String>);

impl EnvSource for Hostile {
    fn var(&self, name: &str) -> Option<String> {
        // What file to read and which folder to write to is the program's choice.
        if ["CERTIFICATE", "KEY", "CA_BUNDLE", "SSL", "SPOOL"].iter().any(|word| name.contains(word)) {
            return None;
        }
        let sum = name.bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        Some(self.0[sum % self.0.len()].clone())
    }
}

pub(crate) fn run(data: &[u8]) {
    log::check_lines();
    let environment = Hostile(texts(data));
    let settings = Settings::from_env(&environment);
    let _ = BuiltinSampler::try_from(settings.traces.sampler);
    let _ = MetricSettings::from_env(&environment);
    let _ = Resource::default_from_env(&environment);
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf, Protocol::HttpJson] {
        let traces = SpanExporterBuilder::new(protocol).build_lenient(&environment);
        let metrics = MetricExporterBuilder::new(protocol).build_lenient(&environment);
        let logs = LogRecordExporterBuilder::new(protocol).build_lenient(&environment);
        for shown in [format!("{traces:?}"), format!("{metrics:?}"), format!("{logs:?}")] {
            assert!(shown.len() < 4096 && !shown.contains('\n'), "{shown:.300}");
        }
    }
}
