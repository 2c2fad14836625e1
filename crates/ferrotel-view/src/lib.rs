//! A receiver for OTLP traces that keeps a bounded number of them in memory and shows each as a tree in the terminal.
//!
//! It listens on loopback addresses only: gRPC (port 4317 by default) and HTTP (port 4318 by default), as the OTLP
//! specification 1.x says. [`View::start`] runs it on a thread of its own; [`View::store`] reads what arrived;
//! [`Printer`] shows it. [`render()`] is a pure function from a trace to text.
//!
//! ```
//! use ferrotel_view::{Options, View};
//!
//! let view = View::start(Options { grpc_port: 0, http_port: 0, ..Options::default() })?;
//! println!("send OTLP/gRPC to http://{}", view.grpc_address());
//! assert_eq!(view.store().spans().len(), 0);
//! view.stop();
//! # Ok::<(), ferrotel_view::StartError>(())
//! ```

mod decode;
mod details;
mod format;
mod json;
mod paint;
mod printer;
pub mod proto;
mod receiver;
mod render;
mod server;
mod span;
mod store;
mod text;
mod tree;

pub use decode::{DecodeError, decode_json, decode_protobuf};
pub use printer::{Command, Printer, PrinterOptions};
pub use render::{Style, render};
pub use server::{Options, StartError, View};
pub use span::{Hex, Origin, Producer, Protocol, Received, ReceivedSpan, SpanId, TraceId};
pub use store::{Counts, Limits, ReceivedRequest, Store, Trace};
pub use text::{clean, fit};
pub use tree::{Line, Placement, Tree};
