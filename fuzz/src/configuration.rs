//! Declarative configuration: YAML with references to the environment.

use ferrotel_config::{Value, parse};

use crate::texts;

/// The first text is the document, those behind it are what the environment says.
pub(crate) fn run(data: &[u8]) {
    let texts = texts(data);
    let environment = |name: &str| {
        let at = name.bytes().map(usize::from).sum::<usize>() % texts.len();
        (at > 0).then(|| texts[at].clone())
    };
    match parse(&texts[0], &environment) {
        Ok(value) => {
            assert!(depth(&value) <= 65);
            assert_keys(&value);
            // Nothing of it depends on more than what was given.
            assert_eq!(format!("{:?}", parse(&texts[0], &environment)), format!("{:?}", Ok::<_, ()>(&value)));
        }
        Err(error) => {
            let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
            let lines = 2 + texts[0].matches(breaks).count();
            assert!(error.line <= lines, "line {} of {lines}: {}", error.line, error.message);
        }
    }
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 1,
    }
}

/// Each key once.
fn assert_keys(value: &Value) {
    match value {
        Value::Sequence(items) => items.iter().for_each(assert_keys),
        Value::Mapping(entries) => {
            let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count);
            entries.iter().for_each(|(_, value)| assert_keys(value));
        }
        _ => {}
    }
}
