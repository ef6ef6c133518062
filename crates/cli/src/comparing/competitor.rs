//! Competitors: the models that can be named on the command line.

use std::path::Path;

use learn::{
    comparison::trial::{Kind, Settings},
    dataset::Manifest,
    learner::{Learner, NetworkLearner, networks},
    recipe::Recipe,
    run::Run,
};

/// What stands for all networks.
const NETWORKS: &str = "networks";

/// A model that is to be compared.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Competitor {
    name: String,
    /// How it is trained.
    recipe: Recipe,
}

impl Competitor {
    /// The models of these names, each once; networks are trained by `recipe`.
    ///
    /// # Errors
    ///
    /// If a name is of no model.
    pub(crate) fn all(names: &[String], recipe: &Recipe) -> anyhow::Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        let names = names.iter().flat_map(|name| match name.as_str() {
            NETWORKS => networks(),
            name => vec![name],
        });
        for name in names {
            let one = Self::named(name, recipe)?;
            if !all.contains(&one) {
                all.push(one);
            }
        }
        Ok(all)
    }

    /// The models of these names that this version has, and the names of those it has not.
    pub(crate) fn known<'a>(
        names: impl Iterator<Item = &'a str>,
        recipe: &Recipe,
    ) -> (Vec<Self>, Vec<String>) {
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for name in names {
            match Self::named(name, recipe) {
                Ok(one) => known.push(one),
                Err(_) => unknown.push(name.to_owned()),
            }
        }
        (known, unknown)
    }

    fn named(name: &str, recipe: &Recipe) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            recipe: Recipe {
                network: name.parse()?,
                ..recipe.clone()
            },
        })
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What decides a trial of it.
    pub(crate) fn settings(&self, seed: u64, manifest: &Manifest) -> Settings {
        let recipe = Recipe {
            seed,
            ..self.recipe.clone()
        };
        Settings::new(&self.name, Kind::Network, seed, recipe.to_toml(), manifest)
    }

    /// What fits it, leaving what it needs to go on in `folder`.
    pub(crate) fn learner(&self, folder: &Path, dataset: &Path) -> Box<dyn Learner> {
        Box::new(NetworkLearner {
            recipe: self.recipe.clone(),
            run: Run::at(folder),
            dataset: dataset.to_owned(),
        })
    }
}
