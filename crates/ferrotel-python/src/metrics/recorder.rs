//! Where an instrument's measurements go, once it is known that no Python code has a say.

use std::sync::Arc;

use ferrotel::common::Attributes;
use ferrotel::sdk::metrics::{ExemplarFilter, ExemplarOffer, Number, Series, Stream};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use super::exemplar::Offered;
use super::series_cache::{Entry, Key, SeriesCache};
use super::stream::MetricStream;
use crate::convert;
use crate::error::warn_with;
use crate::raw::Raw;
use crate::types::MAPPING;

/// The streams of one instrument, of all readers.
///
/// It lives in a Python object that any Python code may change, so no reference to it is held while such code can run.
pub struct Recorder {
    streams: Box<[Arc<Stream>]>,
    /// Which measurements may become exemplars.
    pub filter: ExemplarFilter,
    cache: SeriesCache,
}

/// Whether a measurement was recorded.
pub enum Recorded {
    /// It was.
    Done,
    /// Its attributes are not known yet: [`attributes`] converts them, and [`Recorder::learn`] takes them.
    Unknown,
}

impl Recorder {
    /// From what `_resolve` returns: the filter's name and the streams.
    ///
    /// # Errors
    /// Anything else than that.
    pub fn new(resolved: &Bound<'_, PyAny>) -> PyResult<Self> {
        let (filter, streams): (String, Bound<'_, PyTuple>) = resolved.extract()?;
        let filter = ExemplarFilter::parse(&filter).map_err(|_| PyValueError::new_err("no exemplar filter"))?;
        let mut all = Vec::with_capacity(streams.len());
        for stream in streams.iter() {
            let stream = stream.cast::<MetricStream>().map_err(|_| PyRuntimeError::new_err("no stream"))?;
            all.push(stream.get().stream().clone());
        }
        Ok(Recorder { streams: all.into(), filter, cache: SeriesCache::default() })
    }

    /// The streams.
    pub fn streams(&self) -> &[Arc<Stream>] {
        &self.streams
    }

    /// Records a measurement whose attributes were met before. Runs no Python code.
    ///
    /// # Safety
    /// Attached; `attributes` is null or alive.
    #[inline]
    pub unsafe fn record(&mut self, number: Number, attributes: Raw, offered: Option<Offered>) -> Recorded {
        let Recorder { streams, cache, .. } = self;
        // SAFETY: the caller's promise.
        let entry = unsafe {
            if is_nothing(attributes) {
                cache.without()
            } else if ffi::PyDict_CheckExact(attributes) == 0 {
                None
            } else if let Some(entry) = cache.again(attributes) {
                // The borrow checker does not see that this arm alone returns the entry.
                Some(&mut *std::ptr::from_mut(entry))
            } else {
                key(attributes).and_then(|key| cache.find(&key))
            }
        };
        match entry {
            Some(entry) => {
                put(streams, entry, number, offered);
                Recorded::Done
            }
            None => Recorded::Unknown,
        }
    }

    /// Records a measurement with converted attributes, and remembers them where the dict they came from allows it.
    /// Runs no Python code.
    ///
    /// # Safety
    /// As [`record`](Self::record).
    #[cold]
    pub unsafe fn learn(&mut self, number: Number, attributes: Raw, converted: Converted, offered: Option<Offered>) {
        let Recorder { streams, cache, .. } = self;
        let Converted { attributes: converted, simple } = converted;
        // SAFETY: the caller's promise.
        let (nothing, key) = unsafe {
            let nothing = is_nothing(attributes);
            (nothing, if simple && !nothing { key(attributes) } else { None })
        };
        if !simple || (key.is_none() && !nothing) {
            let offer = offer(&converted, offered);
            for stream in &**streams {
                stream.record(&converted, number, offer.as_ref());
            }
            return;
        }
        let converted = Arc::new(converted);
        let series: Box<[Arc<Series>]> = streams.iter().map(|stream| stream.series(&converted)).collect();
        put(streams, cache.insert(key.as_ref(), converted, series), number, offered);
    }
}

#[inline]
fn put(streams: &[Arc<Stream>], entry: &mut Entry, number: Number, offered: Option<Offered>) {
    let Entry { attributes, series, .. } = entry;
    let offer = offer(attributes, offered);
    for (series, stream) in series.iter_mut().zip(streams) {
        while series.record(number, offer.as_ref()).is_err() {
            *series = stream.series(attributes);
        }
    }
}

#[inline]
fn offer(attributes: &Attributes, offered: Option<Offered>) -> Option<ExemplarOffer<'_>> {
    offered.map(|offered| ExemplarOffer { time: offered.time, span: offered.span, attributes, host: None })
}

/// # Safety
/// Null or alive.
#[inline]
unsafe fn is_nothing(attributes: Raw) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        attributes.is_null()
            || attributes == ffi::Py_None()
            || (ffi::PyDict_CheckExact(attributes) != 0 && ffi::PyDict_Size(attributes) == 0)
    }
}

/// # Safety
/// Attached; `attributes` is alive.
#[inline]
unsafe fn key(attributes: Raw) -> Option<Key> {
    // SAFETY: the caller's promise.
    unsafe { if ffi::PyDict_CheckExact(attributes) != 0 { Key::of(attributes) } else { None } }
}

/// The engine's attributes for what a program gave.
pub struct Converted {
    /// What could be read of them.
    pub attributes: Attributes,
    /// Whether they were of the simple types, so that converting them cannot have changed them.
    simple: bool,
}

impl Converted {
    /// Converts. May run Python code, but raises nothing: what is no mapping is reported and left out.
    #[cold]
    pub fn new(py: Python<'_>, object: Raw) -> Self {
        // SAFETY: null or alive.
        let Some(object) = (unsafe { crate::raw::given(py, object) }) else {
            return Converted { attributes: Attributes::new(), simple: true };
        };
        // SAFETY: alive.
        let simple = unsafe { is_nothing(object.as_ptr()) || key(object.as_ptr()).is_some() };
        let is_mapping = simple || MAPPING.get(py).and_then(|mapping| object.is_instance(&mapping)).unwrap_or(false);
        if !is_mapping {
            crate::raw::settle();
            warn_with(
                py,
                "opentelemetry.sdk.metrics._internal.measurement",
                "Invalid type '%s' for attributes. Expected a Mapping or None.",
                object.get_type(),
            );
            return Converted { attributes: Attributes::new(), simple: false };
        }
        Converted { attributes: convert::attributes_from_py(Some(&object), None, None), simple }
    }
}
