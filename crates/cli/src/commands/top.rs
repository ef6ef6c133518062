//! `top`: what is going on, on a screen of the terminal.

mod chart;
mod drawing;
#[cfg(test)]
mod picture;
mod screen;
mod table;
mod terminal;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    sync::{
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, TryRecvError},
    },
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Args;
use ratatui::crossterm::event;

use self::{
    drawing::draw,
    screen::{Reply, Screen},
    terminal::Terminal,
};
use crate::{
    following::{Counts, DRIFT_SESSIONS, Following, FollowingArguments, News, QUEUE, Speed},
    interrupt,
    overview::Overview,
    showing::{Opening, every_second, extent},
};

/// Show what traffic does, on a screen of the terminal
///
/// Traffic by class over time, how much there is of each class, and the sessions. Sessions are asked
/// about and told of as `live` does; a capture is read as fast as it can be, or at a multiple of the
/// pace at which it was captured. `?` shows the keys.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What is on an interface, as root or with the capability CAP_NET_RAW, in builds with libpcap:
    undertone top eth0

  A capture, from its first packet to its last in a tenth of the time that it took:
    undertone top capture.pcap --speed 10

  What another machine sees:
    ssh gateway tcpdump -i eth0 -U -w - | undertone top -")]
pub(crate) struct Top {
    /// The interface to capture from, or a capture to read; `-` is standard input
    #[arg(value_name = "INTERFACE|CAPTURE")]
    source: PathBuf,
    /// Read a capture at so many times the pace at which it was captured [default: as fast as can be]
    #[arg(long, value_name = "FACTOR")]
    speed: Option<Speed>,
    #[command(flatten)]
    following: FollowingArguments,
}

/// How often the screen is drawn.
const INTERVAL: Duration = Duration::from_millis(100);

/// Who says what happens on the screen.
struct Watcher<'a> {
    screen: Screen,
    counts: &'a Counts,
    stop: &'a AtomicBool,
}

impl Watcher<'_> {
    /// Takes news in and draws them until somebody quits.
    fn watch(&mut self, terminal: &mut Terminal<'_>, news: &Receiver<News>) -> anyhow::Result<()> {
        loop {
            self.hear(news);
            self.screen.read(self.counts);
            if self.stop.load(Relaxed) {
                return Ok(());
            }
            terminal.draw(|frame| draw(frame, &mut self.screen))?;
            // All keys that were pressed meanwhile, then the next picture.
            let mut patience = INTERVAL;
            while event::poll(patience).context("cannot read keys")? {
                if self.screen.answer(&event::read()?) == Reply::Quit {
                    return Ok(());
                }
                patience = Duration::ZERO;
            }
        }
    }

    /// Takes in what has come meanwhile.
    fn hear(&mut self, news: &Receiver<News>) {
        for _ in 0..QUEUE {
            match news.try_recv() {
                Ok(one) => {
                    if let News::Told(told) = &one {
                        // The screen warns of drift as long as there is any.
                        let _ = self.counts.tell(told);
                    }
                    self.screen.hear(&one);
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.screen.end();
                    return;
                }
            }
        }
    }
}

impl Top {
    /// Shows the source until somebody quits; then says what there was.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        if !io::stdout().is_terminal() {
            bail!(
                "standard output is not a terminal, and `top` draws on one; `undertone classify` \
                 and `undertone live` write verdicts as lines"
            );
        }
        let classifier = self.following.classifier(None)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let opening = Opening {
            interfaces: &self.following.capturing,
            speed: self.speed,
            stop: &stop,
            reader: "undertone top -",
        };
        let source = opening.open(&self.source)?;
        let name = source.name().to_owned();
        let overview = Overview::new(&classifier, extent(&source));
        let counts = Counts::of(&classifier, &source, DRIFT_SESSIONS);
        let following = Following {
            classifier: &classifier,
            glimpses: &every_second(self.following.glimpses(&classifier)),
            counts: &counts,
            stop: &stop,
        };
        let mut watcher = Watcher {
            screen: Screen::new(name.clone(), overview),
            counts: &counts,
            stop: &stop,
        };
        let captured = following.follow(source, |news| {
            let mut terminal = Terminal::open(out, &stop)?;
            let outcome = watcher.watch(&mut terminal, &news);
            // Whoever captures hears of it before the terminal is given back.
            stop.store(true, Relaxed);
            terminal.close().and(outcome)
        })?;
        writeln!(io::stderr(), "{captured}")?;
        match captured.failure {
            Some(error) => Err(error.context(format!("cannot read `{name}` any further"))),
            None => Ok(()),
        }
    }
}
