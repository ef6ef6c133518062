//! Preparation: labelled captures become a dataset.
//!
//! In two passes, so that memory holds facts of samples and not the samples: captures are cut in
//! parallel into parts on disk, then filters and splits decide and the parts are written as one.

mod assembly;
mod part;
mod resplit;

use std::{
    collections::HashSet,
    fs::File,
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use rayon::prelude::*;
use traffic::{
    capture::{CaptureError, CaptureReader},
    cut::{Watch, cut_in_stages, cut_watched},
    session::Session,
    session_table::CutOptions,
};

pub use self::resplit::resplit;
pub(crate) use self::{
    assembly::{Parts, assemble, first_error},
    part::{Part, PartWriter},
};
use crate::{
    anonymiser::{AnonymiseError, Anonymiser},
    checksum::SummedSource,
    dataset::{
        DatasetError, Manifest,
        columns::Form,
        folder::{Existing, PlaceError, Staging},
        manifest::{AddressForm, CaptureRecord, Cutting, LabRecord, SetAside},
        row::{Content, Row},
    },
    filters::Filters,
    labels::{
        Labelled, LabelledCapture,
        sidecar::{Sidecar, View},
    },
    splits::{SplitError, SplitOptions},
};

/// Every setting of a dataset that its captures and labels do not decide.
#[derive(Debug, Clone, PartialEq)]
pub struct PrepareOptions {
    /// What the dataset is called.
    pub name: String,
    /// How captures are cut into sessions.
    pub cutting: CutOptions,
    /// Which sessions are left out.
    pub filters: Filters,
    /// Hides the addresses of sessions; none stores them as they are.
    pub anonymiser: Option<Anonymiser>,
    /// How samples are split.
    pub split: SplitOptions,
    /// What becomes of a dataset that is already there.
    pub existing: Existing,
}

impl PrepareOptions {
    /// Refuses slices that show the addresses that are to be hidden.
    pub(crate) fn check_slices_show_no_address(&self) -> Result<(), AnonymiseError> {
        self.anonymiser
            .as_ref()
            .map_or(Ok(()), |anonymiser| anonymiser.check(&self.cutting.policy))
    }

    /// What stands in the columns of addresses.
    pub(crate) fn address_form(&self) -> AddressForm {
        self.anonymiser
            .as_ref()
            .map_or_else(AddressForm::default, Anonymiser::form)
    }
}

/// What a long preparation tells while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A source was cut into sessions.
    Cut {
        /// How many sources are done.
        done: usize,
        /// How many there are.
        of: usize,
        /// The one that was done.
        file: &'a str,
        /// Its sessions.
        sessions: u64,
    },
    /// All are cut; the samples are being written.
    Writing,
}

/// Whom to tell, and whom to ask whether to go on.
#[derive(Clone, Copy)]
pub struct Observer<'a> {
    /// Is told each step, from any thread.
    pub step: &'a (dyn Fn(Step<'_>) + Sync),
    /// Becomes true when the work is to stop.
    pub stop: &'a AtomicBool,
}

impl Observer<'_> {
    /// Whether the work is to stop.
    pub(crate) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether to go on, as who cuts a capture is asked.
    fn flow(&self) -> ControlFlow<()> {
        if self.stopped() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// A dataset that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// A capture cannot be read to its end.
    #[error("cannot read `{path}`")]
    Capture {
        /// The capture.
        path: String,
        /// What went wrong.
        source: CaptureError,
    },
    /// Addresses cannot be hidden.
    #[error(transparent)]
    Anonymise(#[from] AnonymiseError),
    /// A class without samples.
    #[error("class `{class}` has no samples: {reason}")]
    EmptyClass {
        /// The class.
        class: String,
        /// What became of its sessions.
        reason: String,
    },
    /// The split cannot be made.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The place cannot be written to.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A dataset's file cannot be read or written.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// An IDX file is not what it should be.
    #[error(transparent)]
    Idx(#[from] crate::idx::IdxError),
    /// It was asked to stop.
    #[error("stopped; nothing was written")]
    Stopped,
}

/// Cuts captures, filters and splits their sessions, and writes the dataset to `place`.
///
/// Captures are cut in parallel on rayon's current threads; the result does not depend on them.
///
/// # Errors
///
/// If a capture breaks, a class is left without samples, the split is refused or the place
/// cannot be written to; nothing is left behind then.
pub fn prepare(
    labelled: &Labelled,
    options: &PrepareOptions,
    place: &Path,
    observer: Observer<'_>,
) -> Result<Manifest, PrepareError> {
    options.check_slices_show_no_address()?;
    let staging = Staging::begin(place, options.existing)?;
    let form = Form {
        classes: labelled.classes.clone(),
        slice_length: options.cutting.slice_length.get(),
        has_packet_slices: options.cutting.packet_slices > 0,
        has_provenance: labelled.captures.iter().any(|one| one.sidecar.is_some()),
    };
    let done = AtomicUsize::new(0);
    let of = labelled.captures.len();
    // Where captures are fewer than threads, each is cut in stages.
    let threads = if of < rayon::current_num_threads() {
        Threads::Several
    } else {
        Threads::One
    };
    let parts: Vec<Result<Part, PrepareError>> = labelled
        .captures
        .par_iter()
        .enumerate()
        .map(|(at, capture)| {
            let path = staging.path().join(format!("part-{at}.parquet"));
            let part = cut_capture(at, capture, &form, &path, options, threads, observer)
                .inspect_err(|_| observer.stop.store(true, Ordering::Relaxed))?;
            (observer.step)(Step::Cut {
                done: done.fetch_add(1, Ordering::Relaxed) + 1,
                of,
                file: &capture.file.name,
                sessions: part.record.sessions,
            });
            Ok(part)
        })
        .collect();
    let parts = first_error(parts)?;
    (observer.step)(Step::Writing);
    let mut manifest = Manifest::new(
        &options.name,
        labelled.classes.clone(),
        &options.cutting.policy.to_string(),
        options.cutting.slice_length.get(),
    );
    manifest.cutting = Cutting::from(&options.cutting);
    manifest.labels = labelled.source.clone();
    manifest.addresses = options.address_form();
    manifest.set_aside.clone_from(&labelled.set_aside);
    let parts = Parts {
        form,
        captures: parts.iter().map(|part| part.record.clone()).collect(),
        cut: parts,
    };
    assemble(parts, manifest, &options.filters, &options.split, staging)
}

/// What one capture may take of the machine.
#[derive(Clone, Copy)]
enum Threads {
    /// Its own thread: there are captures for the others.
    One,
    /// Two more, for stages.
    Several,
}

/// Cuts one capture into a part.
fn cut_capture(
    at: usize,
    capture: &LabelledCapture,
    form: &Form,
    path: &Path,
    options: &PrepareOptions,
    threads: Threads,
    observer: Observer<'_>,
) -> Result<Part, PrepareError> {
    let broken = |source| PrepareError::Capture {
        path: capture.file.path.display().to_string(),
        source,
    };
    let file = File::open(&capture.file.path).map_err(|error| broken(error.into()))?;
    let source = SummedSource::new(file);
    let mut reader = CaptureReader::new(Box::new(source.clone())).map_err(broken)?;
    let label = form
        .classes
        .iter()
        .position(|class| *class == capture.class);
    let group: Arc<str> = capture.group.as_str().into();
    let mut writer = PartWriter::create(path, form.clone())?;
    let sidecar = capture.sidecar.as_ref();
    let (mut failure, mut unknown_site) = (None, 0);
    let mut sink = |mut session: Session| {
        let is_empty = session.payload_bytes == 0;
        let provenance = sidecar
            .map(|sidecar| sidecar.provenance(&session.five_tuple))
            .unwrap_or_default();
        // What talks to none of the run's sites is a leftover that the label does not mean; only
        // from outside of a tunnel are all remote ends gateways.
        let is_leftover =
            provenance.site.is_none() && sidecar.is_some_and(|sidecar| sidecar.view != View::Outer);
        if is_leftover {
            unknown_site += 1;
            return ControlFlow::Continue(());
        }
        if let Some(anonymiser) = &options.anonymiser {
            anonymiser.hide(&mut session);
        }
        let row = Row {
            // A label that no class has is refused by the writer.
            label: label.map_or(u32::MAX, |label| label as u32),
            capture: at as u32,
            row: None,
            group: Arc::clone(&group),
            given: capture.given,
            provenance,
            content: Content::Session(Box::new(session)),
        };
        if let Err(error) = writer.push(&row, is_empty) {
            failure = Some(error);
        }
        if failure.is_some() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    // Asked at each frame, or some of them: sessions may all end with their capture, which may be huge.
    let tally = match threads {
        Threads::One => {
            let watch = Watch {
                frame: &mut |_| observer.flow(),
                session: &mut sink,
            };
            cut_watched(&mut reader, &options.cutting, 0, watch)
        }
        Threads::Several => {
            let goes_on = &mut || observer.flow();
            cut_in_stages(&mut reader, &options.cutting, 0, goes_on, &mut sink)
        }
    };
    if let Some(error) = failure {
        return Err(error.into());
    }
    // First of all: a thread that reads ahead may have met what is broken behind the place of the stop.
    if observer.stopped() {
        return Err(PrepareError::Stopped);
    }
    let tally = tally.map_err(|error| broken(error.error))?;
    drop(reader);
    let (sha256, size) = source.finish().map_err(|error| broken(error.into()))?;
    Ok(writer.close(CaptureRecord {
        file: capture.file.name.clone(),
        sha256,
        size,
        class: Some(capture.class.clone()),
        group: Some(capture.group.clone()),
        given_split: capture.given,
        note: capture.note.clone(),
        sessions: 0,
        samples: 0,
        rows: None,
        lab: sidecar.map(|sidecar| LabRecord::of(sidecar, unknown_site)),
        traffic: tally,
    })?)
}

/// Files inside folders that are no captures, for the manifest.
///
/// Sidecars that were read are not among them.
pub fn set_aside_others(labelled: &mut Labelled, others: &[PathBuf]) {
    let with_sidecar = labelled.captures.iter().filter(|one| one.sidecar.is_some());
    let sidecars: HashSet<PathBuf> = with_sidecar
        .map(|one| Sidecar::path_of(&one.file.path))
        .collect();
    let others = others.iter().filter(|path| !sidecars.contains(*path));
    labelled.set_aside.extend(others.map(|path| {
        SetAside {
            file: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            reason: "no capture".to_owned(),
        }
    }));
}

#[cfg(test)]
mod tests {
    use std::fs;

    use traffic::{
        link::LinkType,
        session_table::EndRule,
        synth::{self, Conversation},
    };

    use super::*;
    use crate::{
        capture_files,
        labels::{Labelling, Unlabelled},
    };

    #[test]
    fn a_preparation_that_is_stopped_says_so_although_no_session_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut capture = synth::pcap(LinkType::ETHERNET, &Conversation::default().frames());
        // What comes behind the place of the stop matters no more.
        capture.extend([0xff; 16]);
        fs::create_dir(folder.path().join("Chat")).unwrap();
        fs::write(folder.path().join("Chat/broken.pcap"), capture).unwrap();
        let found = capture_files::find(&[folder.path().to_owned()]).unwrap();
        let labelled = Labelling::Folder.apply(found.captures, None, Unlabelled::Refuse);
        let options = PrepareOptions {
            name: "stopped".to_owned(),
            cutting: CutOptions {
                end_rule: EndRule::Capture,
                ..CutOptions::default()
            },
            filters: Filters::default(),
            anonymiser: None,
            split: SplitOptions::default(),
            existing: Existing::Refuse,
        };
        let observer = Observer {
            step: &|_| (),
            stop: &AtomicBool::new(true),
        };
        let place = folder.path().join("out");
        let error = prepare(&labelled.unwrap(), &options, &place, observer).unwrap_err();
        assert!(matches!(error, PrepareError::Stopped), "{error}");
        assert!(!place.exists(), "nothing is left behind");
    }
}
