//! Propagators: how span context and baggage travel in the headers of a request.
//!
//! ```
//! use std::collections::HashMap;
//! use ferrotel::propagation::{BaggagePropagator, CompositePropagator, Propagated, TextMapPropagator, TraceContextPropagator};
//!
//! let propagator = CompositePropagator::new(vec![Box::new(TraceContextPropagator), Box::new(BaggagePropagator)]);
//! let incoming = HashMap::from([
//!     ("traceparent".to_owned(), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
//!     ("baggage".to_owned(), "user.id=42".to_owned()),
//! ]);
//! let received = propagator.extract(&incoming, Propagated::default());
//! assert_eq!(received.baggage.get("user.id"), Some("42"));
//!
//! let mut outgoing = HashMap::new();
//! propagator.inject(&received, &mut outgoing);
//! assert_eq!(outgoing, incoming);
//! ```

pub mod b3;
pub mod baggage;
mod carrier;
mod composite;
mod hex;
pub mod jaeger;
pub mod percent;
mod propagator;
pub mod tracecontext;

pub use b3::{B3Encoding, B3Propagator};
pub use baggage::BaggagePropagator;
pub use carrier::{Extractor, Injector, Values};
pub use composite::CompositePropagator;
pub use jaeger::JaegerPropagator;
pub use propagator::{Propagated, TextMapPropagator};
pub use tracecontext::TraceContextPropagator;
