//! Measured values as OTLP has them.

use std::sync::atomic::{AtomicBool, Ordering};

use ferrotel::common::diagnostics::{self, Level};
use ferrotel::sdk::metrics::Number;

/// The two kinds of number of a point or exemplar.
pub(super) enum Wire {
    Int(i64),
    Double(f64),
}

/// The number as a point has it. A whole number beyond 64 bits loses its last digits, which is said once.
#[inline]
pub(super) fn wire(number: Number) -> Wire {
    match number {
        Number::Int(value) => Wire::Int(value),
        Number::Double(value) => Wire::Double(value),
        Number::Big(value) => {
            say_inexact(value);
            Wire::Double(value as f64)
        }
    }
}

/// The number where OTLP has doubles only: sums and extremes of distributions.
#[inline]
pub(super) fn double(number: Number) -> f64 {
    match number {
        Number::Int(value) => value as f64,
        Number::Double(value) => value,
        Number::Big(value) => value as f64,
    }
}

#[cold]
fn say_inexact(value: i128) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        let line = format!(
            "The value {value} of a metric does not fit into OTLP's 64-bit integers: it is sent as a floating point \
             number, with about 16 exact digits. This is said once."
        );
        diagnostics::log(Level::Warning, "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder", &line);
    }
}
