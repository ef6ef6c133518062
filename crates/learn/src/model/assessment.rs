//! What a model makes of samples: a class, a confidence, and whether to believe it.

use network::{engine::Outputs, input::Input};

use super::{Model, ModelError};
use crate::{
    calibration,
    dataset::LabelledSlices,
    inputs,
    rejection::{Assessment, Rejection, Rule, Yardstick, distance::Distance},
};

impl Model {
    /// The rule by which it says *unknown*, and the familiarity below which it does.
    pub fn rejection_rule(&self) -> (Rule, f64) {
        match &self.contract().rejection {
            Some(rejection) => (rejection.rule, rejection.threshold),
            None => (Rule::Softmax, self.contract().calibration.threshold),
        }
    }

    /// What familiarity needs beside a sample's outputs.
    pub fn yardstick(&self) -> Yardstick<'_> {
        Yardstick {
            classes: self.contract().shape.classes,
            temperature: self.contract().calibration.temperature,
            distance: self.distance.as_ref(),
        }
    }

    /// Logits of samples, and their features if there is something to measure them by.
    pub fn outputs(&self, samples: &LabelledSlices, threads: usize) -> Outputs {
        if self.distance.is_some() {
            return inputs::outputs(self.engine(), samples, threads);
        }
        Outputs {
            logits: inputs::logits(self.engine(), samples, threads),
            features: Vec::new(),
        }
    }

    /// How familiar samples are under its own rule, `[samples]`.
    pub fn familiarity(&self, outputs: &Outputs) -> Vec<f64> {
        let (rule, _) = self.rejection_rule();
        // A model whose rule lacks what it needs is refused when it is made.
        self.yardstick()
            .familiarity(rule, outputs)
            .unwrap_or_default()
    }

    /// What it makes of samples, `[samples]`; unknown is what is below `threshold` in confidence or,
    /// without one, below the model's own in familiarity.
    pub fn assess(
        &self,
        input: Input<'_>,
        threshold: Option<f64>,
        threads: usize,
    ) -> (Vec<Assessment>, Vec<f32>) {
        let (rule, own) = self.rejection_rule();
        let is_by_distance = rule == Rule::Distance && threshold.is_none();
        let outputs = if is_by_distance {
            self.engine().outputs(input, threads)
        } else {
            Outputs {
                logits: self.engine().logits(input, threads),
                features: Vec::new(),
            }
        };
        let Yardstick {
            classes,
            temperature,
            ..
        } = self.yardstick();
        let answers = calibration::confidences(&outputs.logits, classes, temperature);
        let familiarity = if threshold.is_some() {
            answers.iter().map(|answer| answer.1).collect()
        } else {
            self.familiarity(&outputs)
        };
        let threshold = threshold.unwrap_or(own);
        let assessments = answers
            .into_iter()
            .zip(familiarity)
            .map(|((label, confidence), familiarity)| Assessment {
                label,
                confidence,
                familiarity,
                // Damaged weights can give no number, which is below no threshold either.
                is_unknown: familiarity.is_nan() || familiarity < threshold,
            })
            .collect();
        (assessments, outputs.logits)
    }

    /// The same model with another rule to say *unknown* by.
    ///
    /// # Errors
    ///
    /// [`ModelError::Damaged`] if the rule lacks what it needs, or its threshold is no number.
    pub fn with_rejection(
        mut self,
        rejection: Rejection,
        distance: Option<Distance>,
    ) -> Result<Self, ModelError> {
        self.contract.rejection = Some(rejection);
        self.distance = distance;
        self.check_rejection()?;
        self.hash = crate::checksum::sha256(&self.to_bytes());
        Ok(self)
    }

    /// Refuses a rule that cannot be followed.
    pub(super) fn check_rejection(&self) -> Result<(), ModelError> {
        let (rule, threshold) = self.rejection_rule();
        if !threshold.is_finite() {
            let reason = format!("its threshold is {threshold}");
            return Err(ModelError::Damaged(reason));
        }
        if !self.yardstick().has(rule) {
            let reason = format!("it rejects by {rule} and holds none to any class");
            return Err(ModelError::Damaged(reason));
        }
        Ok(())
    }
}
