//! Some entries of a dict.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::{ffi, types::PyDict};

use crate::raw::{self, Raw, guard};

unsafe extern "C" fn pick(_: Raw, args: *const Raw, count: ffi::Py_ssize_t, names: Raw) -> Raw {
    // SAFETY: called by the interpreter; what it passed is alive as long as the call.
    unsafe {
        guard(|py| {
            let [attributes, keys] = raw::arguments(py, "pick", &["attributes", "keys"], 2, args, count, names)?;
            if ffi::PyDict_Check(attributes) == 0 || ffi::PyTuple_Check(keys) == 0 {
                return Err(PyTypeError::new_err("pick() takes a dict and a tuple"));
            }
            let picked = PyDict::new(py);
            for at in 0..ffi::PyTuple_GET_SIZE(keys) {
                let key = ffi::PyTuple_GET_ITEM(keys, at);
                let value = raw::share(ffi::PyDict_GetItemWithError(attributes, key));
                if value.is_null() {
                    if !ffi::PyErr_Occurred().is_null() {
                        return Err(PyErr::fetch(py));
                    }
                    continue;
                }
                let failed = ffi::PyDict_SetItem(picked.as_ptr(), key, value);
                ffi::Py_DECREF(value);
                if failed != 0 {
                    return Err(PyErr::fetch(py));
                }
            }
            Ok(picked.into_ptr())
        })
    }
}

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    raw::add_functions(
        module,
        vec![raw::method(
            c"pick",
            pick,
            c"pick(attributes, keys)\n--\n\nThe entries of a dict under these keys, in their order, as far as there are any.",
        )],
    )
}
