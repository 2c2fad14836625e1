//! Delivering what is queued when SIGTERM is about to end a process that has no handler for it.
//!
//! Python runs nothing at such an end: what waits in a queue is lost, and servers that put the default action back and
//! send themselves the signal again, as uvicorn does, end like that every time. So while SIGTERM has its default
//! action, and only then, a native handler stands in its place. It wakes a native thread and returns; that thread
//! exports what is queued, puts the default action back and sends the signal again: the process ends as it would have,
//! a little later. Python does not see the handler: `signal.getsignal` still says `SIG_DFL`, and a handler that the
//! program sets replaces ours like the default action.

#[cfg(target_os = "linux")]
pub use linux::{prepare, register};

/// Nothing to do: SIGTERM is left alone.
#[cfg(not(target_os = "linux"))]
pub fn prepare(_py: Python<'_>) {}

#[cfg(not(target_os = "linux"))]
pub fn register(_module: &Bound<'_, PyModule>) -> PyResult<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::{Cell, UnsafeCell};
    use std::ffi::{c_int, c_void};
    use std::mem::{MaybeUninit, zeroed};
    use std::ptr::null_mut;
    use std::sync::Once;
    use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::{Duration, Instant};

    use ferrotel::config::{EnvSource, env_vars};
    use ferrotel::sdk::batch;
    use libc::{SIG_DFL, SIGTERM, sigaction, siginfo_t};
    use pyo3::prelude::*;
    use pyo3::sync::PyOnceLock;

    use crate::environ::PyEnviron;

    const DEFAULT: Duration = Duration::from_secs(2);
    /// How long to wait for the interpreter, where there is something that only Python can deliver.
    const ATTACHING: Duration = Duration::from_millis(300);
    /// What a handler that waits looks at the clock for.
    const PIECE: Duration = Duration::from_millis(2);

    /// Milliseconds for one delivery; 0 leaves SIGTERM alone.
    static MILLIS: AtomicU64 = AtomicU64::new(0);
    /// The process whose thread waits for the signal. A forked child has no such thread.
    static SERVED: AtomicI32 = AtomicI32::new(0);
    /// The process that has something to deliver.
    static WORKED: AtomicI32 = AtomicI32::new(0);
    static DELIVERING: AtomicBool = AtomicBool::new(false);
    static RAISED: Semaphore = Semaphore(UnsafeCell::new(MaybeUninit::uninit()));

    /// `_signal.signal`, which ours calls.
    static ORIGINAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static HAS_REST: AtomicBool = AtomicBool::new(false);
    /// What exports what the engine does not hold.
    static REST: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

    /// Looks after SIGTERM from the first item on that a batch processor gets in this process (idempotent).
    pub fn prepare(py: Python<'_>) {
        static ONCE: PyOnceLock<()> = PyOnceLock::new();
        thread_local! {
            static PREPARING: Cell<bool> = const { Cell::new(false) };
        }
        // What is asked of Python may come back here: a signal handler, or an `os.environ` of the program's own.
        if ONCE.get(py).is_some() || PREPARING.replace(true) {
            return;
        }
        // Unlike the standard library's, it lets go of the interpreter while it waits for another thread.
        ONCE.get_or_init(py, || {
            let timeout = timeout(PyEnviron::new(py).var(env_vars::FERROTEL_SIGTERM_TIMEOUT.name).as_deref());
            if timeout.is_zero() {
                return;
            }
            MILLIS.store(timeout.as_millis().try_into().unwrap_or(u64::MAX), Ordering::Relaxed);
            if let Err(error) = hook_signal(py) {
                error.write_unraisable(py, None);
            }
            batch::on_worker_start(work_began);
        });
        PREPARING.set(false);
    }

    /// This process has something to deliver from now on.
    fn work_began() {
        WORKED.store(process(), Ordering::Relaxed);
        arm();
    }

    fn timeout(text: Option<&str>) -> Duration {
        let seconds = text.and_then(|text| text.trim().parse::<f64>().ok());
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(DEFAULT)
    }

    /// `signal.signal` calls `_signal.signal`, wherever a program has it from. When it gives SIGTERM its default action
    /// back, ours stands in for it again.
    fn hook_signal(py: Python<'_>) -> PyResult<()> {
        let module = py.import("_signal")?;
        ORIGINAL.get_or_try_init(py, || PyResult::Ok(module.getattr("signal")?.unbind()))?;
        module.setattr("signal", wrap_pyfunction!(signal, &module)?)
    }

    /// Set the action for the given signal.
    #[pyfunction]
    #[pyo3(signature = (signalnum, handler, /))]
    fn signal(py: Python<'_>, signalnum: &Bound<'_, PyAny>, handler: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let Some(original) = ORIGINAL.get(py) else { return Ok(py.None()) };
        let before = original.call1(py, (signalnum, handler))?;
        if signalnum.extract::<c_int>().is_ok_and(|number| number == SIGTERM)
            && WORKED.load(Ordering::Relaxed) == process()
        {
            arm();
        }
        Ok(before)
    }

    /// Puts our handler in the place of the default action, and of nothing else.
    fn arm() {
        if current() != SIG_DFL || !serve() {
            return;
        }
        // SAFETY: plain data, filled in as the system wants it; the handler does only what a handler may.
        unsafe {
            let mut action: sigaction = zeroed();
            action.sa_sigaction = on_sigterm as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            let mut before: sigaction = zeroed();
            if libc::sigaction(SIGTERM, &raw const action, &raw mut before) == 0 && before.sa_sigaction != SIG_DFL {
                // Another thread was faster.
                libc::sigaction(SIGTERM, &raw const before, null_mut());
            }
        }
    }

    fn current() -> usize {
        // SAFETY: plain data that the call fills in.
        unsafe {
            let mut action: sigaction = zeroed();
            libc::sigaction(SIGTERM, std::ptr::null(), &raw mut action);
            action.sa_sigaction
        }
    }

    /// Starts the thread that waits for the signal, once in a process; whether there is one.
    fn serve() -> bool {
        let (me, before) = (process(), SERVED.load(Ordering::Acquire));
        if before == me {
            return true;
        }
        // Another thread that is at it puts the handler there, too.
        let mine = before != -me && SERVED.compare_exchange(before, -me, Ordering::AcqRel, Ordering::Acquire).is_ok();
        if !mine {
            return false;
        }
        DELIVERING.store(false, Ordering::Release);
        RAISED.init();
        static FORKS: Once = Once::new();
        // SAFETY: the handler only calls what is safe after a fork.
        FORKS.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(after_fork_in_child));
        });
        let builder = std::thread::Builder::new().name("ferrotel-sigterm".to_owned()).stack_size(128 * 1024);
        let started = batch::without_signals(|| builder.spawn(wait_for_the_signal)).is_ok();
        SERVED.store(if started { me } else { 0 }, Ordering::Release);
        started
    }

    /// A child has no thread that would be woken: it starts with the default action.
    extern "C" fn after_fork_in_child() {
        if current() == on_sigterm as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize {
            default_action();
        }
    }

    extern "C" fn on_sigterm(_: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: only calls that are allowed in a handler; `info` is the system's.
        unsafe {
            let errno = *libc::__errno_location();
            if SERVED.load(Ordering::Acquire) != process() {
                end_without_delivery();
            } else {
                if !DELIVERING.swap(true, Ordering::AcqRel) {
                    RAISED.post();
                }
                // Who sends it to itself does not expect to get any further: its thread waits here, in the system call
                // that sent it, where it holds no lock. Every other thread goes on, it may hold one.
                let sent = matches!((*info).si_code, libc::SI_USER | libc::SI_TKILL | libc::SI_QUEUE);
                if sent && (*info).si_pid() == process() {
                    wait_for_the_end();
                }
            }
            *libc::__errno_location() = errno;
        }
    }

    fn wait_for_the_end() {
        let mut pieces = limit().as_millis() / PIECE.as_millis() + 100;
        while DELIVERING.load(Ordering::Acquire) {
            if pieces == 0 {
                return end_without_delivery();
            }
            pieces -= 1;
            let piece = libc::timespec { tv_sec: 0, tv_nsec: PIECE.as_nanos() as _ };
            // SAFETY: allowed in a handler.
            unsafe { libc::nanosleep(&raw const piece, null_mut()) };
        }
    }

    /// The signal takes its default action when the handler that calls this returns.
    fn end_without_delivery() {
        default_action();
        // SAFETY: allowed in a handler.
        unsafe { libc::raise(SIGTERM) };
    }

    fn default_action() {
        // SAFETY: plain data; allowed in a handler and after a fork.
        unsafe {
            let mut action: sigaction = zeroed();
            action.sa_sigaction = SIG_DFL;
            libc::sigaction(SIGTERM, &raw const action, null_mut());
        }
    }

    fn wait_for_the_signal() {
        loop {
            RAISED.wait();
            deliver();
            end();
            // Still here: the first process of a container, which no default action ends.
            batch::resume();
            DELIVERING.store(false, Ordering::Release);
            arm();
        }
    }

    /// On a thread of its own: whatever holds it up, the process ends in time.
    fn deliver() {
        let limit = limit();
        let deadline = Instant::now() + limit;
        let (tell, told) = channel();
        let started = batch::without_signals(|| {
            std::thread::Builder::new().name("ferrotel-sigterm".to_owned()).spawn(move || work(limit, &tell))
        });
        if started.is_ok() {
            wait(&told, deadline);
        }
    }

    enum Step {
        Attaching,
        Attached,
    }

    fn wait(told: &Receiver<Step>, deadline: Instant) {
        let left = || deadline.saturating_duration_since(Instant::now());
        if let Ok(Step::Attaching) = told.recv_timeout(left())
            && let Ok(Step::Attached) = told.recv_timeout(left().min(ATTACHING))
        {
            // Until the thread ends.
            let _ = told.recv_timeout(left());
        }
    }

    fn work(limit: Duration, tell: &Sender<Step>) {
        let deadline = Instant::now() + limit;
        let delivered = batch::deliver_now(limit);
        if delivered && !HAS_REST.load(Ordering::Acquire) {
            return;
        }
        let _ = tell.send(Step::Attaching);
        crate::late_threads::protect();
        let _ = Python::try_attach(|py| {
            let _ = tell.send(Step::Attached);
            if let Some(rest) = REST.get(py) {
                let left = deadline.saturating_duration_since(Instant::now()).as_secs_f64();
                if let Err(error) = rest.call1(py, (left,)) {
                    error.write_unraisable(py, None);
                }
            }
            crate::diagnostics::deliver(py);
        });
    }

    /// Ends the process, where the default action does that.
    fn end() {
        default_action();
        // SAFETY: the set is initialised before it is used.
        unsafe {
            let mut set = zeroed();
            let mut before = zeroed();
            libc::sigemptyset(&raw mut set);
            libc::sigaddset(&raw mut set, SIGTERM);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, &raw mut before);
            libc::raise(SIGTERM);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const before, null_mut());
        }
    }

    fn limit() -> Duration {
        Duration::from_millis(MILLIS.load(Ordering::Relaxed))
    }

    fn process() -> i32 {
        // SAFETY: always succeeds.
        unsafe { libc::getpid() }
    }

    /// What a signal handler may wake a thread with, and what a program that closes every file does not close.
    struct Semaphore(UnsafeCell<MaybeUninit<libc::sem_t>>);

    // SAFETY: the system's semaphores are for several threads; `init` comes before everything else.
    unsafe impl Sync for Semaphore {}

    impl Semaphore {
        fn init(&self) {
            // SAFETY: nobody uses it yet in this process.
            unsafe { libc::sem_init(self.0.get().cast(), 0, 0) };
        }

        fn post(&self) {
            // SAFETY: initialised by `serve`.
            unsafe { libc::sem_post(self.0.get().cast()) };
        }

        fn wait(&self) {
            // SAFETY: initialised by `serve`.
            while unsafe { libc::sem_wait(self.0.get().cast()) } != 0 {}
        }
    }

    /// Looks after SIGTERM in this process from now on. `rest` exports what the engine does not hold; it is called with
    /// the seconds that are left.
    #[pyfunction]
    fn deliver_at_sigterm(py: Python<'_>, rest: Py<PyAny>) {
        prepare(py);
        if MILLIS.load(Ordering::Relaxed) > 0 {
            let _ = REST.set(py, rest);
            HAS_REST.store(true, Ordering::Release);
            work_began();
        }
    }

    pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add_function(wrap_pyfunction!(deliver_at_sigterm, module)?)
    }
}
