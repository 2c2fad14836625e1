//! `PerProcess`: after a fork all threads of the child get one new value, whole.

use std::sync::Mutex;
use std::time::Duration;

use ferrotel_models::common::fork;
use ferrotel_models::sdk::batch::per_process::PerProcess;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// The generation is the process's.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn all_threads_of_a_child_get_one_new_value() {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    // `LOOM_MAX_DURATION=600` tries for ten minutes.
    builder.max_duration = builder.max_duration.or(Some(Duration::from_secs(5)));
    builder.check(|| {
        // Each value is a number that only its maker wrote: who gets it must see that.
        let value = Arc::new(PerProcess::new(AtomicUsize::new(0)));
        fork::forked();
        let get = |value: &PerProcess<AtomicUsize>, mine: usize| {
            let fresh = || {
                let fresh = AtomicUsize::new(0);
                fresh.store(mine, Ordering::Relaxed);
                fresh
            };
            let found = value.get(fresh);
            (std::ptr::from_ref(found) as usize, found.load(Ordering::Relaxed))
        };
        let threads: Vec<_> = (1..=2)
            .map(|mine| {
                let value = Arc::clone(&value);
                thread::spawn(move || get(&value, mine))
            })
            .collect();
        let mut found = vec![get(&value, 3)];
        found.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
        assert!(found.iter().all(|each| *each == found[0] && each.1 != 0), "{found:?}");
    });
}
