//! Text of unknown origin, made fit for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::UnicodeWidthChar;

/// Replaces what could drive or confuse a terminal by visible escapes: control characters (so no escape sequence
/// survives), invisible characters and those that turn the direction of writing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(must_escape) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if must_escape(letter) => {
                // Writing into a String can't fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(letter));
            }
            letter => out.push(letter),
        }
    }
    Cow::Owned(out)
}

/// [`clean`]ed text in at most `width` columns; what is cut off shows as `…`.
pub fn fit(text: &str, width: usize) -> String {
    // Only what can be shown is looked at: a text may be megabytes long.
    let bound = width.saturating_mul(MAX_CHARS_PER_COLUMN).saturating_add(1);
    let end = text.char_indices().nth(bound).map_or(text.len(), |(at, _)| at);
    let shown = clean(&text[..end]);
    if end == text.len() && columns(&shown) <= width {
        return shown.into_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for letter in shown.chars() {
        let wide = letter.width().unwrap_or(0);
        if used + wide + 1 > width {
            break;
        }
        used += wide;
        out.push(letter);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

/// [`clean`]ed text in at most `width` columns; what is cut out of its middle shows as `…`.
pub(crate) fn fit_ends(text: &str, width: usize) -> String {
    let shown = clean(text);
    if columns(&shown) <= width {
        return shown.into_owned();
    }
    let Some(room) = width.checked_sub(1) else { return String::new() };
    let mut out = taken(shown.chars(), room / 2);
    let end = taken(shown.chars().rev(), room - room / 2);
    out.push('…');
    out.extend(end.chars().rev());
    out
}

/// The first letters, in at most `width` columns.
fn taken(letters: impl Iterator<Item = char>, width: usize) -> String {
    let mut used = 0;
    let fits = |letter: &char| {
        used += letter.width().unwrap_or(0);
        used <= width
    };
    letters.take_while(fits).collect()
}

/// [`fit`]ted text, filled up to `width` columns with blanks.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let mut out = fit(text, width);
    let used = columns(&out);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// How many columns a cleaned text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|letter| letter.width().unwrap_or(0)).sum()
}

/// Letters may carry marks that take no column; beyond this many they are noise.
const MAX_CHARS_PER_COLUMN: usize = 4;

fn must_escape(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}
