//! The one place where the engine reads the time of day.

/// Nanoseconds since the Unix epoch; 0 for a clock set before it.
///
/// The system call's own answer: `SystemTime` would check and convert it twice, at 3 % of a span.
#[cfg(unix)]
#[inline]
pub fn now_unix_nanos() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is for the call to fill.
    unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut now) };
    u64::try_from(now.tv_sec).map_or(0, |seconds| seconds * 1_000_000_000 + now.tv_nsec.cast_unsigned())
}

/// Nanoseconds since the Unix epoch; 0 for a clock set before it.
#[cfg(not(unix))]
#[inline]
pub fn now_unix_nanos() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}
