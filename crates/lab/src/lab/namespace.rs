//! Network namespaces: made, set up, and removed only if they are the ones that were made.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf, process::Command};

use anyhow::{Context, bail};

use super::host::{Host, Role};
use crate::shell::{output, words};

/// What the resolver's own file begins with, before the lab that made the namespace.
const SIGN: &str = "# undertone-lab ";

/// What a host's own hosts file begins with.
const LOCAL_NAMES: &str = "127.0.0.1 localhost\n";

/// Makes a namespace and says the number of its file, by which it is known again.
///
/// # Errors
///
/// If there is one of that name already.
pub(super) fn make(namespace: &str, identity: &str) -> anyhow::Result<u64> {
    if inode(namespace).is_some() {
        bail!(
            "a network namespace `{namespace}` exists and this lab has not made it; remove it with `ip netns delete {namespace}` if it is not used"
        );
    }
    let folder = files(namespace);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    // First of all, so that whatever is killed from here on can be told to be ours.
    // Nobody answers there: names come from the hosts file, and a missing one fails at once.
    fs::write(
        folder.join("resolv.conf"),
        format!("{SIGN}{identity}\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
    )?;
    output(&mut words(&format!("ip netns add {namespace}")))?;
    fs::write(folder.join("hosts"), LOCAL_NAMES)?;
    inode(namespace).with_context(|| format!("namespace `{namespace}` vanished"))
}

/// Whether a namespace of that name is there and this lab has made it; `number` is its file's, if known.
pub(super) fn is_ours(namespace: &str, number: Option<u64>, identity: &str) -> bool {
    inode(namespace).is_some_and(|found| number.is_none_or(|number| number == found))
        && is_signed(namespace, identity)
}

/// Removes a namespace if it is ours, and what `/etc` has for it.
pub(super) fn remove(namespace: &str, number: Option<u64>, identity: &str) -> anyhow::Result<()> {
    if is_ours(namespace, number, identity) {
        output(&mut words(&format!("ip netns delete {namespace}")))?;
    }
    if is_signed(namespace, identity) {
        let folder = files(namespace);
        fs::remove_dir_all(&folder)
            .with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    Ok(())
}

fn is_signed(namespace: &str, identity: &str) -> bool {
    // A file of its own would do, but `ip netns exec` wants each file's like in `/etc`.
    let text = fs::read_to_string(files(namespace).join("resolv.conf")).unwrap_or_default();
    let signed = text.lines().next().and_then(|line| line.strip_prefix(SIGN));
    signed == Some(identity)
}

/// The number of a namespace's file; `None` if there is no such namespace.
pub(super) fn inode(namespace: &str) -> Option<u64> {
    let path = format!("/run/netns/{namespace}");
    fs::metadata(path).ok().map(|metadata| metadata.ino())
}

/// The numbers of the processes in a namespace.
pub(super) fn processes(namespace: &str) -> Vec<u32> {
    output(&mut words(&format!("ip netns pids {namespace}")))
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

/// Gives a host its address, once the router has made its interface.
pub(super) fn set_up(host: &Host, hardware: &str) -> anyhow::Result<()> {
    let forwards = u8::from(host.role == Role::Gateway);
    let script = format!(
        "set -e
        sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
          net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward={forwards}
        ip link set lo up
        ip link set eth0 address {hardware} up
        {}",
        addressing(host)
    );
    run(&host.namespace, &script).map(drop)
}

/// Takes a host's addresses away and gives it the one that it has now.
pub(super) fn set_address(host: &Host) -> anyhow::Result<()> {
    let script = format!(
        "set -e
        ip -4 address flush dev eth0
        {}",
        addressing(host)
    );
    run(&host.namespace, &script).map(drop)
}

fn addressing(host: &Host) -> String {
    format!(
        "ip address add {}/{} brd + dev eth0
        ip route replace default via {}",
        host.address,
        host.network.bits(),
        host.gateway
    )
}

/// Runs a shell script in a namespace to its end and returns what it wrote.
pub(super) fn run(namespace: &str, script: &str) -> anyhow::Result<String> {
    output(Command::new("ip").args(["netns", "exec", namespace, "sh", "-c", script]))
}

/// Makes a name resolve on a host.
pub(super) fn add_name(namespace: &str, name: &str, address: &str) -> anyhow::Result<()> {
    use std::io::Write;
    // In place: programs that run see this very file, not another of its name.
    fs::OpenOptions::new()
        .append(true)
        .open(files(namespace).join("hosts"))
        .and_then(|mut file| writeln!(file, "{address} {name}"))
        .with_context(|| format!("cannot make `{name}` known in `{namespace}`"))
}

/// Makes a host forget all names but its own.
pub(super) fn forget_names(namespace: &str) -> anyhow::Result<()> {
    fs::write(files(namespace).join("hosts"), LOCAL_NAMES)
        .with_context(|| format!("cannot forget the names of `{namespace}`"))
}

/// Where `ip netns exec` takes a namespace's own files of `/etc` from.
fn files(namespace: &str) -> PathBuf {
    PathBuf::from("/etc/netns").join(namespace)
}
