//! Services of a lab: written, started and watched until they are up; all stopped and started
//! anew, with other certificates and settings, for each round.

mod folders;
mod instance;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    net::Ipv4Addr,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

pub(crate) use folders::Folders;
pub(crate) use instance::Instance;

use crate::{
    catalogue::{Catalogue, Scenario, Service},
    lab::Lab,
};

/// How many services are started at a time: they mostly wait.
const SIDE_BY_SIDE: usize = 6;

/// A service that is not there, and why.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Its name.
    pub(crate) service: String,
    /// The host that it should run on.
    pub(crate) host: String,
    /// What went wrong, with the end of its log.
    pub(crate) reason: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            service,
            host,
            reason,
        } = self;
        write!(f, "`{service}` does not start on `{host}`: {reason}")
    }
}

/// The services that run for one round; dropped, they are stopped.
#[derive(Debug)]
pub(crate) struct Services {
    instances: Vec<Instance>,
    addresses: BTreeMap<String, Vec<Ipv4Addr>>,
}

impl Services {
    /// Starts services by name, with everything drawn from the seed and the round; says which
    /// did not come up.
    ///
    /// # Errors
    ///
    /// If the programs of the catalogue cannot be unpacked, or a host is missing.
    pub(crate) fn start(
        lab: &Lab,
        catalogue: &Catalogue,
        wanted: &BTreeSet<String>,
        round: Round,
    ) -> anyhow::Result<(Self, Vec<Failure>)> {
        let mut places = Vec::new();
        let mut addresses: BTreeMap<String, Vec<Ipv4Addr>> = BTreeMap::new();
        for service in wanted
            .iter()
            .filter_map(|name| catalogue.services.get(name))
        {
            for host in &service.hosts {
                let address = lab.host(host)?.address;
                addresses
                    .entry(service.name.clone())
                    .or_default()
                    .push(address);
                places.push(Place {
                    service,
                    host,
                    address,
                });
            }
        }
        // What stands beside others needs them.
        let (first, then): (Vec<_>, Vec<_>) = places
            .into_iter()
            .partition(|place| place.service.beside.is_empty());
        let mut started = Started::default();
        for places in [first, then] {
            started.extend(start_all(lab, &places, &addresses, round));
        }
        let services = Self {
            instances: started.instances,
            addresses,
        };
        Ok((services, started.failures))
    }

    /// Addresses of the hosts of every service, by the service's name.
    pub(crate) fn addresses(&self) -> &BTreeMap<String, Vec<Ipv4Addr>> {
        &self.addresses
    }

    /// The instances of a scenario's services on a site.
    pub(crate) fn of<'a>(
        &'a self,
        scenario: &'a Scenario,
        site: &'a str,
    ) -> impl Iterator<Item = &'a Instance> {
        self.instances.iter().filter(move |instance| {
            scenario.services.contains(&instance.service) && instance.host == site
        })
    }

    /// The sites on which a scenario can be run, in order of name.
    pub(crate) fn sites_of(&self, scenario: &Scenario) -> BTreeSet<&str> {
        self.instances
            .iter()
            .filter(|instance| scenario.services.contains(&instance.service))
            .map(|instance| instance.host.as_str())
            .collect()
    }

    /// How many run: one a service and host.
    pub(crate) fn count(&self) -> usize {
        self.instances.len()
    }

    /// The ports that services listen on at a host.
    pub(crate) fn ports_at(&self, host: &str) -> Vec<u16> {
        self.instances
            .iter()
            .filter(|instance| instance.host == host)
            .flat_map(|instance| instance.ports.iter().copied())
            .collect()
    }

    /// Those that have ended by themselves.
    pub(crate) fn ended(&mut self) -> Vec<Failure> {
        self.instances
            .iter_mut()
            .filter_map(Instance::failure)
            .collect()
    }

    /// Stops all of them, several at a time.
    pub(crate) fn stop(self) {
        let instances = Mutex::new(self.instances);
        let next = || {
            instances
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop()
        };
        thread::scope(|scope| {
            for _ in 0..SIDE_BY_SIDE {
                scope.spawn(|| {
                    while let Some(instance) = next() {
                        instance.stop();
                    }
                });
            }
        });
    }
}

/// What a start draws from: another round draws other certificates and settings.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    /// The seed of the whole.
    pub(crate) seed: u64,
    /// Which start of the services it is.
    pub(crate) number: u64,
}

/// A service on one of its hosts.
struct Place<'a> {
    service: &'a Service,
    host: &'a str,
    address: Ipv4Addr,
}

#[derive(Default)]
struct Started {
    instances: Vec<Instance>,
    failures: Vec<Failure>,
}

impl Started {
    fn extend(&mut self, other: Self) {
        self.instances.extend(other.instances);
        self.failures.extend(other.failures);
    }
}

fn start_all(
    lab: &Lab,
    places: &[Place<'_>],
    addresses: &BTreeMap<String, Vec<Ipv4Addr>>,
    round: Round,
) -> Started {
    let next = AtomicUsize::new(0);
    let started = Mutex::new(Started::default());
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE.min(places.len()) {
            scope.spawn(|| {
                while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = instance::start(lab, place, addresses, round);
                    let mut started = started.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(instance) => started.instances.push(instance),
                        Err(error) => started.failures.push(Failure {
                            service: place.service.name.clone(),
                            host: place.host.to_owned(),
                            reason: format!("{error:#}"),
                        }),
                    }
                }
            });
        }
    });
    let mut started = started.into_inner().unwrap_or_else(PoisonError::into_inner);
    // In an order that does not depend on which was up first.
    started
        .instances
        .sort_by(|one, other| (&one.service, &one.host).cmp(&(&other.service, &other.host)));
    started
        .failures
        .sort_by(|one, other| (&one.service, &one.host).cmp(&(&other.service, &other.host)));
    started
}
