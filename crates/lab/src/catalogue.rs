//! The catalogue: services, scenarios and tunnels as files, checked before anything is started.

mod check;
mod coverage;
mod mistake;
mod scenario;
mod service;
mod source;
mod template;
mod tunnel;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

pub(crate) use check::check_rendering;
pub(crate) use coverage::{ClassCoverage, coverage};
pub(crate) use mistake::{Mistake, Mistakes};
pub(crate) use scenario::{Class, Plaintext, Scenario};
pub(crate) use service::{Ready, Service};
pub(crate) use source::unpack;
pub(crate) use template::{
    Certificate, RenderedClient, RenderedFile, RenderedStep, ServiceValues, StepValues,
    TunnelValues, render_client, render_server, render_service, render_step,
};
pub(crate) use tunnel::Tunnel;

use source::SourceFile;

/// The schema number of service and scenario files that this version reads.
const SCHEMA: u32 = 1;

/// All services, scenarios and tunnels, by name.
#[derive(Debug)]
pub(crate) struct Catalogue {
    /// Servers and far ends.
    pub(crate) services: BTreeMap<String, Service>,
    /// What clients can be made to do, by application.
    pub(crate) scenarios: BTreeMap<String, Scenario>,
    /// Ways from a client to a gateway.
    pub(crate) tunnels: BTreeMap<String, Tunnel>,
}

impl Catalogue {
    /// The catalogue in a folder, or the one inside this program.
    ///
    /// # Errors
    ///
    /// Every mistake found, with file, field and what is expected.
    pub(crate) fn load(folder: Option<&Path>) -> anyhow::Result<Self> {
        let files = match folder {
            Some(folder) => source::read_folder(folder)?,
            None => source::embedded(),
        };
        Ok(Self::parse(&files)?)
    }

    fn parse(files: &[SourceFile]) -> Result<Self, Mistakes> {
        let mut mistakes = Vec::new();
        let mut services = BTreeMap::new();
        let mut scenarios = BTreeMap::new();
        let mut tunnels = BTreeMap::new();
        for file in files {
            let parsed = match file.path.split('/').collect::<Vec<_>>()[..] {
                ["services", stem] => Service::parse(file, stem).map(|service| {
                    services.insert(service.name.clone(), service);
                }),
                ["tunnels", stem] => Tunnel::parse(file, stem).map(|tunnel| {
                    tunnels.insert(tunnel.name.clone(), tunnel);
                }),
                ["scenarios", folder, stem] => {
                    Scenario::parse(file, folder, stem).and_then(|scenario| {
                        let application = scenario.application.clone();
                        match scenarios.insert(application, scenario) {
                            None => Ok(()),
                            Some(other) => Err(file.mistake(
                                "application",
                                format!("{} has the same; each needs its own", other.file),
                            )),
                        }
                    })
                }
                _ => Ok(()),
            };
            mistakes.extend(parsed.err());
        }
        // A service that does not parse would be missed by all its scenarios: one line is enough.
        if mistakes.is_empty() {
            for scenario in scenarios.values() {
                mistakes.extend(missing(
                    &scenario.file,
                    "services",
                    &scenario.services,
                    &services,
                ));
            }
            for service in services.values() {
                mistakes.extend(missing(&service.file, "beside", &service.beside, &services));
            }
        }
        if mistakes.is_empty() {
            Ok(Self {
                services,
                scenarios,
                tunnels,
            })
        } else {
            Err(Mistakes(mistakes))
        }
    }

    /// How many gateways the tunnels need: g1 and so on, up to the last that one has.
    pub(crate) fn gateways(&self) -> usize {
        let names = self.tunnels.values().map(|tunnel| &tunnel.gateway);
        let numbers = names.filter_map(|name| name.strip_prefix('g')?.parse().ok());
        numbers.max().unwrap_or(0)
    }

    /// The services that scenarios need: those that they name, and what stands beside these.
    pub(crate) fn services_for<'a>(
        &self,
        scenarios: impl Iterator<Item = &'a Scenario>,
    ) -> BTreeSet<String> {
        let mut needed: BTreeSet<String> = scenarios
            .flat_map(|scenario| scenario.services.iter().cloned())
            .collect();
        let beside = self
            .services
            .values()
            .filter(|service| service.beside.iter().any(|name| needed.contains(name)));
        let beside: Vec<String> = beside.map(|service| service.name.clone()).collect();
        needed.extend(beside);
        needed
    }

    /// The scenarios of a class.
    pub(crate) fn scenarios_of(&self, class: Class) -> impl Iterator<Item = &Scenario> {
        self.scenarios
            .values()
            .filter(move |scenario| scenario.class == class)
    }
}

/// A mistake for each service that a file names and that no file describes.
fn missing(
    file: &str,
    field: &str,
    names: &[String],
    services: &BTreeMap<String, Service>,
) -> Vec<Mistake> {
    names
        .iter()
        .filter(|name| !services.contains_key(*name))
        .map(|name| Mistake {
            place: format!("{file}, `{field}`"),
            what: format!("no service `{name}`, expected the name of a file in services"),
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const SERVICE: &str = r#"
schema = 1
name = "echo"
hosts = ["a", "b"]
software = "socat, OpenSSL"
ports = [7, "443/udp"]
command = "socat -d {{ address }} {{ certificate.chain }} {{ pick(['x', 'y']) }}"
ready = "tcp:7"
[[files]]
path = "echo.conf"
content = "name {{ hostname() }}"
"#;

    pub(crate) const SCENARIO: &str = r#"
schema = 1
class = "Chat"
application = "talk"
stack = "openssl"
services = ["echo"]
seconds = [10, 20]
parallel = [1, 2]
pause = 1.0
plaintext = "none"
[[files]]
path = "said.txt"
content = "{{ lines(200) }}"
[step]
timeout = 20
command = "talk {{ host }} {{ port(7) }} {{ random_file(1000) }}{{ note('kind', 'short') }}"
"#;

    pub(super) fn files(service: &str, scenario: &str) -> Vec<SourceFile> {
        [
            ("services/echo.toml", service),
            ("scenarios/chat/talk.toml", scenario),
        ]
        .map(|(path, text)| SourceFile {
            path: path.to_owned(),
            text: text.to_owned(),
        })
        .to_vec()
    }

    pub(crate) fn catalogue() -> Catalogue {
        Catalogue::parse(&files(SERVICE, SCENARIO)).unwrap()
    }

    /// Replaces once and expects the only mistake to read so.
    #[track_caller]
    fn check(replace: (&str, &str), expected: &str) {
        let changed = |text: &str| text.replacen(replace.0, replace.1, 1);
        let is_of_service = SERVICE.contains(replace.0);
        let (service, scenario) = if is_of_service {
            (changed(SERVICE), SCENARIO.to_owned())
        } else {
            (SERVICE.to_owned(), changed(SCENARIO))
        };
        let found = Catalogue::parse(&files(&service, &scenario))
            .unwrap_err()
            .to_string();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_catalogue_is_read_as_written() {
        let catalogue = catalogue();
        let service = &catalogue.services["echo"];
        assert_eq!(service.hosts, ["a", "b"]);
        assert_eq!(service.ready, Ready::Tcp(7));
        let scenario = &catalogue.scenarios["talk"];
        assert_eq!(scenario.class, Class::Chat);
        assert_eq!(scenario.parallel, [1, 2]);
        assert_eq!(scenario.plaintext, Plaintext::None);
    }

    #[test]
    fn an_unknown_field_is_named_with_its_line() {
        check(
            ("software", "softwear"),
            "services/echo.toml, line 5: unknown field `softwear`, expected one of `schema`, `name`, `hosts`, `software`, `beside`, `packages`, `unpack`, `ports`, `prepare`, `command`, `ready`, `environment`, `files`",
        );
    }

    #[test]
    fn a_newer_schema_is_refused() {
        check(
            ("schema = 1", "schema = 2"),
            "services/echo.toml, `schema`: 2 is not read by this version, expected 1",
        );
    }

    #[test]
    fn a_host_that_does_not_exist_is_refused() {
        check(
            (r#""b""#, r#""z""#),
            "services/echo.toml, `hosts`: no host `z`, expected sites a to c or peers p1 to p6",
        );
    }

    #[test]
    fn a_name_must_be_that_of_the_file() {
        check(
            (r#"name = "echo""#, r#"name = "other""#),
            "services/echo.toml, `name`: found `other`, expected the name of the file, `echo`",
        );
    }

    #[test]
    fn a_wrong_ready_condition_says_what_is_possible() {
        check(
            ("tcp:7", "http:7"),
            "services/echo.toml, `ready`: found `http:7`, expected `tcp:PORT`, `log:REGEX` or `seconds:N`",
        );
    }

    #[test]
    fn a_class_is_one_of_six() {
        check(
            (r#"class = "Chat""#, r#"class = "Talk""#),
            "scenarios/chat/talk.toml, line 3: unknown variant `Talk`, expected one of `Chat`, `Email`, `Streaming`, `File_transfer`, `VoIP`, `P2P`",
        );
    }

    #[test]
    fn a_service_that_no_file_describes_is_named() {
        check(
            (r#"services = ["echo"]"#, r#"services = ["echos"]"#),
            "scenarios/chat/talk.toml, `services`: no service `echos`, expected the name of a file in services",
        );
    }

    #[test]
    fn a_range_that_runs_backwards_is_refused() {
        check(
            ("seconds = [10, 20]", "seconds = [20, 10]"),
            "scenarios/chat/talk.toml, `seconds`: found [20, 10], expected the lesser number first, and at least 1",
        );
    }

    #[test]
    fn every_mistake_is_told_not_only_the_first() {
        let files = files(
            &SERVICE.replace("tcp:7", "tcp:x"),
            &SCENARIO.replace("pause = 1.0", "pause = -1.0"),
        );
        let text = Catalogue::parse(&files).unwrap_err().to_string();
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    #[test]
    fn the_catalogue_inside_the_program_parses_and_renders() {
        let catalogue = Catalogue::load(None).unwrap();
        for seed in 0..20 {
            check_rendering(&catalogue, seed).unwrap();
        }
    }
}
