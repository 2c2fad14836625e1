//! Contexts are immutable; each thread has a current one.

mod log;

use std::cell::RefCell;
use std::sync::Arc;

use ferrotel::context::{Context, Key};
use proptest::prelude::*;

#[test]
fn a_value_is_only_in_the_context_that_was_returned() {
    let key: Key<u32> = Key::new("number");
    let empty = Context::new();
    let one = empty.with_value(key, 1);
    let two = one.with_value(key, 2);
    assert_eq!((empty.value(key), one.value(key), two.value(key)), (None, Some(&1), Some(&2)));
    assert_eq!((two.without_value(key).value(key), two.value(key)), (None, Some(&2)));
}

#[test]
fn keys_of_one_name_do_not_meet() {
    let (a, b): (Key<u32>, Key<u32>) = (Key::new("same"), Key::new("same"));
    let context = Context::new().with_value(a, 1);
    assert_eq!((context.value(a), context.value(b)), (Some(&1), None));
    assert_ne!(a, b);
}

#[test]
fn the_span_slot_is_apart_from_the_values() {
    let key: Key<&str> = Key::new("value");
    let context = Context::new().with_value(key, "v").with_span_slot(Arc::new(7_u64));
    assert_eq!(context.span_slot::<u64>(), Some(&7));
    assert_eq!(context.span_slot::<u32>(), None, "another type");
    assert_eq!(context.value(key), Some(&"v"));
    assert_eq!(context.with_span_slot(Arc::new(8_u64)).span_slot_shared::<u64>().as_deref(), Some(&8));
    assert_eq!(context.without_value(key).span_slot::<u64>(), Some(&7));
}

#[test]
fn debug_shows_names_and_no_values() {
    let key: Key<&str> = Key::new("password");
    let text = format!("{:?}", Context::new().with_value(key, "hunter2"));
    assert!(text.contains("password") && !text.contains("hunter2"), "{text}");
}

#[test]
fn attached_contexts_nest() {
    let key: Key<u32> = Key::new("depth");
    let depth = || Context::current().value(key).copied();
    assert_eq!(depth(), None);
    let outer = Context::current().with_value(key, 1).attach();
    let inner = Context::current().with_value(key, 2).attach();
    assert_eq!(depth(), Some(2));
    drop(inner);
    assert_eq!(depth(), Some(1));
    drop(outer);
    assert_eq!(depth(), None);
}

#[test]
fn a_thread_starts_without_a_context_and_may_be_given_one() {
    let key: Key<u32> = Key::new("number");
    let context = Context::new().with_value(key, 1);
    let _attached = context.clone().attach();
    std::thread::spawn(move || {
        assert_eq!(Context::current().value(key), None);
        let _attached = context.attach();
        assert_eq!(Context::current().value(key), Some(&1));
    })
    .join()
    .expect("the thread ends well");
}

#[test]
fn detaching_in_the_wrong_order_is_reported_once_and_harmless() {
    let lines = log::capture(true);
    let key: Key<u32> = Key::new("depth");
    for _ in 0..3 {
        let outer = Context::new().with_value(key, 1).attach();
        let middle = Context::new().with_value(key, 2).attach();
        let inner = Context::new().with_value(key, 3).attach();
        drop(middle);
        assert_eq!(Context::current().value(key), Some(&3), "what is innermost stays current");
        drop(inner);
        assert_eq!(Context::current().value(key), Some(&1), "what was detached does not come back");
        drop(outer);
        assert_eq!(Context::current().value(key), None);
    }
    let lines = lines.of("opentelemetry.context");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("Failed to detach context"), "{lines:?}");
}

/// Uses the current context while it is being dropped itself.
struct Nosy;

impl Drop for Nosy {
    fn drop(&mut self) {
        let key: Key<u32> = Key::new("late");
        let _attached = Context::current().with_value(key, 1).attach();
        assert_eq!(Context::current().value(key), Some(&1));
    }
}

#[test]
fn a_values_destructor_may_use_the_context() {
    let key: Key<Nosy> = Key::new("nosy");
    drop(Context::new().with_value(key, Nosy).attach());
}

#[test]
fn a_thread_that_is_ending_may_use_the_context() {
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    /// Dropped with the thread's other locals, perhaps after the list of contexts.
    struct Late;
    impl Drop for Late {
        fn drop(&mut self) {
            drop(Context::current().attach());
        }
    }
    for context_first in [true, false] {
        std::thread::spawn(move || {
            if context_first {
                drop(Context::current().attach());
            }
            LATE.with_borrow_mut(|late| *late = Some(Late));
            drop(Context::current().attach());
        })
        .join()
        .expect("the thread ends well");
    }
}

proptest! {
    /// Whatever the order in which guards are dropped, the innermost that is left is current, and at the end none is.
    #[test]
    fn any_order_of_detaching_ends_well(order in (1_usize..8).prop_flat_map(|n| Just((0..n).collect::<Vec<_>>()).prop_shuffle())) {
        let _quiet = log::capture(true);
        let key: Key<usize> = Key::new("place");
        let mut guards: Vec<_> = (0..order.len()).map(|place| Some(Context::new().with_value(key, place).attach())).collect();
        for place in order {
            guards[place] = None;
            let innermost = guards.iter().rposition(Option::is_some);
            prop_assert_eq!(Context::current().value(key).copied(), innermost);
        }
    }
}
