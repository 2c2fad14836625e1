//! Colours, where the terminal wants them.

/// The roles that text plays in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Strong,
    Faint,
    Alarm,
    Note,
    /// One of a few colours that tell services apart.
    Service(usize),
}

impl Paint {
    /// Appends `text` in this role's colour, and without any escape sequence when `color` is off.
    pub(crate) fn put(self, out: &mut String, text: &str, color: bool) {
        match self.sequence().filter(|_| color && !text.is_empty()) {
            None => out.push_str(text),
            Some(sequence) => {
                out.push_str(sequence);
                out.push_str(text);
                out.push_str("\x1b[0m");
            }
        }
    }

    fn sequence(self) -> Option<&'static str> {
        const SERVICES: [&str; 5] = ["\x1b[36m", "\x1b[33m", "\x1b[35m", "\x1b[32m", "\x1b[34m"];
        match self {
            Self::Plain => None,
            Self::Strong => Some("\x1b[1m"),
            Self::Faint => Some("\x1b[2m"),
            Self::Alarm => Some("\x1b[1;31m"),
            Self::Note => Some("\x1b[33m"),
            Self::Service(number) => Some(SERVICES[number % SERVICES.len()]),
        }
    }
}
