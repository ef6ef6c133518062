//! One step of a scenario with its values filled in, and what it asks for besides its command.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{Environment, Value, context};

use super::{
    super::{mistake::Mistake, scenario::Scenario},
    RenderedFile, Renderer, STEP_ACCOUNTS, accounts,
    drawing::wrong,
    service::text,
};
use crate::draws::Draws;

/// The least random port that a service is offered at.
const LEAST_PORT: i64 = 1025;

/// The largest random file, in bytes.
const MOST_RANDOM: u64 = 256 << 20;

/// What the templates of a step may use.
#[derive(Debug)]
pub(crate) struct StepValues<'a> {
    /// The drawn service ...
    pub(crate) service: &'a str,
    /// ... its host ...
    pub(crate) site: &'a str,
    /// ... the host's address ...
    pub(crate) address: Ipv4Addr,
    /// ... and its folder there.
    pub(crate) service_folder: &'a Path,
    /// Ports that are taken on that host and must not be drawn.
    pub(crate) taken_ports: &'a [u16],
    /// Addresses of the hosts of every running service, by the service's name.
    pub(crate) addresses: &'a BTreeMap<String, Vec<Ipv4Addr>>,
    /// The client's own address: the tunnel's, if there is one.
    pub(crate) client: Ipv4Addr,
    /// The step's own folder.
    pub(crate) folder: &'a Path,
    /// Programs of the catalogue.
    pub(crate) apps: &'a Path,
    /// Sound, video and files.
    pub(crate) media: &'a Path,
    /// Python interpreter of the laboratory's environment.
    pub(crate) python: &'a Path,
    /// Seconds left in the run.
    pub(crate) seconds: f64,
}

/// A port of the site that is to be redirected to a service's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// What the client connects to.
    pub(crate) from: u16,
    /// Where the service listens.
    pub(crate) to: u16,
    /// Whether both are UDP; else TCP.
    pub(crate) is_udp: bool,
}

/// A file of random bytes to be made in the step's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RandomFile {
    /// Where.
    pub(crate) path: PathBuf,
    /// How large.
    pub(crate) bytes: u64,
    /// What its bytes are drawn from.
    pub(crate) seed: u64,
}

/// What is written, arranged and started, and what the sidecar will say of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenderedStep {
    /// Written first.
    pub(crate) files: Vec<RenderedFile>,
    /// A shell command.
    pub(crate) command: String,
    /// The name under which the client knows the site.
    pub(crate) hostname: String,
    /// Ports of the site that the client uses, as seen on the wire.
    pub(crate) ports: Vec<u16>,
    /// Those of them that are not the service's own.
    pub(crate) redirects: Vec<Redirect>,
    /// Files to be made.
    pub(crate) random_files: Vec<RandomFile>,
    /// What the step notes.
    pub(crate) notes: BTreeMap<String, serde_json::Value>,
}

/// What rendering asks for, collected while it runs.
#[derive(Debug, Default)]
struct Asked {
    ports: Vec<u16>,
    redirects: Vec<Redirect>,
    random_files: Vec<RandomFile>,
    notes: BTreeMap<String, serde_json::Value>,
}

/// Fills in the templates of one step.
///
/// # Errors
///
/// If a template is wrong, with its file and field.
pub(crate) fn render_step(
    scenario: &Scenario,
    values: &StepValues<'_>,
    draws: &Draws,
) -> Result<RenderedStep, Mistake> {
    let hostname = draws.hostname();
    let accounts = accounts();
    let account = draws.pick(&accounts[..STEP_ACCOUNTS]).value();
    let context = context! {
        host => hostname.as_str(),
        address => values.address.to_string(),
        service => values.service,
        site => values.site,
        service_folder => text(values.service_folder),
        client => values.client.to_string(),
        account => account,
        folder => text(values.folder),
        apps => text(values.apps),
        media => text(values.media),
        python => text(values.python),
        seconds => values.seconds.max(1.0).round() as u64,
    };
    let asked = Arc::new(Mutex::new(Asked::default()));
    let mut renderer = Renderer::new(&scenario.file, draws, context);
    let environment = &mut renderer.environment;
    add_addresses(environment, values.addresses);
    add_ports(environment, values.taken_ports, draws, &asked);
    add_random_file(environment, values.folder, draws, &asked);
    let notes = Arc::clone(&asked);
    environment.add_function("note", move |key: String, value: Value| {
        let mut asked = notes.lock().unwrap_or_else(PoisonError::into_inner);
        asked.notes.insert(key, json(&value));
        // Prints nothing where it stands.
        ""
    });
    let files = renderer.render_files(&scenario.files)?;
    let command = renderer.render("step.command", &scenario.command)?;
    let asked = std::mem::take(&mut *asked.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(RenderedStep {
        files,
        command,
        hostname,
        ports: asked.ports,
        redirects: asked.redirects,
        random_files: asked.random_files,
        notes: asked.notes,
    })
}

/// Adds `addresses(service)`: those of all hosts on which it runs.
pub(super) fn add_addresses(
    environment: &mut Environment<'static>,
    addresses: &BTreeMap<String, Vec<Ipv4Addr>>,
) {
    let addresses = addresses.clone();
    environment.add_function("addresses", move |service: String| {
        addresses
            .get(&service)
            .map(|list| list.iter().map(ToString::to_string).collect::<Vec<_>>())
            .ok_or_else(|| wrong(format!("addresses(\"{service}\"): no such service runs")))
    });
}

/// Adds `port(number)` and `port(number, share)` for TCP, `udp_port` likewise.
fn add_ports(
    environment: &mut Environment<'static>,
    taken_ports: &[u16],
    draws: &Draws,
    asked: &Arc<Mutex<Asked>>,
) {
    for (name, is_udp) in [("port", false), ("udp_port", true)] {
        let (source, asked, taken) = (draws.clone(), Arc::clone(asked), taken_ports.to_vec());
        environment.add_function(name, move |own: u16, share: Option<f64>| {
            let random = source.whole(LEAST_PORT, 63_999) as u16;
            let stays = !source.chance(share.unwrap_or(0.5)) || taken.contains(&random);
            let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
            let port = if stays { own } else { random };
            asked.ports.push(port);
            if !stays {
                asked.redirects.push(Redirect {
                    from: random,
                    to: own,
                    is_udp,
                });
            }
            port
        });
    }
}

/// Adds `random_file(bytes)`: the path of a file that will be there when the command starts.
fn add_random_file(
    environment: &mut Environment<'static>,
    folder: &Path,
    draws: &Draws,
    asked: &Arc<Mutex<Asked>>,
) {
    let (source, asked, folder) = (draws.clone(), Arc::clone(asked), folder.to_owned());
    environment.add_function("random_file", move |bytes: u64| {
        if bytes > MOST_RANDOM {
            return Err(wrong(format!(
                "random_file({bytes}): the limit is {MOST_RANDOM}"
            )));
        }
        let name = format!("{}{}", source.syllables(3), source.whole(0, 9999));
        let path = folder.join(name);
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.random_files.push(RandomFile {
            path: path.clone(),
            bytes,
            seed: source.seed(),
        });
        Ok(text(&path))
    });
}

/// A noted value as the sidecar has it.
pub(super) fn json(value: &Value) -> serde_json::Value {
    if let Ok(number) = i64::try_from(value.clone()) {
        number.into()
    } else if let Ok(number) = f64::try_from(value.clone()) {
        number.into()
    } else if let Ok(truth) = bool::try_from(value.clone()) {
        truth.into()
    } else {
        value.to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::{SCENARIO, SERVICE, catalogue, files};
    use crate::catalogue::{Catalogue, check_rendering};

    fn rendered(seed: u64) -> RenderedStep {
        let addresses = BTreeMap::from([("echo".to_owned(), vec![Ipv4Addr::new(9, 9, 9, 9)])]);
        let values = StepValues {
            service: "echo",
            site: "a",
            address: Ipv4Addr::new(9, 9, 9, 9),
            service_folder: Path::new("/lab/echo-a"),
            taken_ports: &[7],
            addresses: &addresses,
            client: Ipv4Addr::new(8, 8, 8, 8),
            folder: Path::new("/lab/step"),
            apps: Path::new("/lab/apps"),
            media: Path::new("/lab/media"),
            python: Path::new("/usr/bin/python3"),
            seconds: 20.0,
        };
        let draws = Draws::new(seed, "test", 0);
        render_step(&catalogue().scenarios["talk"], &values, &draws).unwrap()
    }

    #[test]
    fn the_same_seed_renders_the_same_step() {
        assert_eq!(rendered(3), rendered(3));
        assert_ne!(rendered(3), rendered(4));
    }

    #[test]
    fn a_step_says_what_it_needs_and_what_it_notes() {
        let step = rendered(3);
        assert_eq!(step.notes["kind"], "short");
        assert_eq!(step.random_files.len(), 1);
        assert_eq!(step.random_files[0].bytes, 1000);
        assert_eq!(step.files[0].path, "said.txt");
        let expected = format!(
            "talk {} {} {}",
            step.hostname,
            step.ports[0],
            step.random_files[0].path.display()
        );
        assert_eq!(step.command, expected);
    }

    #[test]
    fn about_half_of_the_ports_are_redirected() {
        let redirected = (0..200)
            .map(rendered)
            .filter(|step| match step.redirects[..] {
                [] => step.ports == [7],
                [redirect] => {
                    assert_eq!(step.ports, [redirect.from]);
                    assert_eq!(redirect.to, 7);
                    false
                }
                _ => panic!("one port makes one redirect"),
            })
            .count();
        assert!((80..=120).contains(&redirected), "{redirected} of 200 stay");
    }

    #[test]
    fn an_unknown_value_is_named_with_its_place() {
        let scenario = SCENARIO.replace("talk {{ host }}", "talk {{ hots }}");
        let catalogue = Catalogue::parse(&files(SERVICE, &scenario)).unwrap();
        let text = check_rendering(&catalogue, 1).unwrap_err().to_string();
        // A build without debug assertions does not say which value.
        let place = "scenarios/chat/talk.toml, `step.command`, line 1 of it: ";
        assert!(
            text.starts_with(&format!("{place}undefined value")),
            "{text}"
        );
    }
}
