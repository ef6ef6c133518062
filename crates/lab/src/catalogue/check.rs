//! Rendering everything once without a network, so that a mistake shows before a run.

use std::{collections::BTreeMap, net::Ipv4Addr, path::Path};

use super::{
    Catalogue, Certificate, Mistakes, ServiceValues, StepValues, TunnelValues, render_client,
    render_server, render_service, render_step,
};
use crate::{draws::Draws, lab::Network};

/// Renders every service, every tunnel, and every scenario with every service of it.
///
/// # Errors
///
/// Every mistake found.
pub(crate) fn check_rendering(catalogue: &Catalogue, seed: u64) -> Result<(), Mistakes> {
    let folder = Path::new("/var/lib/undertone-lab/check");
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let file = |name: &str| folder.join(name);
    let certificate = Certificate {
        chain: file("chain.pem"),
        key: file("key.pem"),
        both: file("both.pem"),
        name: "www.example.org".to_owned(),
        authority: file("authority.pem"),
    };
    let addresses: BTreeMap<String, Vec<Ipv4Addr>> = catalogue
        .services
        .values()
        .map(|service| (service.name.clone(), vec![address; service.hosts.len()]))
        .collect();
    let mut mistakes = Vec::new();
    for service in catalogue.services.values() {
        let values = ServiceValues {
            folder,
            root: folder,
            apps: folder,
            media: folder,
            address,
            host: &service.hosts[0],
            certificate: &certificate,
            python: Path::new("/usr/bin/python3"),
            addresses: &addresses,
        };
        let draws = Draws::new(seed, &service.name, 0);
        mistakes.extend(render_service(service, &values, &draws).err());
    }
    for scenario in catalogue.scenarios.values() {
        for name in &scenario.services {
            let values = StepValues {
                service: name,
                site: &catalogue.services[name].hosts[0],
                address,
                service_folder: folder,
                taken_ports: &[],
                addresses: &addresses,
                client: address,
                folder,
                apps: folder,
                media: folder,
                python: Path::new("/usr/bin/python3"),
                seconds: 20.0,
            };
            let draws = Draws::new(seed, &scenario.application, 0);
            mistakes.extend(render_step(scenario, &values, &draws).err());
        }
    }
    for tunnel in catalogue.tunnels.values() {
        let values = TunnelValues {
            folder,
            server_folder: folder,
            root: folder,
            apps: folder,
            python: Path::new("/usr/bin/python3"),
            host: "c01",
            number: 1,
            gateway: address,
            router: address,
            inside: Network::of(address, 16),
            inner: address,
            device: "tun9",
            server_device: "tun8",
            certificate: &certificate,
            authorities: folder,
        };
        let draws = Draws::new(seed, &tunnel.name, 0);
        mistakes.extend(render_server(tunnel, &values, &draws).err());
        mistakes.extend(render_client(tunnel, &values, &draws).err());
    }
    mistakes.dedup();
    if mistakes.is_empty() {
        Ok(())
    } else {
        Err(Mistakes(mistakes))
    }
}
