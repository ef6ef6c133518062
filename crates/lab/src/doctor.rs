//! What the lab needs of a machine, and what this machine has of it.

use std::{fs, path::Path};

use anyhow::bail;

/// Fails with one clear line if a lab cannot be made here at all.
///
/// # Errors
///
/// Without root, `/dev/net/tun` or the programs that make namespaces.
pub(crate) fn require_ground() -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("a lab needs root: it makes network namespaces; try `sudo undertone-lab …`");
    }
    if fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .is_err()
    {
        bail!("cannot open `/dev/net/tun`; load it with `modprobe tun`");
    }
    for (program, package) in GROUND {
        if find(program).is_none() {
            bail!(
                "the program `{program}` is missing; install it with `apt-get install {package}`"
            );
        }
    }
    Ok(())
}

/// The programs without which no lab can be made, and their Debian packages.
const GROUND: [(&str, &str); 9] = [
    ("ip", "iproute2"),
    ("sysctl", "procps"),
    ("iptables", "iptables"),
    ("setsid", "util-linux"),
    ("setpriv", "util-linux"),
    ("timeout", "coreutils"),
    ("tcpdump", "tcpdump"),
    ("openssl", "openssl"),
    ("ping", "iputils-ping"),
];

/// Where a program is, in the folders that the lab's own programs look through.
fn find(program: &str) -> Option<String> {
    let folders = crate::lab::PATH.split(':');
    folders
        .map(|folder| format!("{folder}/{program}"))
        .find(|path| Path::new(path).exists())
}
