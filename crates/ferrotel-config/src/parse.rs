//! From the parser's events to a tree.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use crate::scalar::resolve;
use crate::substitution::{is_reference, substitute};
use crate::value::Value;

/// How deep a document may nest: a thousand times less than what a thread's stack holds.
const MAX_DEPTH: usize = 64;
/// How many nodes a document may have, those that aliases repeat counted each time.
const MAX_NODES: usize = 100_000;

/// Why a text is no configuration, and where: lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// What is wrong.
    pub message: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for ParseError {}

impl ParseError {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self { message: message.into(), line: span.start.line(), column: span.start.col() + 1 }
    }
}

impl From<ScanError> for ParseError {
    fn from(error: ScanError) -> Self {
        let marker = error.marker();
        Self { message: error.info().to_owned(), line: marker.line(), column: marker.col() + 1 }
    }
}

/// Reads a YAML document and fills in the variables that its scalars refer to; keys are left as they are.
///
/// An unquoted scalar that is one reference and nothing else has the type of what is filled in. An empty text is
/// [`Value::Null`].
///
/// # Errors
///
/// When the text is not YAML 1.2, has several documents, a key twice, or a key that is no scalar; for a tag that is not of
/// the core schema; for a reference that names no variable; and for a document deeper than 64 levels or with more than
/// 100,000 nodes. No part of a faulty document is returned.
pub fn parse(text: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Value, ParseError> {
    let mut builder = Builder { environment, open: Vec::new(), anchors: HashMap::new(), nodes: 0, root: None };
    for event in Parser::<StrInput<'_>>::new_from_str(text) {
        let (event, span) = event?;
        builder.take(event, span)?;
    }
    Ok(builder.root.unwrap_or(Value::Null))
}

struct Builder<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    open: Vec<Open>,
    /// What aliases may repeat, with the number of nodes in it.
    anchors: HashMap<usize, (Value, usize)>,
    nodes: usize,
    root: Option<Value>,
}

/// A collection whose end has not come.
struct Open {
    anchor: usize,
    first_node: usize,
    content: Content,
}

enum Content {
    Sequence(Vec<Value>),
    /// With what `<<` merges in: it gives what the mapping does not have itself.
    Mapping {
        entries: Vec<(String, Value)>,
        merged: Vec<(String, Value)>,
        key: Option<Key>,
    },
}

enum Key {
    Name(String),
    /// `<<`.
    Merge,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), ParseError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.root.is_some() => {
                Err(ParseError::at(span, "a configuration is one document, and here a second begins"))
            }
            Event::DocumentStart(_) => Ok(()),
            Event::Alias(anchor) => {
                let Some((value, nodes)) = self.anchors.get(&anchor).cloned() else {
                    return Err(ParseError::at(span, "an alias stands inside of what it names"));
                };
                self.count(nodes, span)?;
                if self.open.len() + depth(&value) > MAX_DEPTH {
                    return Err(too_deep(span));
                }
                self.add(value, span)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.count(1, span)?;
                if self.take_key(&text, style, span)? {
                    return Ok(());
                }
                let value = self.scalar(&text, style, tag.as_deref(), span)?;
                if anchor != 0 {
                    self.anchors.insert(anchor, (value.clone(), 1));
                }
                self.add(value, span)
            }
            Event::SequenceStart(anchor, tag) => {
                self.begin(anchor, tag.as_deref(), "seq", Content::Sequence(Vec::new()), span)
            }
            Event::MappingStart(anchor, tag) => {
                let content = Content::Mapping { entries: Vec::new(), merged: Vec::new(), key: None };
                self.begin(anchor, tag.as_deref(), "map", content, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
        }
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), ParseError> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            return Err(ParseError::at(span, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }

    /// Takes a scalar that stands where a key is due.
    fn take_key(&mut self, text: &str, style: ScalarStyle, span: Span) -> Result<bool, ParseError> {
        let Some(Open { content: Content::Mapping { entries, key: key @ None, .. }, .. }) = self.open.last_mut() else {
            return Ok(false);
        };
        if text == "<<" && style == ScalarStyle::Plain {
            *key = Some(Key::Merge);
        } else if entries.iter().any(|(name, _)| name == text) {
            return Err(ParseError::at(span, format!("the key {text:?} stands here twice")));
        } else {
            *key = Some(Key::Name(text.to_owned()));
        }
        Ok(true)
    }

    fn scalar(&self, text: &str, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Result<Value, ParseError> {
        let filled = substitute(text, self.environment).map_err(|error| ParseError::at(span, error.to_string()))?;
        let is_filled_in = filled != text;
        let plain = style == ScalarStyle::Plain && (!is_filled_in || is_reference(text));
        let Some(tag) = tag else {
            return Ok(if plain { resolve(&filled) } else { Value::String(filled) });
        };
        let wanted = core_tag(tag, span)?;
        let value = resolve(&filled);
        match (wanted.as_ref(), value) {
            ("str", _) => Ok(Value::String(filled)),
            ("null", value @ Value::Null)
            | ("bool", value @ Value::Bool(_))
            | ("int", value @ Value::Int(_))
            | ("float", value @ Value::Float(_)) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "a float was asked for")]
            ("float", Value::Int(number)) => Ok(Value::Float(number as f64)),
            // Not what was filled in: it may be a secret.
            (wanted, _) => Err(ParseError::at(span, format!("{text:?} is no {wanted}"))),
        }
    }

    fn begin(
        &mut self,
        anchor: usize,
        tag: Option<&Tag>,
        kind: &str,
        content: Content,
        span: Span,
    ) -> Result<(), ParseError> {
        if let Some(Open { content: Content::Mapping { key: None, .. }, .. }) = self.open.last() {
            return Err(ParseError::at(span, "a key is text, and no list or mapping"));
        }
        if let Some(tag) = tag {
            let wanted = core_tag(tag, span)?;
            if wanted != kind {
                return Err(ParseError::at(span, format!("this is no {wanted}")));
            }
        }
        if self.open.len() == MAX_DEPTH {
            return Err(too_deep(span));
        }
        self.count(1, span)?;
        self.open.push(Open { anchor, first_node: self.nodes, content });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), ParseError> {
        let Some(Open { anchor, first_node, content }) = self.open.pop() else {
            return Err(ParseError::at(span, "the end of what did not begin"));
        };
        let value = match content {
            Content::Sequence(items) => Value::Sequence(items),
            Content::Mapping { mut entries, merged, .. } => {
                merge(&mut entries, merged);
                Value::Mapping(entries)
            }
        };
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), 1 + self.nodes - first_node));
        }
        self.add(value, span)
    }

    /// Puts a whole value where it belongs.
    fn add(&mut self, value: Value, span: Span) -> Result<(), ParseError> {
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(value),
            Some(Content::Sequence(items)) => items.push(value),
            Some(Content::Mapping { entries, merged, key }) => match (key.take(), value) {
                (Some(Key::Name(name)), value) => entries.push((name, value)),
                (Some(Key::Merge), Value::Mapping(more)) => merge(merged, more),
                (Some(Key::Merge), Value::Sequence(items)) => {
                    for item in items {
                        let Value::Mapping(more) = item else {
                            return Err(ParseError::at(span, "<< takes mappings"));
                        };
                        merge(merged, more);
                    }
                }
                (Some(Key::Merge), _) => return Err(ParseError::at(span, "<< takes mappings")),
                (None, Value::String(name)) => *key = Some(Key::Name(name)),
                (None, _) => return Err(ParseError::at(span, "a key is text, and no list or mapping")),
            },
        }
        Ok(())
    }
}

/// How many collections stand inside each other, the outermost counted.
fn depth(value: &Value) -> usize {
    match value {
        Value::Sequence(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Mapping(entries) => 1 + entries.iter().map(|(_, value)| depth(value)).max().unwrap_or(0),
        _ => 0,
    }
}

fn too_deep(span: Span) -> ParseError {
    ParseError::at(span, format!("deeper than {MAX_DEPTH} levels"))
}

fn merge(entries: &mut Vec<(String, Value)>, more: Vec<(String, Value)>) {
    for (name, value) in more {
        if entries.iter().all(|(known, _)| *known != name) {
            entries.push((name, value));
        }
    }
}

/// The core schema's name of a tag. `!` alone asks for a string.
fn core_tag(tag: &Tag, span: Span) -> Result<Cow<'_, str>, ParseError> {
    if tag.is_yaml_core_schema() {
        return Ok(Cow::Borrowed(&tag.suffix));
    }
    if tag.suffix.is_empty() || tag.suffix == "!" {
        return Ok(Cow::Borrowed("str"));
    }
    Err(ParseError::at(span, format!("the tag {tag} is not one of YAML's core schema")))
}
