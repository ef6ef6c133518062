//! What a run is: everything that is drawn for it, from the seed and its number.

use crate::{
    catalogue::{Catalogue, Class, Scenario},
    draws::Draws,
    lab::{Link, Role, Settings},
    services::Services,
};

/// The most steps of one run side by side to others; a run's time is up long before.
const MOST_STEPS: usize = 500;

/// Largest packets as access links have them: nearly all Ethernet's, some of `PPPoE`, few of providers'
/// own tunnels. Drawn evenly, they would hide what a tunnel's smaller packets really tell.
const MTUS: [u16; 10] = [1500, 1500, 1500, 1500, 1500, 1500, 1500, 1492, 1492, 1440];

/// Ranges of local ports: Linux, what IANA says, and what people set.
const PORT_RANGES: [(u16, u16); 4] = [
    (32_768, 60_999),
    (49_152, 65_535),
    (10_000, 40_000),
    (1025, 65_000),
];

/// A class, and how its traffic travels: what the balance of a data set is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Category {
    /// What is done.
    pub(crate) class: Class,
    /// Through which tunnel; `None` is direct.
    pub(crate) tunnel: Option<String>,
}

/// Everything that is drawn for a run before it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunPlan {
    /// `s1-000123`: the seed and the number.
    pub(crate) name: String,
    /// The seed of the whole data set.
    pub(crate) seed: u64,
    /// Its number under that seed.
    pub(crate) number: u64,
    /// Its application.
    pub(crate) application: String,
    /// The one site that it talks to.
    pub(crate) site: String,
    /// The kind of its tunnel.
    pub(crate) tunnel: Option<String>,
    /// The last number of the client's address.
    pub(crate) address: u8,
    /// The client's link.
    pub(crate) link: Link,
    /// The client's network stack.
    pub(crate) settings: Settings,
    /// How long it lasts.
    pub(crate) seconds: f64,
    /// Steps side by side.
    pub(crate) parallel: usize,
    /// The most steps one after another on each side.
    pub(crate) most_steps: usize,
}

/// What a plan may choose from.
#[derive(Debug)]
pub(crate) struct Choices<'a> {
    /// All scenarios.
    pub(crate) catalogue: &'a Catalogue,
    /// The services that run.
    pub(crate) services: &'a Services,
    /// The applications asked for; empty for all.
    pub(crate) applications: &'a [String],
    /// What this kernel has.
    pub(crate) congestion_controls: &'a [String],
}

impl Choices<'_> {
    /// The scenarios of a class that are asked for.
    fn scenarios(&self, class: Class) -> impl Iterator<Item = &Scenario> {
        self.catalogue.scenarios_of(class).filter(|scenario| {
            self.applications.is_empty() || self.applications.contains(&scenario.application)
        })
    }

    /// Sites on which a class can be run, each with its scenarios, in order of name.
    fn sites(&self, class: Class) -> std::collections::BTreeMap<&str, Vec<&Scenario>> {
        let mut sites = std::collections::BTreeMap::<&str, Vec<&Scenario>>::new();
        for scenario in self.scenarios(class) {
            for site in self.services.sites_of(scenario) {
                sites.entry(site).or_default().push(scenario);
            }
        }
        sites
    }

    /// Whether a class can be run at all.
    pub(crate) fn can_run(&self, class: Class) -> bool {
        !self.sites(class).is_empty()
    }
}

impl RunPlan {
    /// Draws run `number` of a category: the site first, then an application that it serves.
    ///
    /// It depends on these and on what can be chosen from; never on time or other runs.
    /// `None` if nothing of the class can be run.
    pub(crate) fn draw(
        seed: u64,
        number: u64,
        category: &Category,
        choices: &Choices<'_>,
    ) -> Option<Self> {
        let purpose = match &category.tunnel {
            None => format!("run {}", category.class),
            Some(tunnel) => format!("run {} {tunnel}", category.class),
        };
        let draws = Draws::new(seed, &purpose, number);
        let sites: Vec<_> = choices.sites(category.class).into_iter().collect();
        if sites.is_empty() {
            return None;
        }
        let (site, scenarios) = draws.pick(&sites);
        let scenario = *draws.pick(scenarios);
        Some(Self::of_scenario(
            seed,
            number,
            scenario,
            site,
            category.tunnel.clone(),
            choices.congestion_controls,
            &draws,
        ))
    }

    /// Draws all but the scenario, its site and its tunnel.
    pub(crate) fn of_scenario(
        seed: u64,
        number: u64,
        scenario: &Scenario,
        site: &str,
        tunnel: Option<String>,
        congestion_controls: &[String],
        draws: &Draws,
    ) -> Self {
        let [least, most] = scenario.seconds.map(f64::from);
        let [fewest, greatest] = scenario.parallel.map(i64::from);
        Self {
            name: format!("s{seed}-{number:06}"),
            seed,
            number,
            application: scenario.application.clone(),
            site: site.to_owned(),
            tunnel,
            address: draws.whole(2, 254) as u8,
            link: Link::draw(Role::Client, &mut draws.generator()),
            settings: draw_settings(draws, congestion_controls),
            seconds: draws.between(least, most),
            parallel: draws.whole(fewest, greatest) as usize,
            most_steps: MOST_STEPS,
        }
    }
}

fn draw_settings(draws: &Draws, congestion_controls: &[String]) -> Settings {
    Settings {
        mtu: *draws.pick(&MTUS),
        ttl: *draws.pick(&[64, 64, 128, 255]),
        tcp_timestamps: *draws.pick(&[1, 1, 1, 0, 2]),
        tcp_ecn: *draws.pick(&[0, 2, 1]),
        congestion_control: if congestion_controls.is_empty() {
            "cubic".to_owned()
        } else {
            draws.pick(congestion_controls).clone()
        },
        ports: *draws.pick(&PORT_RANGES),
        receive_buffer: *draws.pick(&[65_536, 131_072, 262_144, 32_768]),
    }
}

/// The congestion controls that this kernel allows in a namespace, in order of name.
pub(crate) fn congestion_controls() -> Vec<String> {
    let path = "/proc/sys/net/ipv4/tcp_allowed_congestion_control";
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut found: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    found.sort();
    found
}
