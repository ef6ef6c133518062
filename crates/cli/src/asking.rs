//! Arguments that decide verdicts: which model is asked, and about what.

use std::{num::NonZeroUsize, path::PathBuf};

use anyhow::Context;
use clap::{Args, ValueEnum};
use learn::{
    classifier::{BackgroundRule, Classifier, ClassifierOptions},
    model::ModelError,
};

use crate::{arithmetic::PrecisionArgument, commands, cutting::TunnelChoice};

/// Which model is asked, and about what.
#[derive(Debug, Clone, Args)]
pub(crate) struct AskingArguments {
    /// Another model than the one that comes with the program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The confidence below which a session is unknown, 0 to 1 [default: the model's own rule]
    #[arg(long, value_name = "CONFIDENCE", value_parser = confidence)]
    threshold: Option<f64>,
    /// What becomes of background sessions
    #[arg(long, value_enum, default_value = "name")]
    background: BackgroundArgument,
    /// Which packets of a tunnel count [default: the model's]
    #[arg(long, value_enum, value_name = "WHICH")]
    tunnels: Option<TunnelChoice>,
    /// The most sessions open at once; beyond it the least recently active one is ended
    #[arg(long, default_value = "250000", value_name = "COUNT")]
    max_sessions: NonZeroUsize,
    /// What the model computes in
    #[arg(long, value_enum, default_value = "float32", value_name = "NUMBERS")]
    precision: PrecisionArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum BackgroundArgument {
    /// Named for what its ports say
    Name,
    /// Put to the model like any other
    Classify,
}

impl AskingArguments {
    /// A classifier as the arguments have it, but for what else `adjust` changes.
    pub(crate) fn classifier(
        &self,
        adjust: impl FnOnce(&mut ClassifierOptions),
    ) -> anyhow::Result<Classifier> {
        let (model, name) = commands::model::open(self.model.as_deref())?;
        let prepare = || -> Result<Classifier, ModelError> {
            let mut options = ClassifierOptions::of(&model)?;
            options.threshold = self.threshold;
            options.background = match self.background {
                BackgroundArgument::Name => BackgroundRule::Name,
                BackgroundArgument::Classify => BackgroundRule::Classify,
            };
            options.cut.max_sessions = self.max_sessions;
            if let Some(tunnels) = self.tunnels {
                options.cut.tunnels = tunnels.into();
            }
            adjust(&mut options);
            Classifier::new(model.with_arithmetic(self.precision.into())?, options)
        };
        prepare().with_context(|| format!("cannot use {name}"))
    }
}

fn confidence(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|confidence| (0.0..=1.0).contains(confidence))
        .ok_or_else(|| "give a number from 0 to 1".to_owned())
}
