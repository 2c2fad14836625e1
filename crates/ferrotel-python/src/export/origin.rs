//! Resources and scopes of Python's, each read once per batch.

use std::sync::Arc;

use ferrotel::common::Scope;
use ferrotel::resource::Resource;
use pyo3::prelude::*;

use crate::trace::{resource_from_py, scope_from_py};

/// What was read last. It holds the Python objects, so that an address stands for one object while it lives.
#[derive(Default)]
pub struct Origins<'py> {
    resource: Option<(Bound<'py, PyAny>, Arc<Resource>)>,
    scope: Option<(Bound<'py, PyAny>, Arc<Scope>)>,
}

impl<'py> Origins<'py> {
    /// These are known already.
    pub fn knowing(resource: (Bound<'py, PyAny>, Arc<Resource>), scope: (Bound<'py, PyAny>, Arc<Scope>)) -> Self {
        Origins { resource: Some(resource), scope: Some(scope) }
    }

    /// The engine's resource; the empty one for None.
    ///
    /// # Errors
    /// An object that has no attributes.
    pub fn resource(&mut self, resource: Bound<'py, PyAny>) -> PyResult<Arc<Resource>> {
        remembered(&mut self.resource, resource, resource_from_py)
    }

    /// The engine's scope; the empty one for None.
    ///
    /// # Errors
    /// An object that has no name.
    pub fn scope(&mut self, scope: Bound<'py, PyAny>) -> PyResult<Arc<Scope>> {
        remembered(&mut self.scope, scope, scope_from_py)
    }
}

fn remembered<'py, T: Default>(
    last: &mut Option<(Bound<'py, PyAny>, Arc<T>)>,
    object: Bound<'py, PyAny>,
    read: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<Arc<T>>,
) -> PyResult<Arc<T>> {
    if let Some((known, made)) = last
        && known.is(&object)
    {
        return Ok(made.clone());
    }
    let made = if object.is_none() { Arc::default() } else { read(&object)? };
    *last = Some((object, made.clone()));
    Ok(made)
}
