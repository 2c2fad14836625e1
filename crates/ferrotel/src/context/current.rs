//! The current context of a thread.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Once;

use super::Context;
use crate::common::diagnostics::{self, Level};

thread_local! {
    /// What is attached, innermost last. `None` where a guard was dropped before those above it.
    static ATTACHED: RefCell<Vec<Option<Context>>> = const { RefCell::new(Vec::new()) };
}

static WRONG_ORDER: Once = Once::new();

/// Detaches what [`Context::attach`] attached, when it is dropped. Bound to its thread.
#[derive(Debug)]
#[must_use = "the context is detached when the guard is dropped"]
pub struct ContextGuard {
    /// The place in the thread's list; `None` where the thread was ending and nothing was attached.
    place: Option<usize>,
    thread_bound: PhantomData<*const ()>,
}

pub(super) fn get() -> Context {
    // A thread that is ending has no list any more; nothing is attached there.
    ATTACHED.try_with(|attached| attached.borrow().last().cloned().flatten()).ok().flatten().unwrap_or_default()
}

pub(super) fn attach(context: Context) -> ContextGuard {
    let place = ATTACHED.try_with(|attached| {
        let mut attached = attached.borrow_mut();
        attached.push(Some(context));
        attached.len() - 1
    });
    ContextGuard { place: place.ok(), thread_bound: PhantomData }
}

impl Drop for ContextGuard {
    fn drop(&mut self) {
        let Some(place) = self.place else { return };
        // The contexts are dropped after the borrow ends: a value's destructor may itself use the current context.
        let detached = ATTACHED.try_with(|attached| {
            let mut attached = attached.borrow_mut();
            let in_order = place + 1 == attached.len();
            let detached = attached.get_mut(place).and_then(Option::take);
            let innermost = attached.iter().rposition(Option::is_some).map_or(0, |at| at + 1);
            attached.truncate(innermost);
            (in_order, detached)
        });
        if let Ok((false, _)) = detached {
            WRONG_ORDER.call_once(|| {
                diagnostics::log(
                    Level::Error,
                    "opentelemetry.context",
                    "Failed to detach context: a context guard was dropped before a guard that was made after it; \
                     drop guards in the reverse order of Context::attach (reported once)",
                );
            });
        }
    }
}
