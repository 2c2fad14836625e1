//! `${NAME}`, `${env:NAME}`, `${NAME:-default}` and `$$` in a scalar.

use std::fmt;

/// A reference that names no variable, such as `${1KEY}` or `${KEY:?message}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidReference(String);

impl fmt::Display for InvalidReference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "${{{}}} is no reference to an environment variable: write ${{NAME}}, ${{NAME:-default}}, or $$ for a dollar sign",
            self.0
        )
    }
}

impl std::error::Error for InvalidReference {}

/// Fills in what `environment` knows: a variable that it does not, or that is empty, gives the default, or else nothing.
///
/// What is filled in is not looked at again. `$$` stands for a dollar sign that begins no reference.
///
/// # Errors
///
/// For a reference that names no variable.
pub fn substitute(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<String, InvalidReference> {
    let mut filled = String::with_capacity(text.len());
    for (number, part) in text.split("$$").enumerate() {
        if number > 0 {
            filled.push('$');
        }
        fill(part, environment, &mut filled)?;
    }
    Ok(filled)
}

fn fill(text: &str, environment: &dyn Fn(&str) -> Option<String>, filled: &mut String) -> Result<(), InvalidReference> {
    let mut rest = text;
    while let Some((before, content, after)) = next_reference(rest) {
        let reference = Reference::parse(content).ok_or_else(|| InvalidReference(content.to_owned()))?;
        filled.push_str(before);
        match environment(reference.name).filter(|value| !value.is_empty()) {
            Some(value) => filled.push_str(&value),
            None => filled.push_str(reference.default),
        }
        rest = after;
    }
    filled.push_str(rest);
    Ok(())
}

/// Is the whole text one reference? Such a text has the type of what is filled in; others are strings.
pub(crate) fn is_reference(text: &str) -> bool {
    matches!(next_reference(text), Some(("", _, "")))
}

/// What stands before the first reference, in it, and after it. `${}` is none.
fn next_reference(text: &str) -> Option<(&str, &str, &str)> {
    let mut start = 0;
    loop {
        start += text[start..].find("${")?;
        let content = &text[start + 2..];
        let end = content.find('}')?;
        if end > 0 {
            return Some((&text[..start], &content[..end], &content[end + 1..]));
        }
        start += 2;
    }
}

struct Reference<'a> {
    name: &'a str,
    default: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(content: &'a str) -> Option<Self> {
        let content = content.strip_prefix("env:").unwrap_or(content);
        let (name, default) = content.split_once(":-").unwrap_or((content, ""));
        let starts_well = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        let is_name = starts_well && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name.then_some(Self { name, default })
    }
}
