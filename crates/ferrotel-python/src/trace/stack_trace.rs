//! The text of an exception with its stack trace, as `traceback.format_exception` writes it, at a fraction of its cost.
//!
//! What takes the time there is the text of a frame: its source line, and from 3.11 on the marks under it. It depends on
//! the code, the instruction, the line and the source alone, so it is kept. Whether the source file has changed is asked
//! each time, as `traceback` does. Whatever is out of the ordinary is left to `traceback`.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use pyo3::exceptions::{PyAttributeError, PyException, PyImportError, PyNameError, PySyntaxError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyFloat, PyInt, PyModule, PyString, PyTuple, PyType};
use pyo3::{ffi, intern};

use crate::raw;

/// Frames whose text is kept. A program has few places at which it raises; all are forgotten when there are more.
const KEPT: usize = 2048;
/// More equal frames in a row than this are folded.
const REPEATED: usize = 3;
/// A chain of more exceptions than this is left to `traceback`.
const CHAINED: usize = 16;

/// Address of the code, instruction, line.
type Place = (usize, i64, i64);

/// The text of one frame.
struct Kept {
    /// Keeps the code's address from being another's.
    _code: Py<PyAny>,
    /// What `linecache` had of the file then.
    source: Py<PyAny>,
    text: String,
}

static FRAMES: Mutex<Option<HashMap<Place, Kept>>> = Mutex::new(None);

/// The modules behind all this.
struct Modules {
    traceback: Py<PyModule>,
    linecache: Py<PyModule>,
    sys: Py<PyModule>,
    /// `opentelemetry.sdk.trace._stack_trace`.
    own: Py<PyModule>,
    /// BaseExceptionGroup, where there is such a thing.
    group: Option<Py<PyType>>,
}

static MODULES: PyOnceLock<Modules> = PyOnceLock::new();

fn modules(py: Python<'_>) -> PyResult<&'static Modules> {
    MODULES.get_or_try_init(py, || {
        let group = py.import("builtins")?.getattr_opt("BaseExceptionGroup")?;
        Ok(Modules {
            traceback: py.import("traceback")?.unbind(),
            linecache: py.import("linecache")?.unbind(),
            sys: py.import("sys")?.unbind(),
            own: py.import("opentelemetry.sdk.trace._stack_trace")?.unbind(),
            group: group.map(|group| group.cast_into()).transpose()?.map(Bound::unbind),
        })
    })
}

/// The text, where everything is as it usually is; `None` where `traceback` itself has to be asked.
///
/// # Errors
/// Only KeyboardInterrupt and its like.
pub fn usual_text(exception: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let py = exception.py();
    let text = chain(py, exception).or_else(|error| {
        // An exception with attributes of its own kind: traceback knows, or raises as it does.
        if error.is_instance_of::<PyException>(py) { Ok(None) } else { Err(error) }
    })?;
    if text.is_none() {
        raw::settle();
    }
    Ok(text)
}

fn chain<'py>(py: Python<'py>, exception: &Bound<'py, PyAny>) -> PyResult<Option<String>> {
    let modules = modules(py)?;
    if !is_usual(py, modules)? {
        return Ok(None);
    }
    // From the last one raised to the first; the text begins with the first.
    let mut texts: Vec<(String, Option<Bound<'py, PyAny>>)> = Vec::with_capacity(1);
    let mut seen = vec![exception.clone()];
    let mut exception = exception.clone();
    loop {
        let mut text = String::new();
        if !one(py, modules, &exception, &mut text)? {
            return Ok(None);
        }
        let traceback = modules.traceback.bind(py);
        let cause = exception.getattr(intern!(py, "__cause__"))?;
        let (next, between) = if !cause.is_none() {
            (cause, traceback.getattr(intern!(py, "_cause_message"))?)
        } else {
            let context = exception.getattr(intern!(py, "__context__"))?;
            if context.is_none() || exception.getattr(intern!(py, "__suppress_context__"))?.is_truthy()? {
                texts.push((text, None));
                break;
            }
            (context, traceback.getattr(intern!(py, "_context_message"))?)
        };
        if seen.len() == CHAINED || seen.iter().any(|seen| seen.is(&next)) {
            return Ok(None);
        }
        texts.push((text, Some(between)));
        seen.push(next.clone());
        exception = next;
    }
    if let [(text, None)] = &mut texts[..] {
        return Ok(Some(std::mem::take(text)));
    }
    let mut whole = String::new();
    for (text, after) in texts.iter().rev() {
        if let Some(between) = after {
            let Some(between) = utf8(between) else { return Ok(None) };
            whole.push_str(between);
        }
        whole.push_str(text);
    }
    Ok(Some(whole))
}

/// Whether nobody replaced a part of what writes stack traces. That is Python's to say; as long as neither namespace nor
/// class has changed, it stays true.
fn is_usual(py: Python<'_>, modules: &Modules) -> PyResult<bool> {
    static SEEN: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
    let traceback = modules.traceback.bind(py).dict();
    let limited = modules.sys.bind(py).dict().contains(intern!(py, "tracebacklimit"))?;
    if limited {
        return Ok(false);
    }
    let versions = || -> PyResult<[u64; 4]> {
        let class = |name: &Bound<'_, PyString>| -> PyResult<u64> {
            let class = traceback.get_item(name)?.and_then(|class| class.cast_into::<PyType>().ok());
            Ok(class.map_or(0, |class| type_version(&class)))
        };
        // SAFETY: two modules' dicts.
        let (a, b) = unsafe {
            (raw::dict_version(traceback.as_ptr()), raw::dict_version(modules.linecache.bind(py).dict().as_ptr()))
        };
        Ok([a, b, class(intern!(py, "TracebackException"))?, class(intern!(py, "StackSummary"))?])
    };
    let now = versions()?;
    if !now.contains(&0) && now.iter().zip(&SEEN).all(|(now, seen)| *now == seen.load(Ordering::Relaxed)) {
        return Ok(true);
    }
    let usual = modules.own.bind(py).getattr(intern!(py, "_is_usual"))?.call0()?.is_truthy()?;
    // Asking may have given the classes their versions.
    let seen = if usual { versions()? } else { [0; 4] };
    for (kept, seen) in SEEN.iter().zip(seen) {
        kept.store(seen, Ordering::Relaxed);
    }
    Ok(usual)
}

/// Another one with each change of a class; 0 where it has none at the moment.
fn type_version(class: &Bound<'_, PyType>) -> u64 {
    // SAFETY: a type.
    unsafe {
        let class = class.as_type_ptr();
        let valid = cfg!(Py_3_13) || (*class).tp_flags & ffi::Py_TPFLAGS_VALID_VERSION_TAG != 0;
        if valid { (*class).tp_version_tag.into() } else { 0 }
    }
}

/// Appends one exception without the others; returns false where it is not an ordinary one.
fn one<'py>(py: Python<'py>, modules: &Modules, exception: &Bound<'py, PyAny>, text: &mut String) -> PyResult<bool> {
    let mut entry = exception.getattr(intern!(py, "__traceback__"))?;
    // Their texts say more than type and message.
    let unusual = exception.is_instance_of::<PySyntaxError>()
        || exception.is_instance_of::<PyImportError>()
        || exception.is_instance_of::<PyNameError>()
        || exception.is_instance_of::<PyAttributeError>()
        || modules.group.as_ref().is_some_and(|group| exception.get_type().is_subclass(group.bind(py)).unwrap_or(true));
    if unusual
        || entry.is_none()
        || exception.getattr_opt(intern!(py, "__notes__"))?.is_some_and(|notes| !notes.is_none())
    {
        return Ok(false);
    }
    text.push_str("Traceback (most recent call last):\n");
    let mut checked: Option<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> = None;
    let mut last: Option<(Bound<'py, PyAny>, i64, Bound<'py, PyAny>)> = None;
    let mut repeated = 0;
    while !entry.is_none() {
        let code = entry.getattr(intern!(py, "tb_frame"))?.getattr(intern!(py, "f_code"))?;
        let instruction: i64 = entry.getattr(intern!(py, "tb_lasti"))?.extract()?;
        let line: Option<i64> = entry.getattr(intern!(py, "tb_lineno"))?.extract()?;
        let Some(line) = line else { return Ok(false) };
        let file = code.getattr(intern!(py, "co_filename"))?;
        let source = match &checked {
            Some((known, source)) if known.is(&file) => source.clone(),
            _ => {
                let source = checked_source(py, modules, &file)?;
                checked = Some((file.clone(), source.clone()));
                source
            }
        };
        let name = code.getattr(intern!(py, "co_name"))?;
        let again = match &last {
            Some((f, l, n)) => *l == line && (n.is(&name) || n.eq(&name)?) && (f.is(&file) || f.eq(&file)?),
            None => false,
        };
        repeated = if again { repeated + 1 } else { 1 };
        if repeated > REPEATED {
            return Ok(false);
        }
        last = Some((file, line, name));
        let place = (code.as_ptr() as usize, instruction, line);
        if !append_kept(place, source.as_ref(), text) {
            let Some(made) = keep(py, modules, place, &code, &entry)? else { return Ok(false) };
            text.push_str(&made);
            // It was written with what linecache had read by then.
            checked = None;
        }
        entry = entry.getattr(intern!(py, "tb_next"))?;
    }
    let kind = exception.get_type();
    let module = kind.getattr(intern!(py, "__module__"))?;
    let (Ok(module), name) = (module.cast_exact::<PyString>(), kind.getattr(intern!(py, "__qualname__"))?) else {
        return Ok(false);
    };
    let Ok(message) = exception.str() else { return Ok(false) };
    let (Some(module), Some(name), Some(message)) = (utf8(module), utf8(&name), utf8(message.as_any())) else {
        return Ok(false);
    };
    if module != "__main__" && module != "builtins" {
        text.push_str(module);
        text.push('.');
    }
    text.push_str(name);
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    text.push('\n');
    Ok(true)
}

/// The UTF-8 of a string; `None` where it has none, for a lone surrogate.
fn utf8<'a>(text: &'a Bound<'_, PyAny>) -> Option<&'a str> {
    let text = text.cast::<PyString>().ok()?;
    text.to_str().map_err(drop).ok()
}

/// Appends the text of a place, if it is kept, and was made from this source.
fn append_kept(place: Place, source: Option<&Bound<'_, PyAny>>, text: &mut String) -> bool {
    let Some(source) = source else { return false };
    let frames = FRAMES.lock();
    match frames.as_ref().and_then(|frames| frames.get(&place)) {
        Some(kept) if kept.source.as_ptr() == source.as_ptr() => {
            text.push_str(&kept.text);
            true
        }
        _ => false,
    }
}

/// Has the text of a frame made, and keeps it; `None` where that cannot be done.
#[cold]
fn keep<'py>(
    py: Python<'py>,
    modules: &Modules,
    place: Place,
    code: &Bound<'py, PyAny>,
    entry: &Bound<'py, PyAny>,
) -> PyResult<Option<String>> {
    let made = modules.own.bind(py).getattr(intern!(py, "_keep"))?.call1((code, entry))?;
    if made.is_none() {
        return Ok(None);
    }
    let (source, text): (Py<PyAny>, Bound<'py, PyAny>) = made.extract()?;
    let Some(text) = utf8(&text).map(str::to_owned) else { return Ok(None) };
    let kept = Kept { _code: code.clone().unbind(), source, text: text.clone() };
    // What was there is dropped after the lock: it owns Python objects.
    let (full, replaced) = {
        let mut frames = FRAMES.lock();
        let full = if frames.as_ref().is_some_and(|frames| frames.len() >= KEPT) { frames.take() } else { None };
        (full, frames.get_or_insert_default().insert(place, kept))
    };
    drop((full, replaced));
    Ok(Some(text))
}

/// What `linecache` has of a file, after `checkcache`.
fn checked_source<'py>(
    py: Python<'py>,
    modules: &Modules,
    file: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let linecache = modules.linecache.bind(py);
    let of_file = || -> PyResult<Option<Bound<'py, PyAny>>> {
        let cache = linecache.getattr(intern!(py, "cache"))?.cast_into_exact::<PyDict>()?;
        cache.get_item(file)
    };
    let before = of_file()?;
    if let Some(source) = &before
        && is_unchanged(py, source) == Some(true)
    {
        return Ok(before);
    }
    linecache.getattr(intern!(py, "checkcache"))?.call1((file,))?;
    of_file()
}

/// Whether the file is as large and as old as `linecache` says; `None` where it does not say.
fn is_unchanged(py: Python<'_>, source: &Bound<'_, PyAny>) -> Option<bool> {
    let source = source.cast_exact::<PyTuple>().ok().filter(|source| source.len() == 4)?;
    let member = |at: usize| source.get_item(at).ok();
    let size: u64 = member(0)?.cast_exact::<PyInt>().ok()?.extract().ok()?;
    let time = member(1)?.cast_exact::<PyFloat>().ok()?.value();
    let path = member(3)?;
    let path = utf8(&path)?.to_owned();
    // A file system may take its time.
    let metadata = py.detach(|| std::fs::metadata(path)).ok()?;
    Some(metadata.len() == size && modified(&metadata)? == time)
}

/// As `os.stat` says it.
#[cfg(unix)]
fn modified(metadata: &std::fs::Metadata) -> Option<f64> {
    use std::os::unix::fs::MetadataExt;
    Some(metadata.mtime() as f64 + 1e-9 * metadata.mtime_nsec() as f64)
}

#[cfg(not(unix))]
fn modified(_: &std::fs::Metadata) -> Option<f64> {
    None
}

/// The text of an exception, where everything is as it usually is.
#[pyfunction]
fn usual_stack_trace(exception: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    usual_text(exception)
}

/// The number of frames whose text is kept.
#[pyfunction]
fn kept_frames() -> usize {
    FRAMES.lock().as_ref().map_or(0, HashMap::len)
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(usual_stack_trace, module)?)?;
    module.add_function(wrap_pyfunction!(kept_frames, module)?)
}
