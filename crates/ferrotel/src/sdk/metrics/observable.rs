//! Instruments that are read when metrics are collected.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::instrument::{Instrument, IntoAttributes, offering};
use super::{ExemplarFilter, Number, Stream};
use crate::common::diagnostics::{self, Level};
use crate::sdk::batch::panic_text;

/// What an observable instrument is read with. Called by each reader, whenever it collects, on the reader's thread.
pub type Callback = Box<dyn Fn(&Observer<'_>) + Send + Sync>;

/// Takes what a [`Callback`] reads.
pub struct Observer<'a> {
    instrument: &'a Instrument,
    /// Those of the reader that collects.
    streams: &'a [Arc<Stream>],
    filter: ExemplarFilter,
}

impl Observer<'_> {
    /// Takes an absolute value. What is not finite is ignored, and reported once.
    pub fn observe<'a>(&self, value: impl Into<Number>, attributes: impl IntoAttributes<'a>) {
        let (value, attributes) = (value.into(), attributes.into_attributes());
        if self.instrument.accepts(value) {
            offering(self.filter, &attributes, |offer| {
                self.streams.iter().for_each(|stream| stream.observe(&attributes, value, offer));
            });
        }
    }
}

/// A callback with its instrument.
pub(super) struct Registration {
    pub instrument: Arc<Instrument>,
    pub callback: Callback,
}

impl Registration {
    /// Reads the instrument for one reader. A panic is reported, and loses only what was not observed yet.
    pub fn observe(&self, streams: &[Arc<Stream>], filter: ExemplarFilter) {
        let observer = Observer { instrument: &self.instrument, streams, filter };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| (self.callback)(&observer))) {
            let name = &self.instrument.description.name;
            let line = format!("Callback failed for instrument {name}: panic: {}", panic_text(&*panic));
            diagnostics::log(Level::Error, "opentelemetry.sdk.metrics._internal.instrument", &line);
        }
    }
}

macro_rules! observable {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        ///
        /// Its callbacks are called for as long as its provider lives, whether or not this is kept.
        #[derive(Clone)]
        pub struct $name(Arc<Instrument>);

        impl $name {
            pub(super) fn new(instrument: Arc<Instrument>) -> Self {
                $name(instrument)
            }

            /// Whether observations come to anything.
            pub fn enabled(&self) -> bool {
                self.0.enabled()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0.description.name).finish()
            }
        }
    )+};
}

observable! {
    /// A sum that only grows, and is read as a whole (specification: metrics API, asynchronous counter).
    ObservableCounter;

    /// A sum that grows and shrinks, and is read as a whole (specification: metrics API, asynchronous up-down counter).
    ObservableUpDownCounter;

    /// A value that cannot be added up with others (specification: metrics API, asynchronous gauge).
    ObservableGauge;
}
