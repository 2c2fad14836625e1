//! When to try again (OTLP specification: failures, throttling).

use std::time::{Duration, SystemTime};

use http::HeaderMap;
use http::header::RETRY_AFTER;

/// An export is tried this often at most, as in the reference.
pub(super) const MAX_ATTEMPTS: u32 = 6;

/// The wait before attempt `retry + 2`: 1 s, doubling, spread by a fifth to either side.
pub(crate) fn backoff(retry: u32) -> Duration {
    Duration::from_secs(1 << retry.min(16)).mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// Whether the specification has a request with this HTTP status tried again.
pub(super) const fn is_retryable_http(status: u16) -> bool {
    matches!(status, 429 | 502 | 503 | 504)
}

/// Whether the specification has a request with this gRPC status tried again. `RESOURCE_EXHAUSTED` (8) is only where
/// the server says when.
pub(super) const fn is_retryable_grpc(code: i32, server_says_when: bool) -> bool {
    // CANCELLED, DEADLINE_EXCEEDED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
    matches!(code, 1 | 4 | 10 | 11 | 14 | 15) || (code == 8 && server_says_when)
}

/// The wait that an answer's `Retry-After` asks for: seconds or an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Duration::try_from_secs_f64(seconds.max(0.0)).ok(),
        Ok(_) => None,
        Err(_) => Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn the_wait_doubles_and_is_spread_by_a_fifth() {
        for retry in 0..5 {
            let base = f64::from(1 << retry);
            let waits: Vec<f64> = (0..200).map(|_| backoff(retry).as_secs_f64()).collect();
            assert!(waits.iter().all(|wait| (0.8 * base..=1.2 * base).contains(wait)));
            assert!(waits.iter().any(|wait| *wait < 0.95 * base) && waits.iter().any(|wait| *wait > 1.05 * base));
        }
        assert!(backoff(u32::MAX) < Duration::from_secs(100_000));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Wed, 21 Oct 2015 07:28:00 GMT").unwrap();
        let read = |text: &'static str| {
            retry_after(&HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]), now)
        };
        assert_eq!(read("3"), Some(Duration::from_secs(3)));
        assert_eq!(read(" 0.25 "), Some(Duration::from_millis(250)));
        assert_eq!(read("-5"), Some(Duration::ZERO));
        assert_eq!(read("Wed, 21 Oct 2015 07:28:07 GMT"), Some(Duration::from_secs(7)));
        assert_eq!(read("Wed, 21 Oct 2015 07:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
        assert_eq!(read("inf"), None);
        assert_eq!(read("1e300"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
