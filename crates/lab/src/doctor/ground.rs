//! What no lab can be without: root, TAP devices, namespaces, a few programs.

use std::{fs, path::Path, process};

use anyhow::bail;

use super::{Finding, State};
use crate::shell::{output, words};

/// Programs that the lab itself runs, and their Debian packages.
const PROGRAMS: [(&str, &str); 10] = [
    ("ip", "iproute2"),
    ("sysctl", "procps"),
    ("iptables", "iptables"),
    ("setsid", "util-linux"),
    ("setpriv", "util-linux"),
    ("timeout", "coreutils"),
    ("tcpdump", "tcpdump"),
    ("openssl", "openssl"),
    ("ping", "iputils-ping"),
    ("ffmpeg", "ffmpeg"),
];

/// Where Linux says how hosts may react to lost packets.
const CONGESTION: &str = "/proc/sys/net/ipv4";

/// Fails with one clear line if a lab cannot be made here at all.
///
/// # Errors
///
/// Without root, `/dev/net/tun` or a program that the lab itself runs.
pub(crate) fn require() -> anyhow::Result<()> {
    if !is_root() {
        bail!("a lab needs root: it makes network namespaces; try `sudo undertone-lab …`");
    }
    if !has_tun() {
        bail!("cannot open `/dev/net/tun`; load it with `modprobe tun`");
    }
    for (program, package) in PROGRAMS {
        if !is_there(program) {
            bail!(
                "the program `{program}` is missing; install it with `apt-get install {package}`"
            );
        }
    }
    Ok(())
}

/// What there is of the ground.
pub(super) fn findings() -> Vec<Finding> {
    let mut findings = vec![
        if is_root() {
            Finding::good("root", "yes")
        } else {
            Finding::new(State::Missing, "root", "no", "run it with `sudo`")
        },
        if has_tun() {
            Finding::good("TAP devices", "/dev/net/tun")
        } else {
            let found = "/dev/net/tun cannot be opened";
            Finding::new(State::Missing, "TAP devices", found, "modprobe tun")
        },
        namespaces(),
    ];
    let missing: Vec<(&str, &str)> = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !is_there(program))
        .collect();
    let names: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    findings.push(if missing.is_empty() {
        Finding::good(
            "programs of the lab itself",
            format!("all {}", PROGRAMS.len()),
        )
    } else {
        let mut packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
        packages.dedup();
        Finding::new(
            State::Missing,
            "programs of the lab itself",
            format!("no {}", names.join(", ")),
            super::supplies::install_line(&packages),
        )
    });
    findings.push(congestion());
    findings
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn has_tun() -> bool {
    let device = fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun");
    device.is_ok()
}

/// Whether a program is in one of the folders that the lab's own programs look through.
fn is_there(program: &str) -> bool {
    let mut folders = crate::lab::PATH.split(':');
    folders.any(|folder| Path::new(folder).join(program).exists())
}

/// Makes a namespace with a redirect in it, as the lab does, and removes it.
fn namespaces() -> Finding {
    let subject = "network namespaces";
    let name = format!("ut-doctor-{}", process::id());
    let redirect = format!(
        "ip netns exec {name} iptables -w 5 -t nat -A PREROUTING -p tcp --dport 9 -j REDIRECT --to-ports 10"
    );
    if let Err(error) = output(&mut words(&format!("ip netns add {name}"))) {
        return Finding::new(
            State::Missing,
            subject,
            error.to_string(),
            "the kernel needs CONFIG_NET_NS, and the lab root",
        );
    }
    let redirected = output(&mut words(&redirect));
    let removed = output(&mut words(&format!("ip netns delete {name}")));
    match redirected.and(removed) {
        Ok(_) => Finding::good(subject, "made, with a redirect in it, and removed"),
        Err(error) => Finding::new(
            State::Missing,
            subject,
            error.to_string(),
            "the kernel needs iptables' nat table and REDIRECT",
        ),
    }
}

/// Whether hosts may use the congestion control that most hosts on the internet use.
fn congestion() -> Finding {
    let subject = "congestion control";
    let read = |name: &str| {
        let text = fs::read_to_string(format!("{CONGESTION}/{name}")).unwrap_or_default();
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let allowed = read("tcp_allowed_congestion_control");
    if ["cubic", "bbr"]
        .iter()
        .all(|name| allowed.iter().any(|other| other == name))
    {
        return Finding::good(subject, allowed.join(", "));
    }
    let mut all = read("tcp_available_congestion_control");
    for name in ["reno", "cubic", "bbr"] {
        if !all.iter().any(|other| other == name) {
            all.push(name.to_owned());
        }
    }
    Finding::new(
        State::Poor,
        subject,
        format!("namespaces may only use {}", allowed.join(", ")),
        format!(
            "modprobe tcp_bbr; sysctl -w net.ipv4.tcp_allowed_congestion_control='{}'",
            all.join(" ")
        ),
    )
}
