//! Shows traces in a terminal as they arrive, and listens to the few commands that a reader may type.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::Duration;

use crate::paint::Paint;
use crate::render::{Style, render};
use crate::server::View;
use crate::store::{Store, Trace};
use crate::text::fit;

/// How a [`Printer`] shows traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterOptions {
    /// How long a trace must have had no new span before it is shown; 500 ms by default.
    pub quiet: Duration,
    /// Show attributes from the start.
    pub attributes: bool,
    /// Colours: `None` (the default) for colours on a terminal only.
    pub color: Option<bool>,
    /// Columns: `None` (the default) for the terminal's own width, or 100 where there is no terminal.
    pub width: Option<usize>,
    /// Read commands from standard input.
    pub interactive: bool,
}

impl Default for PrinterOptions {
    fn default() -> Self {
        Self { quiet: Duration::from_millis(500), attributes: false, color: None, width: None, interactive: false }
    }
}

/// What a reader typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `a`: attributes on or off.
    ToggleAttributes,
    /// `q`: end.
    Quit,
}

impl Command {
    /// Reads one typed line; `None` for anything else.
    pub fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "a" | "A" => Some(Self::ToggleAttributes),
            "q" | "Q" => Some(Self::Quit),
            _ => None,
        }
    }
}

/// Writes each trace to an output, standard output by default.
pub struct Printer<W: Write = io::Stdout> {
    store: Arc<Store>,
    options: PrinterOptions,
    out: W,
    commands: Option<Receiver<Command>>,
    attributes: bool,
    last: Option<Trace>,
    shown: u64,
}

impl Printer {
    /// A printer on standard output; reads standard input when the options ask for it.
    pub fn new(store: Arc<Store>, options: PrinterOptions) -> Self {
        let color = options.color.unwrap_or_else(|| io::stdout().is_terminal());
        let commands = options.interactive.then(listen_to_input);
        let options = PrinterOptions { color: Some(color), ..options };
        Self { commands, ..Printer::with_output(store, options, io::stdout()) }
    }
}

impl<W: Write> Printer<W> {
    /// A printer that writes to `out` and hears no commands. Without a choice in the options it writes no colours.
    pub fn with_output(store: Arc<Store>, options: PrinterOptions, out: W) -> Self {
        Self { store, attributes: options.attributes, options, out, commands: None, last: None, shown: 0 }
    }

    /// Traces shown so far; one that was shown again after more spans came counts again.
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// Says where `view` listens.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn greet(&mut self, view: &View) -> io::Result<()> {
        let mut text = String::new();
        Paint::Strong.put(&mut text, "ferrotel view: waiting for traces", self.color());
        text.push_str(&format!("\n  OTLP over gRPC  http://{}\n", view.grpc_address()));
        text.push_str(&format!("  OTLP over HTTP  http://{}/v1/traces\n", view.http_address()));
        if self.commands.is_some() {
            text.push_str("  a + Enter shows or hides attributes, q + Enter quits\n");
        }
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Says what was received in all.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn farewell(&mut self) -> io::Result<()> {
        let counts = self.store.counts();
        let mut text = format!("ferrotel view: {} spans received", counts.received_spans);
        if counts.dropped_spans > 0 {
            let (spans, traces) = (counts.dropped_spans, counts.dropped_traces);
            text.push_str(&format!(", {spans} of them in {traces} traces dropped to bound the memory"));
        }
        if counts.rejected_spans > 0 {
            text.push_str(&format!(", {} more refused", counts.rejected_spans));
        }
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    /// Waits at most `timeout` for something to show, and shows it. `Ok(false)` says that the reader wants to quit.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn step(&mut self, timeout: Duration) -> io::Result<bool> {
        let (traces, notices) = self.store.take_quiet(self.options.quiet, timeout);
        for notice in notices {
            self.notice(&notice)?;
        }
        for trace in traces {
            self.show(&trace)?;
            self.shown += 1;
            self.last = Some(trace);
        }
        self.obey()
    }

    fn obey(&mut self) -> io::Result<bool> {
        loop {
            match self.commands.as_ref().map_or(Err(TryRecvError::Empty), Receiver::try_recv) {
                Ok(Command::Quit) => return Ok(false),
                Ok(Command::ToggleAttributes) => {
                    self.attributes = !self.attributes;
                    match self.last.take() {
                        Some(last) => {
                            self.show(&last)?;
                            self.last = Some(last);
                        }
                        None => {
                            let state = if self.attributes { "shown" } else { "hidden" };
                            self.notice(&format!("attributes will be {state}"))?;
                        }
                    }
                }
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Disconnected) => {
                    self.commands = None;
                    return Ok(true);
                }
            }
        }
    }

    fn show(&mut self, trace: &Trace) -> io::Result<()> {
        let style = Style { width: self.width(), color: self.color(), attributes: self.attributes };
        let mut text = render(trace, &style);
        text.push('\n');
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        let mut line = String::new();
        // Cleaned for the terminal, but not cut: the end of a notice is what to do about it.
        Paint::Note.put(&mut line, &format!("note: {}", fit(text, 2_000)), self.color());
        line.push('\n');
        self.out.write_all(line.as_bytes())?;
        self.out.flush()
    }

    fn color(&self) -> bool {
        self.options.color.unwrap_or(false)
    }

    /// Asked for each time: a window changes its size.
    fn width(&self) -> usize {
        let of_terminal = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        self.options.width.or_else(of_terminal).unwrap_or(100)
    }
}

/// A thread of its own, because a blocked read can't be interrupted. It ends with the input or the process.
fn listen_to_input() -> Receiver<Command> {
    let (sender, receiver) = mpsc::channel();
    let listen = move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if let Some(command) = Command::parse(&line)
                && sender.send(command).is_err()
            {
                return;
            }
        }
    };
    // Without the thread the view only has no commands.
    let _ = std::thread::Builder::new().name("ferrotel-view-input".to_owned()).spawn(listen);
    receiver
}
