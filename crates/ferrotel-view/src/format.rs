//! Durations, times of day and attribute values as short text.

use crate::origin::Hex;
use crate::proto::{AnyValue, KeyValue, Value};

/// Three or four significant figures with a unit.
pub(crate) fn duration(nanos: u64) -> String {
    let float = nanos as f64;
    match nanos {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", float / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} ms", float / 1e6),
        1_000_000_000..60_000_000_000 => format!("{:.3} s", float / 1e9),
        60_000_000_000..3_600_000_000_000 => {
            let seconds = nanos / 1_000_000_000;
            format!("{} m {:02} s", seconds / 60, seconds % 60)
        }
        _ => {
            let minutes = nanos / 60_000_000_000;
            format!("{} h {:02} m", minutes / 60, minutes % 60)
        }
    }
}

/// The time of day of a Unix time in nanoseconds, in UTC.
pub(crate) fn time_of_day(unix_nanos: u64) -> String {
    let millis = unix_nanos / 1_000_000;
    let seconds = millis / 1_000;
    format!("{:02}:{:02}:{:02}.{:03}Z", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60, millis % 1_000)
}

/// A point in time as the distance from a span's start.
pub(crate) fn offset(time: u64, start: u64) -> String {
    match time {
        time if time >= start && start > 0 => format!("+{}", duration(time - start)),
        time if time > 0 && start > 0 => format!("-{}", duration(start - time)),
        _ => "?".to_owned(),
    }
}

/// A measured number: whole ones in full, others with four significant figures.
pub(crate) fn number(number: f64) -> String {
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e15 {
        return format!("{number:.0}");
    }
    match size {
        0.001..1e15 => {
            let decimals = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
            let text = format!("{number:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ if number.is_finite() => format!("{number:.3e}"),
        _ => match number {
            f64::INFINITY => "∞".to_owned(),
            f64::NEG_INFINITY => "-∞".to_owned(),
            _ => "NaN".to_owned(),
        },
    }
}

/// A value on one line, not yet cleaned, cut off at about `budget` bytes.
pub(crate) fn value(any: Option<&AnyValue>, budget: usize) -> String {
    let mut out = String::new();
    put(&mut out, any, budget);
    out
}

/// `key=value` pairs on one line with `between` between them, not yet cleaned, cut off at about `budget` bytes.
pub(crate) fn pairs(pairs: &[KeyValue], between: &str, budget: usize) -> String {
    let mut out = String::new();
    for pair in pairs {
        if out.len() > budget {
            break;
        }
        if !out.is_empty() {
            out.push_str(between);
        }
        put_str(&mut out, &pair.key, budget);
        out.push('=');
        put(&mut out, pair.value.as_ref(), budget);
    }
    out
}

/// Recursion is bounded: the decoders refuse values nested deeper than about a hundred levels.
fn put(out: &mut String, any: Option<&AnyValue>, budget: usize) {
    match any.and_then(|any| any.value.as_ref()) {
        None => out.push_str("(empty)"),
        Some(Value::String(text)) => put_str(out, text, budget),
        Some(Value::Bool(flag)) => out.push_str(if *flag { "true" } else { "false" }),
        Some(Value::Int(int)) => out.push_str(&int.to_string()),
        Some(Value::Double(double)) => out.push_str(&format!("{double:?}")),
        Some(Value::Bytes(bytes)) => {
            let shown = &bytes[..bytes.len().min(budget)];
            out.push_str(&format!("0x{}", Hex(shown)));
        }
        Some(Value::Array(array)) => {
            out.push('[');
            for (at, item) in array.values.iter().enumerate() {
                if out.len() > budget {
                    break;
                }
                out.push_str(if at == 0 { "" } else { ", " });
                put(out, Some(item), budget);
            }
            out.push(']');
        }
        Some(Value::Kvlist(list)) => {
            out.push('{');
            for (at, pair) in list.values.iter().enumerate() {
                if out.len() > budget {
                    break;
                }
                out.push_str(if at == 0 { "" } else { ", " });
                put_str(out, &pair.key, budget);
                out.push_str(": ");
                put(out, pair.value.as_ref(), budget);
            }
            out.push('}');
        }
    }
}

fn put_str(out: &mut String, text: &str, budget: usize) {
    let end = text.char_indices().map(|(at, _)| at).find(|at| *at > budget).unwrap_or(text.len());
    out.push_str(&text[..end]);
}
