//! `serve`: what is going on, on a page for a browser on this machine.

mod answer;
mod board;
mod followed;
mod guard;
mod routes;
mod snapshot;
mod upload;

use std::{
    io::Write,
    net::SocketAddr,
    num::NonZeroUsize,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, sleep},
    time::Duration,
};

use anyhow::Context;
use clap::Args;
use learn::classifier::Classifier;
use tokio::sync::Semaphore;
use traffic::session_table::Glimpses;

use self::{
    board::Board,
    followed::{Followed, Kind},
};
use crate::{
    following::{FollowingArguments, Source, Speed},
    http::{self, Listener},
    interrupt,
    showing::{Opening, every_second},
};

/// Show what traffic does, on a page for a browser on this machine
///
/// The page has what `top` has, of every interface and capture that is named here, and of captures
/// that are dropped on it. It is for this machine alone: only loopback addresses are listened to,
/// pages of other sites cannot use it, and nothing on it comes from elsewhere. Whoever has an
/// account on this machine can open it. Ctrl-C ends it.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  A page to drop captures on:
    undertone serve

  What is on an interface, as root or with the capability CAP_NET_RAW, in builds with libpcap:
    undertone serve eth0

  From another machine, by ssh; then open http://127.0.0.1:8470/ here:
    ssh -L 8470:127.0.0.1:8470 gateway undertone serve eth0

  A capture from a program; the answer has the lines of `undertone classify --format json`:
    curl -T capture.pcap http://127.0.0.1:8470/api/captures/")]
pub(crate) struct Serve {
    /// Interfaces to capture from, or captures to read; `-` is standard input
    #[arg(value_name = "INTERFACE|CAPTURE")]
    sources: Vec<PathBuf>,
    /// Where to listen: a port of this machine, or a loopback address and a port; 0 is any port that
    /// is free
    #[arg(long, default_value = "127.0.0.1:8470", value_name = "ADDRESS", value_parser = loopback)]
    listen: SocketAddr,
    /// Read the captures that are named here at so many times the pace at which they were captured
    /// [default: as fast as can be]
    #[arg(long, value_name = "FACTOR")]
    speed: Option<Speed>,
    /// The largest capture that may be dropped on the page, in MiB
    #[arg(long, default_value = "1024", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    upload_limit: u64,
    /// How much a compressed one may expand to, in MiB
    #[arg(long, default_value = "8192", value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576))]
    expansion_limit: u64,
    /// How many captures that were dropped on it are read at once
    #[arg(long, default_value = "2", value_name = "COUNT")]
    uploads: NonZeroUsize,
    #[command(flatten)]
    following: FollowingArguments,
}

/// What all requests share.
struct Server {
    classifier: Classifier,
    glimpses: Glimpses,
    board: Board,
    /// Bytes of a capture.
    upload_limit: u64,
    /// Bytes that one may expand to.
    expansion_limit: u64,
    /// A permit for each upload that may be read at once.
    uploads: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
}

/// How often to look whether somebody wants to end it.
const INTERVAL: Duration = Duration::from_millis(100);

impl Serve {
    /// Serves the page until somebody interrupts; its address is printed first.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let classifier = self.following.classifier(None)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let sources = self.open_sources(&stop)?;
        let listening = || format!("cannot listen on `{}`", self.listen);
        let listener = Listener::bind(self.listen).with_context(listening)?;
        writeln!(out, "http://{}/", listener.address()?)?;
        out.flush()?;
        let server = Arc::new(Server {
            glimpses: every_second(self.following.glimpses(&classifier)),
            classifier,
            board: Board::default(),
            upload_limit: self.upload_limit << 20,
            expansion_limit: self.expansion_limit << 20,
            uploads: Arc::new(Semaphore::new(self.uploads.get())),
            stop: Arc::clone(&stop),
        });
        for source in sources {
            // On the board before the first request is answered.
            let followed = server.show(&source);
            let server = Arc::clone(&server);
            // The page tells what went wrong.
            thread::spawn(move || followed.follow(&server, source, &mut |_| Ok(())));
        }
        let starting = "cannot answer requests";
        listener.start(routes::router(server)).context(starting)?;
        while !stop.load(Relaxed) {
            sleep(INTERVAL);
        }
        Ok(())
    }

    fn open_sources(&self, stop: &Arc<AtomicBool>) -> anyhow::Result<Vec<Source>> {
        let opening = Opening {
            interfaces: &self.following.capturing,
            speed: self.speed,
            stop,
            reader: "undertone serve -",
        };
        let sources = self.sources.iter();
        sources.map(|name| opening.open(name)).collect()
    }
}

impl Server {
    /// Puts a source that was named on the command line onto the board.
    fn show(&self, source: &Source) -> Arc<Followed> {
        let kind = if source.waits() {
            Kind::Capture
        } else {
            Kind::Interface
        };
        self.board.add(source.name(), kind, self, source)
    }
}

/// An address that nobody on another machine reaches.
fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address = http::address(text)?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err(
            "only loopback addresses, such as 127.0.0.1: the page shows who talks to whom; from \
             another machine, use `ssh -L`"
                .to_owned(),
        )
    }
}
