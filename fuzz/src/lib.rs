//! What hostile input must not do: one function for each thing that reads input from outside.
//!
//! Each takes any bytes, hands them to the engine, and panics where a promise is broken: where the engine's answer differs
//! from that of a slow and plain model, what was written cannot be read back, a limit does not hold, or a line that is
//! written could be taken for two. `tests/replay.rs` runs them on stable Rust in seconds, on the inputs under `seeds/`, on
//! those that once failed under `regressions/`, and on mutations of both; `make fuzz` runs them under libFuzzer.

mod answers;
mod b3;
mod baggage;
mod configuration;
mod environment;
mod jaeger;
mod log;
pub mod mutation;
mod received;
mod traceparent;
mod tracestate;

/// A fuzz target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folders too.
    pub name: &'static str,
    /// Panics where a promise is broken.
    pub run: fn(&[u8]),
}

/// All of them.
pub const TARGETS: &[Target] = &[
    Target { name: "traceparent", run: traceparent::run },
    Target { name: "tracestate", run: tracestate::run },
    Target { name: "baggage", run: baggage::run },
    Target { name: "b3", run: b3::run },
    Target { name: "jaeger", run: jaeger::run },
    Target { name: "received", run: received::run },
    Target { name: "environment", run: environment::run },
    Target { name: "answers", run: answers::run },
    Target { name: "configuration", run: configuration::run },
];

/// The target of this name.
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|target| target.name == name).copied()
}

/// Several texts in one input, with a NUL between them; what is no UTF-8 is replaced.
fn texts(data: &[u8]) -> Vec<String> {
    data.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// Panics unless the headers can be sent as they are: none can end inside another's name or value.
fn assert_sendable(headers: &[(String, String)]) {
    for (name, value) in headers {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        assert!(!name.is_empty() && name.bytes().all(is_token), "header name {name:?}");
        assert!(value.bytes().all(|byte| byte == b'\t' || (b' '..=b'~').contains(&byte)), "value of {name}: {value:?}");
    }
}
