//! What the fuzz targets reach of the transport, with the feature `fuzzing`.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderValue};

use super::{answer, grpc, retry};

/// Reads the bytes behind the first one as the kind of answer that the first one says, and returns every text that would
/// be shown of it.
pub fn read_answer(data: &[u8]) -> Vec<String> {
    let Some((kind, bytes)) = data.split_first() else { return Vec::new() };
    let mut shown = Vec::new();
    match kind % 4 {
        0 => {
            let partial = [answer::partial_success(bytes), answer::partial_success_json(bytes)];
            shown.extend(partial.into_iter().flatten().map(|partial| partial.message));
            shown.extend(grpc::message(bytes).and_then(answer::partial_success).map(|partial| partial.message));
        }
        1 => {
            let types = ["application/x-protobuf", "application/json", "text/plain", "text/html"];
            shown.extend(types.iter().filter_map(|content_type| answer::error_text(content_type, bytes)));
        }
        _ => {
            let mut headers = HeaderMap::new();
            for name in
                ["retry-after", "grpc-status", "grpc-message", "grpc-status-details-bin", "google.rpc.retryinfo-bin"]
            {
                if let Ok(value) = HeaderValue::from_bytes(bytes) {
                    headers.insert(name, value);
                }
            }
            let _: Option<Duration> = answer::retry_info(&headers);
            let _: Option<Duration> = retry::retry_after(&headers, SystemTime::UNIX_EPOCH);
            shown.extend(grpc::code(&headers).map(|code| super::status::name(code).to_owned()));
            shown.push(grpc::status_text(&headers));
        }
    }
    shown
}
