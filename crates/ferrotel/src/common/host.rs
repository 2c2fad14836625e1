//! A slot in which a language binding keeps its own object for one of the engine's.

use std::any::Any;
use std::sync::{Arc, OnceLock};

/// Empty until the binding fills it, once; never looked at by the engine, equal to every other slot.
#[derive(Default, Clone)]
pub struct HostSlot(OnceLock<Arc<dyn Any + Send + Sync>>);

impl HostSlot {
    /// Fills the slot; a slot that is filled stays as it is.
    pub fn fill(&self, object: Arc<dyn Any + Send + Sync>) {
        let _ = self.0.set(object);
    }

    /// The object, where it is of type `T`.
    pub fn object<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.0.get()?.downcast_ref()
    }
}

impl std::fmt::Debug for HostSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.get().is_some() { "HostSlot(filled)" } else { "HostSlot(empty)" })
    }
}

impl PartialEq for HostSlot {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
