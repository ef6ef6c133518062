//! How certificates are made, with the `openssl` program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use anyhow::{Context, bail};

use super::Entry;
use crate::{draws::Draws, shell::output};

/// How many authorities sign; each has a root, and every second one signs with a second certificate.
const AUTHORITIES: usize = 6;

/// Kinds of keys, as `openssl req` wants them.
const ALGORITHMS: [(&str, &[&str]); 4] = [
    (
        "P-256",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ),
    (
        "P-384",
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
    ),
    ("RSA-2048", &["-newkey", "rsa:2048"]),
    ("RSA-3072", &["-newkey", "rsa:3072"]),
];

/// How long certificates of servers are valid, days.
const DAYS: [i64; 4] = [90, 180, 365, 397];

/// Makes authorities and certificates in a folder, on all processors.
pub(super) fn make(
    folder: &Path,
    seed: u64,
    size: usize,
    proceed: &(dyn Fn() -> anyhow::Result<()> + Sync),
) -> anyhow::Result<Vec<Entry>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let mut bundle = String::new();
    for number in 0..AUTHORITIES {
        make_authority(folder, seed, number)?;
        bundle.push_str(&fs::read_to_string(authority(folder, number))?);
    }
    fs::write(authorities(folder), bundle)?;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut made = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= size {
                return Ok(made);
            }
            proceed()?;
            made.push((number, make_one(folder, seed, number)?));
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let mut entries: Vec<(usize, Entry)> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let outcomes = workers.into_iter().map(|worker| match worker.join() {
            Ok(outcome) => outcome,
            Err(_) => bail!("making certificates panicked"),
        });
        outcomes.collect::<anyhow::Result<Vec<_>>>()
    })?
    .concat();
    entries.sort_by_key(|(number, _)| *number);
    Ok(entries.into_iter().map(|(_, entry)| entry).collect())
}

/// Where the certificate of an authority is.
pub(super) fn authority(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("authority{number}.pem"))
}

/// Where the certificates of all authorities are.
pub(super) fn authorities(folder: &Path) -> PathBuf {
    folder.join("authorities.pem")
}

/// Who signs for an authority: itself, or the second certificate that it has signed.
fn signer(folder: &Path, number: usize) -> PathBuf {
    folder.join(if has_second(number) {
        format!("second{number}")
    } else {
        format!("authority{number}")
    })
}

fn has_second(authority: usize) -> bool {
    authority % 2 == 1
}

fn make_authority(folder: &Path, seed: u64, number: usize) -> anyhow::Result<()> {
    let draws = Draws::new(seed, "authority", number as u64);
    let firm = format!(
        "{} {}",
        draws.syllables(3),
        draws.pick(&["Trust", "CA", "Sign", "Secure"])
    );
    let root = folder.join(format!("authority{number}"));
    let (_, algorithm) = draws.pick(&ALGORITHMS);
    output(
        Command::new("openssl")
            .args(["req", "-x509", "-nodes", "-days", "3650"])
            .args(*algorithm)
            .args([
                "-subj",
                &format!("/C=XX/O={firm}/CN={firm} Root R{}", number + 1),
            ])
            .arg("-keyout")
            .arg(root.with_extension("key"))
            .arg("-out")
            .arg(root.with_extension("pem")),
    )?;
    if has_second(number) {
        let subject = format!("/C=XX/O={firm}/CN={firm} TLS {}", draws.whole(1, 9));
        let second = signer(folder, number);
        let extensions = "basicConstraints=critical,CA:TRUE,pathlen:0\n\
                          keyUsage=critical,keyCertSign,cRLSign\n";
        sign(&second, &root, &subject, extensions, 1825, &draws)?;
    }
    Ok(())
}

fn make_one(folder: &Path, seed: u64, number: usize) -> anyhow::Result<Entry> {
    let draws = Draws::new(seed, "certificate", number as u64);
    let name = draws.hostname();
    let chosen = draws.place(AUTHORITIES);
    let mut names = vec![format!("DNS:{name}"), format!("DNS:www.{name}")];
    // Some servers have many names, which makes their certificates long.
    for _ in 0..*draws.pick(&[0, 0, 0, 1, 2, 5, 12]) {
        names.push(format!("DNS:{}", draws.hostname()));
    }
    let names = names.join(",");
    let extensions = format!(
        "subjectAltName={names}\nbasicConstraints=CA:FALSE\n\
         keyUsage=digitalSignature,keyEncipherment,keyAgreement\n\
         extendedKeyUsage=serverAuth,clientAuth\n"
    );
    let subject = if draws.chance(0.3) {
        format!("/C=XX/O={}/CN={name}", draws.syllables(3))
    } else {
        format!("/CN={name}")
    };
    let place = folder.join(format!("{number:03}"));
    let signer = signer(folder, chosen);
    let days = *draws.pick(&DAYS);
    let algorithm = sign(&place, &signer, &subject, &extensions, days, &draws)?;

    let mut chain = fs::read_to_string(place.with_extension("pem"))?;
    // A root is sent along by some servers, although nobody needs it; a second certificate by all.
    if has_second(chosen) || draws.chance(0.2) {
        chain.push_str(&fs::read_to_string(signer.with_extension("pem"))?);
    }
    let key = fs::read_to_string(place.with_extension("key"))?;
    fs::write(place.with_extension("chain.pem"), &chain)?;
    fs::write(place.with_extension("key.pem"), &key)?;
    fs::write(place.with_extension("both.pem"), format!("{key}{chain}"))?;
    for end in ["pem", "key"] {
        fs::remove_file(place.with_extension(end))?;
    }
    // Servers refuse keys that others can read.
    make_private(&place.with_extension("key.pem"))?;
    make_private(&place.with_extension("both.pem"))?;
    Ok(Entry {
        name,
        algorithm,
        authority: chosen,
    })
}

/// Makes a key at `place` and has it signed; says what kind of key it is.
fn sign(
    place: &Path,
    signer: &Path,
    subject: &str,
    extensions: &str,
    days: i64,
    draws: &Draws,
) -> anyhow::Result<String> {
    let (request, wanted) = (place.with_extension("csr"), place.with_extension("ext"));
    let (name, algorithm) = draws.pick(&ALGORITHMS);
    output(
        Command::new("openssl")
            .args(["req", "-new", "-nodes", "-subj", subject])
            .args(*algorithm)
            .arg("-keyout")
            .arg(place.with_extension("key"))
            .arg("-out")
            .arg(&request),
    )?;
    fs::write(&wanted, extensions)?;
    let serial = format!(
        "0x{:08x}{:08x}{:08x}",
        draws.seed(),
        draws.seed(),
        draws.seed()
    );
    output(
        Command::new("openssl")
            .args([
                "x509",
                "-req",
                "-set_serial",
                &serial,
                "-days",
                &days.to_string(),
            ])
            .arg("-in")
            .arg(&request)
            .arg("-CA")
            .arg(signer.with_extension("pem"))
            .arg("-CAkey")
            .arg(signer.with_extension("key"))
            .arg("-extfile")
            .arg(&wanted)
            .arg("-out")
            .arg(place.with_extension("pem")),
    )?;
    fs::remove_file(request)?;
    fs::remove_file(wanted)?;
    Ok((*name).to_owned())
}

fn make_private(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(
        path,
        fs::Permissions::from_mode(0o600),
    )?)
}
