//! Shows in a terminal what arrives, and listens to the few commands that a reader may type.

use std::io::{self, BufRead, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use crate::log_lines::render_log;
use crate::paint::Paint;
use crate::render::{Style, render};
use crate::screen::Screen;
use crate::server::View;
use crate::signal::Signal;
use crate::store::{Pace, Store, Trace};
use crate::table::{metrics_lines, metrics_table};
use crate::text::fit;

/// How a [`Printer`] shows what arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterOptions {
    /// How long a trace must have had nothing new before it is shown, and the time between two updates of the metrics;
    /// 500 ms by default.
    pub quiet: Duration,
    /// How long a log record waits for its trace before it is shown on its own; 6 s by default, because SDKs send spans
    /// every 5 s.
    pub log_wait: Duration,
    /// Show attributes from the start.
    pub attributes: bool,
    /// Colours: `None` (the default) for colours on a terminal only.
    pub color: Option<bool>,
    /// Metrics as a table that is redrawn in its place: `None` (the default) for one on a terminal only. Without, a
    /// line is written for each value that changes.
    pub redraw: Option<bool>,
    /// Columns: `None` (the default) for the terminal's own width, or 100 where there is no terminal.
    pub width: Option<usize>,
    /// Lines: `None` (the default) for the terminal's own height, or 24 where there is no terminal.
    pub height: Option<usize>,
    /// Read commands from standard input.
    pub interactive: bool,
}

impl Default for PrinterOptions {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(500),
            log_wait: Duration::from_secs(6),
            attributes: false,
            color: None,
            redraw: None,
            width: None,
            height: None,
            interactive: false,
        }
    }
}

/// What a reader typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `a`: attributes on or off.
    ToggleAttributes,
    /// `m`: the table of metrics on or off.
    ToggleMetrics,
    /// `q`: end.
    Quit,
}

impl Command {
    /// Reads one typed line; `None` for anything else.
    pub fn parse(line: &str) -> Option<Self> {
        match line.trim() {
            "a" | "A" => Some(Self::ToggleAttributes),
            "m" | "M" => Some(Self::ToggleMetrics),
            "q" | "Q" => Some(Self::Quit),
            _ => None,
        }
    }
}

/// Writes what arrives to an output, standard output by default: traces and log records scroll, and the metrics stand
/// beneath them.
pub struct Printer<W: Write = io::Stdout> {
    store: Arc<Store>,
    options: PrinterOptions,
    screen: Screen<W>,
    /// Each typed line, with the command that it is.
    commands: Option<Receiver<Option<Command>>>,
    attributes: bool,
    metrics: bool,
    /// The size for which the table was drawn.
    drawn_for: (usize, usize),
    /// When the table was last drawn with new values.
    fresh: Instant,
    last: Option<Trace>,
    shown: u64,
}

impl Printer {
    /// A printer on standard output; reads standard input when the options ask for it.
    pub fn new(store: Arc<Store>, options: PrinterOptions) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let commands = options.interactive.then(listen_to_input);
        let color = Some(options.color.unwrap_or(is_terminal));
        let redraw = Some(options.redraw.unwrap_or(is_terminal));
        Self { commands, ..Printer::with_output(store, PrinterOptions { color, redraw, ..options }, io::stdout()) }
    }
}

impl<W: Write> Printer<W> {
    /// A printer that writes to `out` and hears no commands. Without a choice in the options it writes no colours, and
    /// redraws nothing.
    pub fn with_output(store: Arc<Store>, options: PrinterOptions, out: W) -> Self {
        Self {
            store,
            attributes: options.attributes,
            options,
            screen: Screen::new(out),
            commands: None,
            metrics: true,
            drawn_for: (0, 0),
            fresh: Instant::now(),
            last: None,
            shown: 0,
        }
    }

    /// Sets the size of an output that is a terminal, but not this process's.
    pub fn resize(&mut self, width: usize, height: usize) {
        (self.options.width, self.options.height) = (Some(width), Some(height));
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
        Paint::Strong.put(&mut text, "ferrotel view: waiting for traces, metrics and logs", self.color());
        text.push_str(&format!("\n  OTLP over gRPC  http://{}\n", view.grpc_address()));
        let paths = Signal::ALL.map(Signal::http_path).join(" ");
        text.push_str(&format!("  OTLP over HTTP  http://{}  ({paths})\n", view.http_address()));
        if self.commands.is_some() {
            text.push_str("  a + Enter shows or hides attributes, m + Enter the table of metrics, q + Enter quits\n");
        }
        text.push('\n');
        self.print(&text)
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
        let others = [(counts.received_points, "data points of metrics"), (counts.received_logs, "log records")];
        for (number, what) in others.into_iter().filter(|(number, _)| *number > 0) {
            text.push_str(&format!(", {number} {what}"));
        }
        text.push('\n');
        self.screen.release_footer();
        self.print(&text)
    }

    /// Waits at most `timeout` for something to show, and shows it. `Ok(false)` says that the reader wants to quit.
    ///
    /// # Errors
    /// When the output is closed.
    pub fn step(&mut self, timeout: Duration) -> io::Result<bool> {
        let pace = Pace { quiet: self.options.quiet, log_wait: self.options.log_wait };
        let news = self.store.take(pace, timeout);
        // What was typed has moved the cursor: this must be known before anything is redrawn.
        let goes_on = self.obey()?;
        for notice in news.notices {
            self.notice(&notice)?;
        }
        for trace in news.traces {
            self.show(&trace)?;
            self.shown += 1;
            self.last = Some(trace);
        }
        if !news.logs.is_empty() {
            let style = self.style();
            let text: String = news.logs.iter().map(|log| render_log(log, &style)).collect();
            self.print(&text)?;
        }
        match (self.options.redraw.unwrap_or(false), news.metrics) {
            (true, true) => self.draw(Instant::now())?,
            (true, false) if self.size() != self.drawn_for => self.draw(self.fresh)?,
            (false, true) => self.print(&metrics_lines(&self.store, &self.style()))?,
            _ => {}
        }
        Ok(goes_on)
    }

    fn obey(&mut self) -> io::Result<bool> {
        loop {
            match self.commands.as_ref().map_or(Err(TryRecvError::Empty), Receiver::try_recv) {
                Ok(typed) => {
                    self.screen.note_typed();
                    match typed {
                        Some(Command::Quit) => return Ok(false),
                        Some(Command::ToggleAttributes) => self.toggle_attributes()?,
                        Some(Command::ToggleMetrics) => self.toggle_metrics()?,
                        None => {}
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

    fn toggle_attributes(&mut self) -> io::Result<()> {
        self.attributes = !self.attributes;
        match self.last.take() {
            Some(last) => {
                self.show(&last)?;
                self.last = Some(last);
                Ok(())
            }
            None => {
                let state = if self.attributes { "shown" } else { "hidden" };
                self.notice(&format!("attributes will be {state}"))
            }
        }
    }

    fn toggle_metrics(&mut self) -> io::Result<()> {
        self.metrics = !self.metrics;
        self.draw(self.fresh)
    }

    fn show(&mut self, trace: &Trace) -> io::Result<()> {
        let mut text = render(trace, &self.style());
        text.push('\n');
        self.print(&text)
    }

    /// Draws the table for the terminal as it is now; what changed before `fresh` is not emphasised.
    fn draw(&mut self, now: Instant) -> io::Result<()> {
        let (width, height) = self.size();
        let style = self.style();
        let most = if self.metrics { height / 2 } else { 0 };
        let table = metrics_table(&self.store, &style, most, Instant::now(), self.fresh);
        (self.drawn_for, self.fresh) = ((width, height), now);
        self.screen.set_footer(table, width)
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        let mut line = String::new();
        // Cleaned for the terminal, but not cut: the end of a notice is what to do about it.
        Paint::Note.put(&mut line, &format!("note: {}", fit(text, 2_000)), self.color());
        line.push('\n');
        self.print(&line)
    }

    fn print(&mut self, text: &str) -> io::Result<()> {
        let (width, _) = self.size();
        self.screen.print(text, width)
    }

    fn style(&self) -> Style {
        Style { width: self.size().0, color: self.color(), attributes: self.attributes }
    }

    fn color(&self) -> bool {
        self.options.color.unwrap_or(false)
    }

    /// Columns and lines. Asked for each time: a window changes its size.
    fn size(&self) -> (usize, usize) {
        let terminal = terminal_size::terminal_size();
        let (width, height) = terminal.map_or((100, 24), |(width, height)| (width.0.into(), height.0.into()));
        (self.options.width.unwrap_or(width), self.options.height.unwrap_or(height))
    }
}

/// A thread of its own, because a blocked read can't be interrupted. It ends with the input or the process.
fn listen_to_input() -> Receiver<Option<Command>> {
    let (sender, receiver) = mpsc::channel();
    let listen = move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(Command::parse(&line)).is_err() {
                return;
            }
        }
    };
    // Without the thread the view only has no commands.
    let _ = std::thread::Builder::new().name("ferrotel-view-input".to_owned()).spawn(listen);
    receiver
}
