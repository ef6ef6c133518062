//! The terminal while a screen is on it, and how it is given back.

use std::{
    io::{self, Write},
    panic,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::Context;
use ratatui::{
    Frame,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

/// How long another thread that panics waits for the terminal to be given back.
const PATIENCE: Duration = Duration::from_secs(2);

/// A terminal with a screen of ours on it, until it is closed or dropped.
pub(super) struct Terminal<'a> {
    terminal: ratatui::Terminal<CrosstermBackend<&'a mut dyn Write>>,
    is_closed: Arc<AtomicBool>,
}

impl<'a> Terminal<'a> {
    /// Takes the terminal that `out` writes to. A panic anywhere sets `stop`, and is told on a
    /// terminal that is as it was before.
    pub(super) fn open(out: &'a mut dyn Write, stop: &Arc<AtomicBool>) -> anyhow::Result<Self> {
        let is_closed = Arc::new(AtomicBool::new(false));
        close_at_a_panic(Arc::clone(stop), Arc::clone(&is_closed));
        let mut opened = Self {
            terminal: ratatui::Terminal::new(CrosstermBackend::new(out))?,
            is_closed,
        };
        enable_raw_mode().context("cannot take the terminal")?;
        execute!(opened.terminal.backend_mut(), EnterAlternateScreen)?;
        opened.terminal.clear()?;
        Ok(opened)
    }

    /// Draws the next picture.
    pub(super) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> anyhow::Result<()> {
        self.terminal
            .draw(picture)
            .context("cannot draw on the terminal")?;
        Ok(())
    }

    /// Gives the terminal back.
    pub(super) fn close(mut self) -> anyhow::Result<()> {
        self.give_back().context("cannot restore the terminal")
    }

    fn give_back(&mut self) -> io::Result<()> {
        if self.is_closed.load(Relaxed) {
            return Ok(());
        }
        // Each is worth trying, whatever became of the other.
        let left = execute!(self.terminal.backend_mut(), LeaveAlternateScreen, Show);
        let restored = disable_raw_mode();
        self.is_closed.store(true, Relaxed);
        restored.and(left)
    }
}

impl Drop for Terminal<'_> {
    fn drop(&mut self) {
        // Whoever closes it hears of errors; here something else has gone wrong before.
        let _ = self.give_back();
    }
}

/// Lets the message of a panic wait until the terminal is as it was.
fn close_at_a_panic(stop: Arc<AtomicBool>, is_closed: Arc<AtomicBool>) {
    let drawing = thread::current().id();
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |panic| {
        stop.store(true, Relaxed);
        if thread::current().id() != drawing {
            wait_for(&is_closed);
        } else if !is_closed.swap(true, Relaxed) {
            let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
            let _ = disable_raw_mode();
        }
        tell(panic);
    }));
}

/// The thread that draws holds standard output, and gives the terminal back within a moment.
fn wait_for(is_closed: &AtomicBool) {
    const NAP: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    while !is_closed.load(Relaxed) && waited < PATIENCE {
        thread::sleep(NAP);
        waited += NAP;
    }
}
