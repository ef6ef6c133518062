//! One capture's label: what its name, a registry or its sidecar says of it.

use std::path::Path;

use regex::{Captures, Regex};

use super::{
    LabelError,
    sidecar::{Sidecar, SidecarClass},
};
use crate::{
    capture_files::CaptureFile,
    dataset::Split,
    registry::{Disputed, Excluded, LabelMap, Registry, Status},
};

/// What one capture's label turned out to be.
pub(super) enum Outcome {
    /// It has one.
    Label(Label),
    /// It is not to be used, and why.
    SetAside(String),
    /// It has none, and why.
    Unlabelled(String),
}

/// What is known of a capture.
pub(super) struct Label {
    pub(super) class: String,
    pub(super) group: Option<String>,
    pub(super) given: Option<Split>,
    pub(super) note: Option<String>,
    pub(super) sidecar: Option<Box<Sidecar>>,
}

impl Label {
    /// A class, and nothing else.
    pub(super) fn of_class(class: &str) -> Self {
        Self {
            class: class.to_owned(),
            group: None,
            given: None,
            note: None,
            sidecar: None,
        }
    }
}

/// What a name says under a pattern that matched it.
pub(super) fn from_name(parts: &Captures<'_>, name: &str) -> Result<Label, LabelError> {
    let part = |group| parts.name(group).map(|found| found.as_str().to_owned());
    let given = part("split").map(|split| split.parse()).transpose();
    Ok(Label {
        group: part("group"),
        given: given.map_err(|source| LabelError::Split {
            file: name.to_owned(),
            source,
        })?,
        ..Label::of_class(&part("class").unwrap_or_default())
    })
}

/// What a registry says of a file: by its list, or by the names of rebuilt captures.
pub(super) fn from_registry(
    registry: &Registry,
    map: &LabelMap,
    (disputed, excluded): (Disputed, Excluded),
    name: &str,
) -> Result<Outcome, LabelError> {
    if let Some(file) = registry.file(name) {
        let Some(class) = file.class_under(disputed, excluded) else {
            return Ok(Outcome::SetAside(file.reason.clone()));
        };
        let label = Label {
            group: file.group.clone(),
            note: (file.status != Status::Agreed).then(|| file.reason.clone()),
            ..Label::of_class(class)
        };
        return Ok(mapped(label, map));
    }
    if let Some(class) = registry.class_by_pattern(name) {
        return Ok(mapped(Label::of_class(class), map));
    }
    let none_of_its_files = || {
        let reason = format!("it is none of the files of `{}`", registry.name);
        Ok(Outcome::Unlabelled(reason))
    };
    let Some(pattern) = &registry.rebuilt_pattern else {
        return none_of_its_files();
    };
    let pattern = Regex::new(pattern).expect("a test compiles every pattern");
    let Some(parts) = pattern.captures(name) else {
        return none_of_its_files();
    };
    let label = from_name(&parts, name)?;
    Ok(match registry.class(&label.class) {
        Some(class) => {
            let class = class.to_owned();
            mapped(Label { class, ..label }, map)
        }
        None => Outcome::Unlabelled(format!(
            "`{}` is no class of `{}`",
            label.class, registry.name
        )),
    })
}

/// What a capture's sidecar says of it; its class is `class` of that.
pub(super) fn from_sidecar(file: &CaptureFile, class: SidecarClass) -> Result<Outcome, LabelError> {
    let found = Sidecar::read(&file.path).map_err(|source| LabelError::Sidecar {
        file: file.name.clone(),
        source,
    })?;
    Ok(match found {
        Some(sidecar) => Outcome::Label(Label {
            group: Some(sidecar.run.clone()),
            sidecar: Some(Box::new(sidecar.clone())),
            ..Label::of_class(sidecar.class_of(class))
        }),
        None => Outcome::Unlabelled(format!(
            "there is no `{}` beside it",
            Sidecar::path_of(Path::new(&file.name)).display()
        )),
    })
}

/// The label under a map, which may leave its class out.
fn mapped(label: Label, map: &LabelMap) -> Outcome {
    match map.class(&label.class) {
        Some(class) => {
            let class = class.to_owned();
            Outcome::Label(Label { class, ..label })
        }
        None => Outcome::SetAside(format!("map `{}` leaves `{}` out", map.name, label.class)),
    }
}
