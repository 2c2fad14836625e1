//! Daemon threads that outlive the interpreter.
//!
//! A thread that asks for the GIL when the interpreter is going down is ended by CPython, before 3.14, with
//! `pthread_exit`, which glibc carries out by unwinding the stack. Rust frames on that stack would give back Python
//! objects without the GIL, and then abort the process. So a thread that has run this module's code is stopped where it
//! is instead, for good, as 3.14 does with every thread.

#[cfg(all(target_os = "linux", target_env = "gnu", not(Py_3_14)))]
pub use stopped::protect;

/// Nothing to do: threads are not ended by unwinding here.
#[cfg(not(all(target_os = "linux", target_env = "gnu", not(Py_3_14))))]
#[inline(always)]
pub fn protect() {}

#[cfg(all(target_os = "linux", target_env = "gnu", not(Py_3_14)))]
mod stopped {
    use std::cell::{Cell, RefCell};
    use std::ffi::{c_int, c_void};
    use std::time::Duration;

    use pyo3::ffi;

    /// `struct _pthread_cleanup_buffer` of glibc's pthread.h.
    #[repr(C)]
    struct Cleanup {
        routine: Option<extern "C" fn(*mut c_void)>,
        arg: *mut c_void,
        cancel_type: c_int,
        previous: *mut Cleanup,
    }

    unsafe extern "C" {
        fn _pthread_cleanup_push(buffer: *mut Cleanup, routine: extern "C" fn(*mut c_void), arg: *mut c_void);
        fn _pthread_cleanup_pop(buffer: *mut Cleanup, execute: c_int);
        #[cfg_attr(Py_3_13, link_name = "Py_IsFinalizing")]
        #[cfg_attr(not(Py_3_13), link_name = "_Py_IsFinalizing")]
        fn is_finalizing() -> c_int;
    }

    /// A handler on this thread's list, for as long as the thread lives.
    struct Registered(Box<Cleanup>);

    impl Drop for Registered {
        fn drop(&mut self) {
            // SAFETY: the buffer was pushed by this thread, which is about to end.
            unsafe { _pthread_cleanup_pop(&raw mut *self.0, 0) };
        }
    }

    thread_local! {
        static PROTECTED: Cell<bool> = const { Cell::new(false) };
        static REGISTERED: RefCell<Option<Registered>> = const { RefCell::new(None) };
    }

    /// Protects the calling thread, once.
    #[inline]
    pub fn protect() {
        if !PROTECTED.get() {
            register();
        }
    }

    #[cold]
    fn register() {
        PROTECTED.set(true);
        let mut buffer = Box::new(Cleanup {
            routine: None,
            arg: std::ptr::null_mut(),
            cancel_type: 0,
            previous: std::ptr::null_mut(),
        });
        let address = &raw mut *buffer;
        let _ = REGISTERED.try_with(|registered| {
            // SAFETY: the box keeps its address, and lives until it is popped. Since it lies outside of the stack, glibc
            // takes it for a handler of a frame deeper than all others, and calls it before anything is unwound.
            unsafe { _pthread_cleanup_push(address, stop, std::ptr::null_mut()) };
            *registered.borrow_mut() = Some(Registered(buffer));
        });
    }

    /// Called by glibc when this thread is told to exit.
    extern "C" fn stop(_: *mut c_void) {
        // SAFETY: both only read, and may be called by any thread at any time.
        while unsafe { is_finalizing() != 0 || ffi::Py_IsInitialized() == 0 } {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
}
