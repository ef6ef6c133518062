//! An interface that is captured from, by libpcap: on Linux, through its ring of `TPACKET_V3`.

use std::time::Duration;

use anyhow::{Context, anyhow};
use pcap::{Active, Capture, Device, Error, Precision};
use traffic::{capture::Frame, link::LinkType, timestamp::Timestamp};

use super::{
    clock,
    counts::Losses,
    source::{Arrival, InterfaceOptions},
};

/// How long the kernel may keep frames to itself, in milliseconds. Verdicts come this much later.
const KERNEL_MILLISECONDS: i32 = 10;

/// How long to sleep when there is nothing; meanwhile frames wait in the ring.
const NAP: Duration = Duration::from_millis(2);

/// A silence is told only of the time before: what has come since may still be in the ring.
const MARGIN_NANOSECONDS: i64 = 100_000_000;

/// An interface that is open.
pub(super) struct Interface {
    capture: Capture<Active>,
    link_type: LinkType,
    losses: Losses,
    /// The kernel's counters when last asked: 32 bits, which run over.
    counters: [u32; 3],
}

impl Interface {
    /// Opens it.
    pub(super) fn open(name: &str, options: &InterfaceOptions) -> anyhow::Result<Self> {
        let failed = |error: Error| explained(name, error);
        let opening = Capture::from_device(name).map_err(failed)?;
        let opening = opening
            .promisc(!options.no_promiscuous)
            .snaplen(options.snaplen)
            .timeout(KERNEL_MILLISECONDS)
            .buffer_size(options.buffer << 20)
            .precision(Precision::Nano);
        let mut capture = opening.open().map_err(failed)?;
        if let Some(filter) = &options.bpf {
            capture
                .filter(filter, true)
                .with_context(|| format!("cannot use the filter `{filter}`"))?;
        }
        // A thread that sleeps in the kernel until a frame comes would not hear of Ctrl-C.
        let capture = capture.setnonblock().map_err(failed)?;
        let link_type = LinkType(u32::try_from(capture.get_datalink().0).unwrap_or_default());
        Ok(Self {
            capture,
            link_type,
            losses: Losses::default(),
            counters: [0; 3],
        })
    }

    /// What its frames begin with.
    pub(super) fn link_type(&self) -> LinkType {
        self.link_type
    }

    /// The next frame, or that there is none.
    pub(super) fn next(&mut self) -> anyhow::Result<Arrival<'_>> {
        let packet = match self.capture.next_packet() {
            Ok(packet) => packet,
            Err(Error::TimeoutExpired) => {
                std::thread::sleep(NAP);
                return Ok(Arrival::Silence(Timestamp::from_nanoseconds(
                    clock::now().nanoseconds() - MARGIN_NANOSECONDS,
                )));
            }
            Err(Error::NoMorePackets) => return Ok(Arrival::End),
            Err(error) => return Err(error.into()),
        };
        let time = packet.header.ts;
        // With nanoseconds asked for, that is what is in the field for microseconds.
        let nanoseconds = time.tv_sec * 1_000_000_000 + time.tv_usec;
        Ok(Arrival::Frame(Frame {
            timestamp: Timestamp::from_nanoseconds(nanoseconds),
            link_type: self.link_type,
            interface: 0,
            original_length: packet.header.len,
            bytes: packet.data,
        }))
    }

    /// What was lost so far; none if the system does not count it.
    pub(super) fn losses(&mut self) -> Option<Losses> {
        let counted = self.capture.stats().ok()?;
        let counters = [counted.received, counted.dropped, counted.if_dropped];
        let mut since = [0; 3];
        for (since, (now, before)) in since.iter_mut().zip(counters.iter().zip(self.counters)) {
            *since = u64::from(now.wrapping_sub(before));
        }
        self.counters = counters;
        self.losses.received += since[0];
        self.losses.by_kernel += since[1];
        self.losses.by_interface += since[2];
        Some(self.losses)
    }
}

/// The error with what to do about it.
fn explained(name: &str, error: Error) -> anyhow::Error {
    let text = error.to_string();
    let remedy = if text.contains("ermi") {
        "run it as root, or let it: `sudo setcap cap_net_raw+ep $(command -v undertone)`".to_owned()
    } else {
        let interfaces = Device::list().unwrap_or_default();
        let names: Vec<String> = interfaces.into_iter().map(|one| one.name).collect();
        format!("interfaces here: {}", names.join(", "))
    };
    anyhow!(
        "cannot capture from `{name}`: {}; {remedy}",
        text.trim_start_matches("libpcap error: ")
    )
}
