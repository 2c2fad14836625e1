//! OTLP's bytes alone, for whoever sends them otherwise.

use ferrotel_otlp::encode::{self, json};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::{log_records, metrics_data, spans};

macro_rules! encoders {
    ($($name:ident, $what:literal: $read:path => $encode:path;)+) => {
        $(
            #[doc = concat!("The bytes of an OTLP request with ", $what, ".")]
            #[pyfunction]
            fn $name<'py>(py: Python<'py>, data: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
                let data = $read(data)?;
                Ok(PyBytes::new(py, &py.detach(|| $encode(&data))))
            }
        )+

        pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_function(wrap_pyfunction!($name, module)?)?;)+
            Ok(())
        }
    };
}

encoders! {
    encode_spans, "spans, in protobuf": spans::from_py => encode::traces::encode;
    encode_spans_json, "spans, in JSON": spans::from_py => json::traces::encode;
    encode_metrics, "metrics, in protobuf": metrics_data::from_py => encode::metrics::encode;
    encode_metrics_json, "metrics, in JSON": metrics_data::from_py => json::metrics::encode;
    encode_logs, "log records, in protobuf": log_records::from_py => encode::logs::encode;
    encode_logs_json, "log records, in JSON": log_records::from_py => json::logs::encode;
}
