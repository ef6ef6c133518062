//! Competitors: the models that can be named on the command line.

use std::path::Path;

use anyhow::bail;
use learn::{
    baselines::{self, Baseline},
    comparison::trial::{Kind, Settings},
    dataset::Manifest,
    learner::{Learner, NetworkLearner, networks},
    recipe::{Architecture, Recipe},
    run::Run,
};

/// What stands for all networks.
const NETWORKS: &str = "networks";

/// What stands for all baselines.
const BASELINES: &str = "baselines";

/// What is between a network and a recipe of its own.
const OWN: char = '@';

/// A model that is to be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Competitor {
    name: String,
    system: System,
}

/// What a model is made by.
#[derive(Debug, Clone, PartialEq)]
enum System {
    /// A network, trained by this recipe.
    Network(Box<Recipe>),
    /// A baseline.
    Baseline(Baseline),
}

impl Competitor {
    /// The models of these names, each once, and after them every cheap opponent; networks are
    /// trained by `recipe`, or by the one behind the `@` of their name, which `read` finds.
    ///
    /// # Errors
    ///
    /// If a name is of no model, or a recipe is none or of another network.
    pub(crate) fn all(
        names: &[String],
        recipe: &Recipe,
        read: &dyn Fn(&str) -> anyhow::Result<Recipe>,
    ) -> anyhow::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let names = names.iter().flat_map(|name| match name.as_str() {
            NETWORKS => networks(),
            BASELINES => baselines::ALL.to_vec(),
            name => vec![name],
        });
        for name in names.chain(baselines::CHEAP) {
            let one = match name.split_once(OWN) {
                Some((network, own)) => Self::by_recipe(name, network, read(own)?)?,
                None => Self::named(name, recipe)?,
            };
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// The models of these names that this version has, then every cheap opponent; and the names
    /// that it has not.
    pub(crate) fn known<'a>(
        names: impl Iterator<Item = &'a str>,
        recipe: &Recipe,
    ) -> (Vec<Self>, Vec<String>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for name in names.chain(baselines::CHEAP) {
            match Self::named(name, recipe) {
                Ok(one) if known.contains(&one) => {}
                Ok(one) => known.push(one),
                Err(_) => unknown.push(name.to_owned()),
            }
        }
        (known, unknown)
    }

    /// A network by a recipe of its own.
    fn by_recipe(name: &str, network: &str, recipe: Recipe) -> anyhow::Result<Self> {
        let Ok(network) = network.parse::<Architecture>() else {
            bail!(
                "`{name}`: only networks have recipes, and `{network}` is none; there are {}",
                networks().join(", ")
            );
        };
        if recipe.network != network {
            bail!(
                "`{name}`: that recipe is of network `{}`; name that one, or write a recipe of `{network}`",
                recipe.network
            );
        }
        Ok(Self {
            name: name.to_owned(),
            system: System::Network(Box::new(recipe)),
        })
    }

    fn named(name: &str, recipe: &Recipe) -> anyhow::Result<Self> {
        let system = if let Ok(baseline) = name.parse::<Baseline>() {
            System::Baseline(baseline)
        } else if let Ok(network) = name.parse() {
            let recipe = Recipe {
                network,
                ..recipe.clone()
            };
            System::Network(Box::new(recipe))
        } else {
            bail!(
                "`{name}` is no model; there are the networks {}, and baselines such as {}",
                networks().join(", "),
                baselines::ALL.join(", ")
            );
        };
        Ok(Self {
            name: name.to_owned(),
            system,
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What decides a trial of it.
    pub(crate) fn settings(&self, seed: u64, manifest: &Manifest) -> Settings {
        let (kind, recipe) = match &self.system {
            System::Network(recipe) => {
                let recipe = Recipe {
                    seed,
                    ..recipe.as_ref().clone()
                };
                (Kind::Network, recipe.to_toml())
            }
            // Its name has all of its settings.
            System::Baseline(_) if baselines::CHEAP.contains(&self.name.as_str()) => {
                (Kind::CheapOpponent, String::new())
            }
            System::Baseline(_) => (Kind::Classical, String::new()),
        };
        Settings::new(&self.name, kind, seed, recipe, manifest)
    }

    /// What fits it, leaving what it needs to go on in `folder`.
    pub(crate) fn learner(&self, folder: &Path, dataset: &Path) -> Box<dyn Learner> {
        match &self.system {
            System::Network(recipe) => Box::new(NetworkLearner {
                recipe: recipe.as_ref().clone(),
                run: Run::at(folder),
                dataset: dataset.to_owned(),
            }),
            System::Baseline(baseline) => Box::new(*baseline),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> anyhow::Result<Vec<String>> {
        let asked: Vec<String> = asked.iter().map(|&name| name.to_owned()).collect();
        let recipe = Recipe::built_in("quick").unwrap();
        let read = |name: &str| Ok(Recipe::built_in(name).unwrap());
        let all = Competitor::all(&asked, &recipe, &read)?;
        Ok(all.into_iter().map(|one| one.name).collect())
    }

    #[test]
    fn cheap_opponents_come_after_what_was_asked_for_and_nothing_comes_twice() {
        let found = names(&["forest:slice", "gru", "gru"]).unwrap();
        assert_eq!(found[..2], ["forest:slice", "gru"]);
        assert_eq!(found.len(), 1 + baselines::CHEAP.len());
        assert_eq!(
            found.iter().filter(|name| *name == "forest:slice").count(),
            1
        );
    }

    #[test]
    fn a_word_stands_for_all_networks_or_all_baselines() {
        let found = names(&["networks"]).unwrap();
        assert!(found.starts_with(&["resnet-gru", "resnet", "gru"].map(str::to_owned)));
        let found = names(&["baselines"]).unwrap();
        assert_eq!(found, baselines::ALL);
    }

    #[test]
    fn a_network_may_have_a_recipe_of_its_own() {
        let asked = [
            "resnet-gru-sequence@laboratory".to_owned(),
            "gru".to_owned(),
        ];
        let read = |name: &str| Ok(Recipe::built_in(name).unwrap());
        let quick = Recipe::built_in("quick").unwrap();
        let all = Competitor::all(&asked, &quick, &read).unwrap();
        let recipe = |one: &Competitor| match &one.system {
            System::Network(recipe) => recipe.as_ref().clone(),
            System::Baseline(_) => panic!("{} is a network", one.name),
        };
        assert_eq!(recipe(&all[0]), Recipe::built_in("laboratory").unwrap());
        assert_eq!(recipe(&all[1]).epochs, quick.epochs);
        assert_eq!(all[0].name(), "resnet-gru-sequence@laboratory");
    }

    #[test]
    fn a_recipe_of_another_network_is_refused() {
        let check = |asked: &str, expected: &str| {
            assert_eq!(names(&[asked]).unwrap_err().to_string(), expected);
        };
        check(
            "gru@laboratory",
            "`gru@laboratory`: that recipe is of network `resnet-gru-sequence`; name that one, or \
             write a recipe of `gru`",
        );
        let error = names(&["majority@quick"]).unwrap_err().to_string();
        assert!(
            error.starts_with("`majority@quick`: only networks have recipes"),
            "{error}"
        );
    }

    #[test]
    fn what_is_no_model_is_told_with_what_there_is() {
        let error = names(&["grue"]).unwrap_err().to_string();
        assert!(error.starts_with("`grue` is no model; there are the networks resnet-gru, "));
        assert!(error.contains("majority"), "{error}");
    }
}
