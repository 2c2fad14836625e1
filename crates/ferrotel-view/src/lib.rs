//! A receiver for OTLP that keeps a bounded part of what arrives in memory, and shows it in the terminal: each trace as a
//! tree with the log records that belong to it, and the metrics as a table.
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
mod distribution;
mod format;
mod json;
mod log;
mod log_lines;
mod metric;
mod metric_text;
mod origin;
mod paint;
mod plot;
mod printer;
pub mod proto;
mod receiver;
mod render;
mod screen;
mod server;
mod signal;
mod span;
mod store;
mod table;
mod text;
mod tree;

pub use decode::{DecodeError, Received, Request, decode_json, decode_protobuf};
pub use distribution::{Bucket, Distribution, MAX_BUCKETS};
pub use log::ReceivedLog;
pub use log_lines::render_log;
pub use metric::{Kind, MAX_QUANTILES, Measure, Metric, ReceivedPoint, SeriesId};
pub use origin::{Hex, Origin, Producer, Protocol, SpanId, TraceId};
pub use plot::plot;
pub use printer::{Command, Printer, PrinterOptions};
pub use render::{Style, render};
pub use server::{Options, StartError, View};
pub use signal::Signal;
pub use span::ReceivedSpan;
pub use store::{Counts, Limits, News, Pace, ReceivedRequest, Series, Store, Trace};
pub use table::{metrics_lines, metrics_table};
pub use text::{clean, fit};
pub use tree::{Line, Placement, Tree};
