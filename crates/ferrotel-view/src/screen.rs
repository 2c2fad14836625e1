//! An output on which text scrolls, and, if it is a terminal, a footer beneath it is drawn anew in its place.
//!
//! The footer is ordinary text: to replace it, the cursor goes up by its height, and what follows is written over it.
//! Nothing is set in the terminal that would have to be set back, so the view may end at any moment.

use std::io::{self, Write};

use unicode_width::UnicodeWidthChar;

pub(crate) struct Screen<W: Write> {
    out: W,
    /// The footer as it stands on the terminal. Empty where nothing is redrawn.
    footer: Vec<String>,
    /// Lines that the reader's Enter key has added beneath the footer.
    typed: usize,
}

impl<W: Write> Screen<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, footer: Vec::new(), typed: 0 }
    }

    /// Writes text that ends with a newline, above the footer. `width` is the terminal's, in columns.
    pub(crate) fn print(&mut self, text: &str, width: usize) -> io::Result<()> {
        let footer = self.footer.clone();
        self.write(text, footer, width)
    }

    /// Replaces the footer.
    pub(crate) fn set_footer(&mut self, footer: Vec<String>, width: usize) -> io::Result<()> {
        self.write("", footer, width)
    }

    /// Leaves the footer where it stands; what is printed from now on stands beneath it.
    pub(crate) fn release_footer(&mut self) {
        self.footer.clear();
    }

    /// The reader has typed a line, and the terminal has moved the cursor to the next.
    pub(crate) fn note_typed(&mut self) {
        self.typed += 1;
    }

    fn write(&mut self, text: &str, footer: Vec<String>, width: usize) -> io::Result<()> {
        let mut out = String::with_capacity(text.len() + 64);
        // A narrower window has folded the lines that were drawn for the wider one.
        let rows = self.footer.iter().map(|line| shown_columns(line).div_ceil(width.max(1)).max(1));
        let height = rows.sum::<usize>();
        if height > 0 {
            // Terminals that know synchronised updates (private mode 2026) show the whole at once; others ignore it.
            // Lines are deleted, not the screen erased: tmux keeps a copy of an erased screen among what has scrolled.
            let above = height + self.typed;
            out.push_str(&format!("\x1b[?2026h\x1b[{above}F\x1b[{}M", above + 1));
        }
        out.push_str(text);
        for line in &footer {
            out.push_str(line);
            out.push('\n');
        }
        if height > 0 {
            out.push_str("\x1b[?2026l");
        }
        self.out.write_all(out.as_bytes())?;
        self.out.flush()?;
        (self.footer, self.typed) = (footer, 0);
        Ok(())
    }
}

/// Columns of a line, whose colours take none.
fn shown_columns(line: &str) -> usize {
    let mut in_sequence = false;
    let mut columns = 0;
    for letter in line.chars() {
        if in_sequence {
            in_sequence = letter != 'm';
        } else if letter == '\x1b' {
            in_sequence = true;
        } else {
            columns += letter.width().unwrap_or(0);
        }
    }
    columns
}
