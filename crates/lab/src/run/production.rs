//! Many runs: rounds of services with fresh certificates, a worker for each client.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;

use super::{
    acceptance::View,
    balance::Balance,
    books::{Books, lock, progress},
    execution::{Stage, execute},
    keeping::keep,
    ledger::{Ledger, RunLine},
    order::Order,
    plan::{Category, Choices, RunPlan, congestion_controls},
};
use crate::{
    catalogue::{Catalogue, Class},
    draws::Draws,
    lab::{Lab, Link, Role},
    launch::remove,
    services::{Folders, Round, Services},
    tunnels::Gateways,
};

/// The least time that a run is begun for, in seconds.
const SHORTEST: f64 = 12.0;

/// What a run takes besides its own time until all is judged, in seconds.
const AROUND: f64 = 6.0;

/// How often progress is told.
const TELL: Duration = Duration::from_secs(30);

/// How often a waiting thread looks around.
const TICK: Duration = Duration::from_millis(200);

/// Pause between the starts of workers, so that a round does not begin with all at once.
const STAGGER: Duration = Duration::from_millis(300);

/// What rounds share.
pub(crate) struct Production<'a> {
    /// The lab that is up.
    pub(crate) lab: &'a Lab,
    /// What there is to run.
    pub(crate) catalogue: &'a Catalogue,
    /// What is to be made.
    pub(crate) order: &'a Order,
    /// Set once everything is to stop.
    pub(crate) stop: &'a AtomicBool,
    /// Says a line to whoever watches.
    pub(crate) say: &'a (dyn Fn(&str) + Sync),
}

/// One round as its workers see it.
struct RoundGround<'a> {
    stage: Stage<'a>,
    choices: Choices<'a>,
    kinds: &'a BTreeSet<String>,
    books: &'a Mutex<Books>,
    number: u64,
    end: Instant,
}

impl Production<'_> {
    /// Makes runs until the time is up or there is a wish to stop; the ledger of all of them.
    ///
    /// # Errors
    ///
    /// If nothing of what is ordered can be run, or the folder cannot be written to. A run that
    /// fails is no error: it is written down with its reason.
    pub(crate) fn make(&self, ledger: Ledger) -> anyhow::Result<Ledger> {
        let begun = Instant::now();
        let end = begun + self.order.duration;
        let mut balance = Balance::new(self.order.categories());
        for line in ledger.lines() {
            balance.remember(
                &line.category(),
                line.accepted_inside(),
                line.accepted(View::Outer),
            );
        }
        let books = Mutex::new(Books { ledger, balance });
        while end.saturating_duration_since(Instant::now()).as_secs_f64() > SHORTEST + AROUND
            && !self.is_stopping()
        {
            // All rounds are about as long, instead of a short rest of one at the end.
            let left = end.saturating_duration_since(Instant::now());
            let rounds = (left.as_secs_f64() / self.order.round.as_secs_f64()).round();
            let length = left.div_f64(rounds.max(1.0));
            self.make_round(&books, Instant::now() + length)?;
        }
        Ok(books
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
            .ledger)
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Starts all services, makes runs until `end`, and stops the services.
    fn make_round(&self, books: &Mutex<Books>, end: Instant) -> anyhow::Result<()> {
        let Self {
            lab,
            catalogue,
            order,
            ..
        } = *self;
        let begun = Instant::now();
        let number = lock(books).ledger.next_number();
        let round = Round {
            seed: order.seed,
            number,
        };
        self.draw_links(round)?;
        let scenarios = catalogue
            .scenarios
            .values()
            .filter(|scenario| order.wants(scenario.class, &scenario.application));
        let wanted = catalogue.services_for(scenarios);
        let (mut services, failures) = Services::start(lab, catalogue, &wanted, round)?;
        for failure in &failures {
            (self.say)(&format!("warning: {failure}"));
        }
        if order.is_strict && !failures.is_empty() {
            bail!("{} of the services do not start", failures.len());
        }
        let (gateways, kinds) = self.start_gateways(round)?;
        let controls = congestion_controls();
        let folders = Folders::new(lab.folder());
        let ground = RoundGround {
            stage: Stage {
                lab,
                services: &services,
                gateways: &gateways,
                folders: &folders,
                stop: self.stop,
            },
            choices: Choices {
                catalogue,
                services: &services,
                applications: &order.applications,
                congestion_controls: &controls,
            },
            kinds: &kinds,
            books,
            number,
            end,
        };
        self.check_choices(&ground)?;
        (self.say)(&format!(
            "round from run {number}: {} services on their hosts after {:.0} s",
            services.count(),
            begun.elapsed().as_secs_f64()
        ));
        self.work(&ground)?;
        for failure in services.ended() {
            (self.say)(&format!("warning: {failure}"));
        }
        drop(gateways);
        services.stop();
        Ok(())
    }

    /// Gives sites, peers and gateways other links: how far a site is must not tell which it is.
    fn draw_links(&self, round: Round) -> anyhow::Result<()> {
        for host in self.lab.hosts() {
            if host.role != Role::Client {
                let draws = Draws::new(round.seed, &format!("link {}", host.name), round.number);
                let link = Link::draw(host.role, &mut draws.generator());
                self.lab.set_link(&host.name, link)?;
            }
        }
        Ok(())
    }

    /// Starts the gateways; without `--strict`, those that do not start are left out.
    fn start_gateways(&self, round: Round) -> anyhow::Result<(Gateways<'_>, BTreeSet<String>)> {
        let Self {
            lab,
            catalogue,
            order,
            ..
        } = *self;
        let start = |kinds: &BTreeSet<String>| {
            let seed = Draws::new(round.seed, "gateways", round.number).seed();
            Gateways::start(lab, &catalogue.tunnels, kinds, seed)
        };
        let kinds: BTreeSet<String> = order.tunnels.iter().flatten().cloned().collect();
        match start(&kinds) {
            Ok(gateways) => Ok((gateways, kinds)),
            Err(error) if order.is_strict => Err(error),
            Err(_) => {
                let mut good = BTreeSet::new();
                for kind in kinds {
                    match start(&BTreeSet::from([kind.clone()])) {
                        Ok(_) => {
                            good.insert(kind);
                        }
                        Err(error) => (self.say)(&format!("warning: {error:#}")),
                    }
                }
                Ok((start(&good)?, good))
            }
        }
    }

    /// Says which classes cannot be run, and refuses if that is all of them.
    fn check_choices(&self, ground: &RoundGround<'_>) -> anyhow::Result<()> {
        let classes = &self.order.classes;
        let missing: Vec<Class> = classes
            .iter()
            .copied()
            .filter(|class| !ground.choices.can_run(*class))
            .collect();
        for class in &missing {
            (self.say)(&format!(
                "warning: nothing of {class} can be run: none of its services is up"
            ));
        }
        if missing.len() == classes.len() {
            bail!("nothing of what is asked for can be run; see the warnings above");
        }
        Ok(())
    }

    /// Lets all workers work until the round ends, and tells how far they are.
    fn work(&self, ground: &RoundGround<'_>) -> anyhow::Result<()> {
        let clients = self.lab.clients();
        thread::scope(|scope| {
            let workers: Vec<_> = clients
                .iter()
                .take(self.order.workers)
                .enumerate()
                .map(|(place, client)| {
                    let name = client.name.as_str();
                    scope.spawn(move || {
                        thread::sleep(STAGGER * place as u32);
                        self.work_on(ground, name)
                    })
                })
                .collect();
            let mut told = Instant::now();
            while !workers.iter().all(thread::ScopedJoinHandle::is_finished) {
                thread::sleep(TICK);
                if told.elapsed() >= TELL {
                    told = Instant::now();
                    (self.say)(&progress(&lock(ground.books).ledger, ground.end));
                }
            }
            for worker in workers {
                match worker.join() {
                    Ok(outcome) => outcome?,
                    Err(_) => bail!("a worker panicked"),
                }
            }
            Ok(())
        })
    }

    /// What one worker does: runs on its client, one after another.
    fn work_on(&self, ground: &RoundGround<'_>, client: &str) -> anyhow::Result<()> {
        while !self.is_stopping() {
            let left = ground.end.saturating_duration_since(Instant::now());
            let left = left.as_secs_f64() - AROUND;
            if left < SHORTEST {
                break;
            }
            let Some((category, plan)) = self.next(ground, left) else {
                break;
            };
            let Some(line) = self.make_run(ground, client, &category, &plan) else {
                lock(ground.books).balance.give_back(&category);
                break;
            };
            if let Some(failure) = &line.failure {
                (self.say)(&format!("{} failed: {failure}", line.run));
            }
            let mut books = lock(ground.books);
            books.balance.finish(
                &category,
                line.accepted_inside(),
                line.accepted(View::Outer),
            );
            books.ledger.add(line)?;
        }
        Ok(())
    }

    /// What is to be run next, with a number of its own, for at most so many seconds.
    fn next(&self, ground: &RoundGround<'_>, most_seconds: f64) -> Option<(Category, RunPlan)> {
        let mut books = lock(ground.books);
        let category = books.balance.next(&|category| {
            let is_open = |kind: &String| ground.kinds.contains(kind);
            category.tunnel.as_ref().is_none_or(is_open) && ground.choices.can_run(category.class)
        })?;
        let number = books.ledger.take_number();
        let mut plan = RunPlan::draw(self.order.seed, number, &category, &ground.choices)?;
        plan.seconds = plan.seconds.min(most_seconds);
        Some((category, plan))
    }

    /// Makes a run and keeps what is accepted of it; `None` if there was a wish to stop.
    fn make_run(
        &self,
        ground: &RoundGround<'_>,
        client: &str,
        category: &Category,
        plan: &RunPlan,
    ) -> Option<RunLine> {
        let scenario = &self.catalogue.scenarios[&plan.application];
        let begun = Instant::now();
        let kept = execute(&ground.stage, plan, scenario, client).and_then(|executed| {
            executed
                .map(|executed| {
                    let folder = &self.order.folder;
                    let views = keep(folder, &executed, plan, scenario, ground.number)?;
                    Ok((views, executed.seconds, executed.given_up.clone()))
                })
                .transpose()
        });
        let place = format!("{} on {}", plan.application, plan.site);
        let (views, seconds, failure) = match kept {
            Ok(None) => return None,
            Ok(Some((views, seconds, given_up))) => (
                views,
                seconds,
                given_up.map(|reason| format!("{place}: {reason}")),
            ),
            // What breaks while everything is taken down is no failure of the run.
            Err(_) if self.is_stopping() => return None,
            Err(error) => {
                // Nothing is lost if its folder stays: it is only room on the disk.
                let _ = remove(&ground.stage.folders.run(&plan.name));
                let failure = format!("{place}: {error:#}");
                (
                    std::collections::BTreeMap::new(),
                    begun.elapsed().as_secs_f64(),
                    Some(failure.replace('\n', " ")),
                )
            }
        };
        Some(RunLine {
            run: plan.name.clone(),
            number: plan.number,
            class: category.class,
            tunnel: category.tunnel.clone(),
            application: plan.application.clone(),
            site: plan.site.clone(),
            seconds: (seconds * 1000.0).round() / 1000.0,
            views,
            failure,
        })
    }
}
