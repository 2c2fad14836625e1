//! What a tracer asks of objects that users may have written in Python. Each hook answers always: what such an object
//! raises is logged, and the default takes its place.

pub mod id_generator;
pub mod sampler;
