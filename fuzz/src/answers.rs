//! What servers answer to an export.

use ferrotel_otlp::fuzzing;

/// The first byte is the kind of answer, the rest its body or header.
pub(crate) fn run(data: &[u8]) {
    for text in fuzzing::read_answer(data) {
        assert!(text.chars().count() <= 301, "{} characters of a server's text", text.chars().count());
        assert!(!text.chars().any(char::is_control), "more than one line: {text:?}");
    }
}
