//! `ForkLock`: one holder at a time, whose writes the next one sees; what a fork interrupted counts as free.

use std::sync::Mutex;
use std::time::Duration;

use ferrotel_models::common::fork;
use ferrotel_models::common::fork_lock::ForkLock;
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// The generation is the process's.
static ALONE: Mutex<()> = Mutex::new(());

fn model(preemptions: usize, test: impl Fn() + Send + Sync + 'static) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    // `LOOM_MAX_DURATION=600` tries for ten minutes.
    builder.max_duration = builder.max_duration.or(Some(Duration::from_secs(5)));
    builder.check(test);
}

#[test]
fn holders_take_turns_and_see_what_the_one_before_wrote() {
    model(3, || {
        // loom's cell tells when two threads are in it at once, or one does not see the other's writes.
        let lock = Arc::new(ForkLock::new(UnsafeCell::new(0_u32)));
        let add = |lock: &ForkLock<UnsafeCell<u32>>| {
            // SAFETY: the lock is held.
            lock.lock(|| unreachable!("nobody forked")).with_mut(|value| unsafe { *value += 1 });
        };
        // Two: of three, two could wait for each other's turn in the model for ever.
        let other = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || add(&lock))
        };
        add(&lock);
        other.join().unwrap();
        // SAFETY: the lock is held.
        let total = lock.lock(|| unreachable!("nobody forked")).with(|value| unsafe { *value });
        assert_eq!(total, 2);
    });
}

#[test]
fn what_a_fork_left_held_is_renewed_once_however_many_threads_want_it() {
    model(3, || {
        let lock = Arc::new(ForkLock::new(UnsafeCell::new(100_u32)));
        // Another thread of the parent is inside at the moment of the fork, and does not exist in the child.
        std::mem::forget(lock.lock(|| unreachable!("nobody forked")));
        fork::forked();
        let add = |lock: &ForkLock<UnsafeCell<u32>>| {
            // SAFETY: the lock is held.
            lock.lock(|| UnsafeCell::new(0)).with_mut(|value| unsafe { *value += 1 });
        };
        let other = {
            let lock = Arc::clone(&lock);
            thread::spawn(move || add(&lock))
        };
        add(&lock);
        other.join().unwrap();
        // SAFETY: the lock is held.
        let total = lock.lock(|| unreachable!("renewed already")).with(|value| unsafe { *value });
        assert_eq!(total, 2);
    });
}
