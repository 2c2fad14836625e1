//! The trace view: as a program (`python -m ferrotel view`), and as a collector inside this process.

use std::time::{Duration, Instant};

use ferrotel_view::proto::{AnyValue, Event, KeyValue, Link, Value};
use ferrotel_view::{Hex, Limits, Options, Printer, PrinterOptions, ReceivedSpan, StartError, View};
use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};

/// Adds the view's names to the native module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ViewServer>()?;
    module.add_function(wrap_pyfunction!(view_run, module)?)
}

/// How long native code runs before Python's signal handlers get their turn.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// Receives traces and prints them until a signal handler raises, the reader quits, or `exit_after` traces were shown.
///
/// `color=None` uses colours on a terminal only, `width=None` takes the terminal's own. Raises `OSError` when a port
/// can't be had and `ValueError` when the host is not a loopback address.
#[pyfunction]
#[pyo3(signature = (grpc_port=4317, http_port=4318, *, host="127.0.0.1", attributes=false, color=None, max_traces=1000,
    max_spans=100_000, quiet_millis=500, width=None, interactive=false, exit_after=None))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python function")]
fn view_run(
    py: Python<'_>,
    grpc_port: u16,
    http_port: u16,
    host: &str,
    attributes: bool,
    color: Option<bool>,
    max_traces: usize,
    max_spans: usize,
    quiet_millis: u64,
    width: Option<usize>,
    interactive: bool,
    exit_after: Option<u64>,
) -> PyResult<()> {
    let view = start(host, grpc_port, http_port, max_traces, max_spans)?;
    let quiet = Duration::from_millis(quiet_millis);
    let options = PrinterOptions { quiet, attributes, color, width, interactive };
    let mut printer = Printer::new(view.store().clone(), options);
    printer.greet(&view)?;
    let ended = loop {
        match py.detach(|| printer.step(SIGNAL_CHECK)) {
            Ok(true) if exit_after.is_none_or(|wanted| printer.shown() < wanted) => {}
            Ok(_) => break Ok(()),
            Err(error) => break Err(PyErr::from(error)),
        }
        if let Err(raised) = py.check_signals() {
            break Err(raised);
        }
    };
    py.detach(|| view.stop());
    if ended.as_ref().map_or_else(|error| !error.is_instance_of::<PyOSError>(py), |()| true) {
        // Who closed the output meanwhile does not want to read it.
        let _ = printer.farewell();
    }
    ended
}

/// An OTLP collector for traces inside this process, on loopback: gRPC and HTTP on free ports unless told otherwise.
///
/// Raises `OSError` when a port can't be had and `ValueError` when the host is not a loopback address.
#[pyclass(frozen, module = "ferrotel._native")]
struct ViewServer {
    view: Mutex<Option<View>>,
    store: std::sync::Arc<ferrotel_view::Store>,
    /// TCP port of OTLP over gRPC.
    #[pyo3(get)]
    grpc_port: u16,
    /// TCP port of OTLP over HTTP.
    #[pyo3(get)]
    http_port: u16,
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` must be to reach it over gRPC.
    #[pyo3(get)]
    grpc_endpoint: String,
    /// What `OTEL_EXPORTER_OTLP_ENDPOINT` must be to reach it over HTTP.
    #[pyo3(get)]
    http_endpoint: String,
}

#[pymethods]
impl ViewServer {
    #[new]
    #[pyo3(signature = (grpc_port=0, http_port=0, *, host="127.0.0.1", max_traces=1000, max_spans=100_000))]
    fn new(grpc_port: u16, http_port: u16, host: &str, max_traces: usize, max_spans: usize) -> PyResult<Self> {
        let view = start(host, grpc_port, http_port, max_traces, max_spans)?;
        let (grpc, http) = (view.grpc_address(), view.http_address());
        Ok(Self {
            store: view.store().clone(),
            grpc_port: grpc.port(),
            http_port: http.port(),
            grpc_endpoint: format!("http://{grpc}"),
            http_endpoint: format!("http://{http}"),
            view: Mutex::new(Some(view)),
        })
    }

    /// All spans held, oldest trace first, each as a dict.
    fn spans<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let spans = py.detach(|| self.store.spans());
        let dicts = spans.iter().map(|span| span_dict(py, span)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// The last requests, oldest first: protocol, path, headers (a list of pairs) and number of spans.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let dicts = self.store.requests().into_iter().map(|request| {
            let dict = PyDict::new(py);
            dict.set_item("protocol", request.protocol.as_str())?;
            dict.set_item("path", request.path)?;
            dict.set_item("headers", request.headers)?;
            dict.set_item("spans", request.spans)?;
            Ok(dict)
        });
        PyList::new(py, dicts.collect::<PyResult<Vec<_>>>()?)
    }

    /// How many spans arrived, were refused, were dropped for want of room, and are held.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.store.counts();
        let dict = PyDict::new(py);
        dict.set_item("traces", counts.traces)?;
        dict.set_item("spans", counts.spans)?;
        dict.set_item("received_spans", counts.received_spans)?;
        dict.set_item("rejected_spans", counts.rejected_spans)?;
        dict.set_item("dropped_spans", counts.dropped_spans)?;
        dict.set_item("dropped_traces", counts.dropped_traces)?;
        Ok(dict)
    }

    /// Waits until `count` spans are held, at most `timeout` seconds. Says whether they are.
    #[pyo3(signature = (count, timeout=10.0))]
    fn wait_for_spans(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        let bounded = Duration::try_from_secs_f64(timeout).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let deadline = Instant::now() + bounded.min(Duration::from_secs(86_400));
        loop {
            if self.store.counts().spans >= count {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            py.detach(|| std::thread::sleep(Duration::from_millis(5)));
            py.check_signals()?;
        }
    }

    /// Forgets all spans and requests.
    fn clear(&self) {
        self.store.clear();
    }

    /// Closes the ports; what has arrived can still be read. A second call does nothing.
    fn stop(&self, py: Python<'_>) {
        let view = self.view.lock().take();
        py.detach(|| drop(view));
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) {
        self.stop(py);
    }
}

fn start(host: &str, grpc_port: u16, http_port: u16, max_traces: usize, max_spans: usize) -> PyResult<View> {
    let limits = Limits { max_traces, max_spans, ..Limits::default() };
    View::start(Options { host: host.to_owned(), grpc_port, http_port, limits }).map_err(start_error)
}

fn start_error(error: StartError) -> PyErr {
    if error.is_host_refused() {
        PyValueError::new_err(error.to_string())
    } else {
        PyOSError::new_err(error.to_string())
    }
}

fn span_dict<'py>(py: Python<'py>, received: &ReceivedSpan) -> PyResult<Bound<'py, PyDict>> {
    let (span, origin) = (&received.span, &received.origin);
    let dict = PyDict::new(py);
    dict.set_item("trace_id", Hex(&received.trace_id).to_string())?;
    dict.set_item("span_id", Hex(&received.span_id).to_string())?;
    dict.set_item("parent_span_id", received.parent_span_id.map(|id| Hex(&id).to_string()))?;
    dict.set_item("trace_state", &span.trace_state)?;
    dict.set_item("flags", span.flags)?;
    dict.set_item("name", &span.name)?;
    dict.set_item("kind", span.kind)?;
    dict.set_item("start_time_unix_nano", span.start_time_unix_nano)?;
    dict.set_item("end_time_unix_nano", span.end_time_unix_nano)?;
    dict.set_item("attributes", pairs_dict(py, &span.attributes)?)?;
    dict.set_item("dropped_attributes_count", span.dropped_attributes_count)?;
    let events = span.events.iter().map(|event| event_dict(py, event)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("events", events)?;
    dict.set_item("dropped_events_count", span.dropped_events_count)?;
    let links = span.links.iter().map(|link| link_dict(py, link)).collect::<PyResult<Vec<_>>>()?;
    dict.set_item("links", links)?;
    dict.set_item("dropped_links_count", span.dropped_links_count)?;
    dict.set_item("status_code", span.status.as_ref().map_or(0, |status| status.code))?;
    dict.set_item("status_message", span.status.as_ref().map_or("", |status| &status.message))?;
    dict.set_item("resource", pairs_dict(py, &origin.producer.resource.attributes)?)?;
    dict.set_item("resource_schema_url", &origin.producer.schema_url)?;
    dict.set_item("scope_name", &origin.scope.name)?;
    dict.set_item("scope_version", &origin.scope.version)?;
    dict.set_item("scope_attributes", pairs_dict(py, &origin.scope.attributes)?)?;
    dict.set_item("scope_schema_url", &origin.schema_url)?;
    dict.set_item("protocol", origin.protocol.as_str())?;
    Ok(dict)
}

fn event_dict<'py>(py: Python<'py>, event: &Event) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("name", &event.name)?;
    dict.set_item("time_unix_nano", event.time_unix_nano)?;
    dict.set_item("attributes", pairs_dict(py, &event.attributes)?)?;
    dict.set_item("dropped_attributes_count", event.dropped_attributes_count)?;
    Ok(dict)
}

fn link_dict<'py>(py: Python<'py>, link: &Link) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("trace_id", Hex(&link.trace_id).to_string())?;
    dict.set_item("span_id", Hex(&link.span_id).to_string())?;
    dict.set_item("trace_state", &link.trace_state)?;
    dict.set_item("flags", link.flags)?;
    dict.set_item("attributes", pairs_dict(py, &link.attributes)?)?;
    dict.set_item("dropped_attributes_count", link.dropped_attributes_count)?;
    Ok(dict)
}

fn pairs_dict<'py>(py: Python<'py>, pairs: &[KeyValue]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for pair in pairs {
        dict.set_item(&pair.key, any_value(py, pair.value.as_ref())?)?;
    }
    Ok(dict)
}

/// Recursion is bounded: the decoders refuse values nested deeper than about a hundred levels.
fn any_value<'py>(py: Python<'py>, any: Option<&AnyValue>) -> PyResult<Bound<'py, PyAny>> {
    Ok(match any.and_then(|any| any.value.as_ref()) {
        None => py.None().into_bound(py),
        Some(Value::String(text)) => PyString::new(py, text).into_any(),
        Some(Value::Bool(flag)) => flag.into_pyobject(py)?.to_owned().into_any(),
        Some(Value::Int(int)) => int.into_pyobject(py)?.into_any(),
        Some(Value::Double(double)) => double.into_pyobject(py)?.into_any(),
        Some(Value::Bytes(bytes)) => PyBytes::new(py, bytes).into_any(),
        Some(Value::Array(array)) => {
            let items = array.values.iter().map(|item| any_value(py, Some(item))).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, items)?.into_any()
        }
        Some(Value::Kvlist(list)) => pairs_dict(py, &list.values)?.into_any(),
    })
}
