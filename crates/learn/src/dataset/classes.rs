//! Datasets without some of their classes: what a model is to know nothing of, and is tested on.

use super::{Dataset, LabelledSlices, Rows, Split};

/// Classes that cannot be left out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the dataset has no class `{class}` to hold out, only {classes:?}")]
pub struct NoSuchClass {
    class: String,
    classes: Vec<String>,
}

impl Dataset {
    /// The dataset without the samples of some classes, the others numbered anew in their order.
    ///
    /// Its checksum stays that of the file: with the classes left out, it says what this is.
    ///
    /// # Errors
    ///
    /// [`NoSuchClass`] naming the first that the dataset does not have.
    pub fn without_classes(&self, names: &[String]) -> Result<Self, NoSuchClass> {
        let classes = &self.manifest.classes;
        if let Some(class) = names.iter().find(|name| !classes.contains(name)) {
            return Err(NoSuchClass {
                class: class.clone(),
                classes: classes.clone(),
            });
        }
        let kept: Vec<String> = classes
            .iter()
            .filter(|class| !names.contains(class))
            .cloned()
            .collect();
        let label_of = |label: u32| {
            let name = &classes[label as usize];
            let place = kept.iter().position(|class| class == name);
            place.map(|place| place as u32)
        };
        let rows = Split::ALL.map(|split| self.split(split).selected(label_of));
        let mut manifest = self.manifest.clone();
        let split = &mut manifest.split;
        split.classes.retain(|class| kept.contains(&class.class));
        split.untestable.retain(|class| kept.contains(class));
        split.held_out_classes = names.to_vec();
        manifest.classes = kept;
        Ok(Self::from_rows(manifest, rows))
    }

    /// The samples of one split that are of none of these classes, labelled as they are.
    pub fn strangers_to(&self, classes: &[String], split: Split) -> Rows {
        let own = &self.manifest.classes;
        let is_known = |label: u32| classes.contains(&own[label as usize]);
        self.split(split)
            .selected(|label| (!is_known(label)).then_some(label))
    }
}

impl Rows {
    /// The samples that get a label of their present one, with it.
    fn selected(&self, label_of: impl Fn(u32) -> Option<u32>) -> Self {
        let from = &self.samples;
        let mut selected = Self {
            samples: LabelledSlices {
                slice_length: from.slice_length,
                ..LabelledSlices::default()
            },
            origins: Vec::new(),
        };
        for (sample, &label) in from.labels.iter().enumerate() {
            let Some(label) = label_of(label) else {
                continue;
            };
            let to = &mut selected.samples;
            let length = from.slice_length;
            to.slices
                .extend_from_slice(&from.slices[sample * length..][..length]);
            to.labels.push(label);
            to.link_types.extend(from.link_types.get(sample).copied());
            to.five_tuples.extend(from.five_tuples.get(sample).copied());
            to.summaries.extend(from.summaries.get(sample).cloned());
            to.statistics.extend(from.statistics.get(sample).cloned());
            to.packet_slices
                .extend(from.packet_slices.get(sample).cloned());
            selected.origins.extend(self.origins.get(sample).cloned());
        }
        selected
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Manifest;

    /// Samples of classes a, b, c, b in training, told by their one byte; none elsewhere.
    fn dataset() -> Dataset {
        let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
        let train = Rows {
            samples: LabelledSlices {
                slice_length: 1,
                slices: vec![10, 11, 12, 13],
                labels: vec![0, 1, 2, 1],
                ..LabelledSlices::default()
            },
            origins: Vec::new(),
        };
        let manifest = Manifest::new("made", classes, "ip", 1);
        Dataset::from_rows(manifest, [train, Rows::default(), Rows::default()])
    }

    #[test]
    fn what_is_left_is_numbered_anew_and_says_what_is_missing() {
        let left = dataset().without_classes(&["a".to_owned()]).unwrap();
        let train = &left.split(Split::Train).samples;
        assert_eq!(left.manifest.classes, ["b", "c"]);
        assert_eq!(
            (&train.slices[..], &train.labels[..]),
            (&[11, 12, 13][..], &[0, 1, 0][..])
        );
        assert_eq!(left.manifest.split.held_out_classes, ["a"]);
    }

    #[test]
    fn strangers_keep_their_own_labels() {
        let found = dataset().strangers_to(&["b".to_owned()], Split::Train);
        assert_eq!(found.samples.slices, [10, 12]);
        assert_eq!(found.samples.labels, [0, 2]);
    }

    #[test]
    fn a_class_that_is_not_there_is_named() {
        let error = dataset().without_classes(&["d".to_owned()]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the dataset has no class `d` to hold out, only [\"a\", \"b\", \"c\"]"
        );
    }
}
