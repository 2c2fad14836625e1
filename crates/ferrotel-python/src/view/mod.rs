//! The view: as a program (`python -m ferrotel view`), and as a collector inside this process.

mod dicts;

use std::time::{Duration, Instant};

use ferrotel_view::{Counts, Limits, Options, Printer, PrinterOptions, StartError, View};
use parking_lot::Mutex;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Adds the view's names to the native module.
pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ViewServer>()?;
    module.add_function(wrap_pyfunction!(view_run, module)?)
}

/// How long native code runs before Python's signal handlers get their turn.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

/// Receives OTLP and prints it until a signal handler raises, the reader quits, or `exit_after` traces were shown.
///
/// `color=None` uses colours on a terminal only, and `redraw=None` a table that is redrawn in its place; `width=None`
/// and `height=None` take the terminal's own. Without `metrics` or `logs` these are received and forgotten. Raises
/// `OSError` when a port can't be had and `ValueError` when the host is not a loopback address.
#[pyfunction]
#[pyo3(signature = (grpc_port=4317, http_port=4318, *, host="127.0.0.1", attributes=false, color=None, redraw=None,
    metrics=true, logs=true, max_traces=1000, max_spans=100_000, max_series=10_000, max_logs=10_000, quiet_millis=500,
    log_wait_millis=6000, width=None, height=None, interactive=false, exit_after=None))]
#[expect(clippy::too_many_arguments, reason = "keyword arguments of one Python function")]
fn view_run(
    py: Python<'_>,
    grpc_port: u16,
    http_port: u16,
    host: &str,
    attributes: bool,
    color: Option<bool>,
    redraw: Option<bool>,
    metrics: bool,
    logs: bool,
    max_traces: usize,
    max_spans: usize,
    max_series: usize,
    max_logs: usize,
    quiet_millis: u64,
    log_wait_millis: u64,
    width: Option<usize>,
    height: Option<usize>,
    interactive: bool,
    exit_after: Option<u64>,
) -> PyResult<()> {
    let limits = Limits {
        max_traces,
        max_spans,
        max_series: if metrics { max_series } else { 0 },
        max_logs: if logs { max_logs } else { 0 },
        ..Limits::default()
    };
    let view = start(host, grpc_port, http_port, limits)?;
    let (quiet, log_wait) = (Duration::from_millis(quiet_millis), Duration::from_millis(log_wait_millis));
    let options = PrinterOptions { quiet, log_wait, attributes, color, redraw, width, height, interactive };
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

/// An OTLP collector inside this process, on loopback: gRPC and HTTP on free ports unless told otherwise.
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
    #[pyo3(signature = (grpc_port=0, http_port=0, *, host="127.0.0.1", max_traces=1000, max_spans=100_000,
        max_series=10_000, max_logs=10_000))]
    fn new(
        grpc_port: u16,
        http_port: u16,
        host: &str,
        max_traces: usize,
        max_spans: usize,
        max_series: usize,
        max_logs: usize,
    ) -> PyResult<Self> {
        let limits = Limits { max_traces, max_spans, max_series, max_logs, ..Limits::default() };
        let view = start(host, grpc_port, http_port, limits)?;
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
        let dicts = spans.iter().map(|span| dicts::span(py, span)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// The last state of each series of metrics, by service, name and attributes, each as a dict.
    fn metrics<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let order = |series: &ferrotel_view::Series| {
            let attributes = format!("{:?}", series.attributes);
            (series.origin.service_name().to_owned(), series.metric.name.clone(), attributes)
        };
        let (series, _) = py.detach(|| self.store.series(usize::MAX, order));
        let dicts = series.iter().map(|series| dicts::series(py, series)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// All log records held: those of the traces, oldest trace first, then the others, each as a dict.
    fn logs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let logs = py.detach(|| self.store.logs());
        let dicts = logs.iter().map(|log| dicts::log(py, log)).collect::<PyResult<Vec<_>>>()?;
        PyList::new(py, dicts)
    }

    /// The last requests, oldest first: signal, protocol, path, headers (a list of pairs), and number of spans, data
    /// points or log records.
    fn requests<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let dicts = self.store.requests().into_iter().map(|request| dicts::request(py, request));
        PyList::new(py, dicts.collect::<PyResult<Vec<_>>>()?)
    }

    /// How much arrived, was refused, was dropped for want of room, and is held.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        dicts::counts(py, &self.store.counts())
    }

    /// Waits until `count` spans are held, at most `timeout` seconds. Says whether they are.
    #[pyo3(signature = (count, timeout=10.0))]
    fn wait_for_spans(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        self.wait_for(py, timeout, |counts| counts.spans >= count)
    }

    /// Waits until `count` series of metrics are held, at most `timeout` seconds. Says whether they are.
    #[pyo3(signature = (count, timeout=10.0))]
    fn wait_for_series(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        self.wait_for(py, timeout, |counts| counts.series >= count)
    }

    /// Waits until `count` log records are held, at most `timeout` seconds. Says whether they are.
    #[pyo3(signature = (count, timeout=10.0))]
    fn wait_for_logs(&self, py: Python<'_>, count: usize, timeout: f64) -> PyResult<bool> {
        self.wait_for(py, timeout, |counts| counts.logs >= count)
    }

    /// Forgets all that arrived.
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

impl ViewServer {
    fn wait_for(&self, py: Python<'_>, timeout: f64, enough: impl Fn(Counts) -> bool) -> PyResult<bool> {
        let bounded = Duration::try_from_secs_f64(timeout).map_err(|error| PyValueError::new_err(error.to_string()))?;
        let deadline = Instant::now() + bounded.min(Duration::from_secs(86_400));
        loop {
            if enough(self.store.counts()) {
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            py.detach(|| std::thread::sleep(Duration::from_millis(5)));
            py.check_signals()?;
        }
    }
}

fn start(host: &str, grpc_port: u16, http_port: u16, limits: Limits) -> PyResult<View> {
    View::start(Options { host: host.to_owned(), grpc_port, http_port, limits }).map_err(start_error)
}

fn start_error(error: StartError) -> PyErr {
    if error.is_host_refused() {
        PyValueError::new_err(error.to_string())
    } else {
        PyOSError::new_err(error.to_string())
    }
}
