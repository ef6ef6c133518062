//! Exposing: what `live` does as metrics, and whether it is well, by HTTP.

use std::{io::Write, net::SocketAddr, num::NonZeroUsize, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    http::{StatusCode, header::CONTENT_TYPE},
    routing::get,
};
use clap::Args;
use learn::model::Model;

use crate::{
    following::{Counts, DRIFT_SESSIONS, Said},
    http::{Listener, address},
    metrics::{Exposition, Kind, Sample},
};

/// Who may watch, and what drift is measured by.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Operating")]
pub(super) struct ExposingArguments {
    /// Answer there by HTTP: /metrics for Prometheus, /healthz with 200 or what is wrong; a port
    /// alone is one of this machine only
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    metrics: Option<SocketAddr>,
    /// Sessions whose drift from the model's validation samples is measured: the latest ones
    #[arg(long, default_value_t = DRIFT_SESSIONS, value_name = "COUNT")]
    pub(super) drift_sessions: NonZeroUsize,
}

impl ExposingArguments {
    /// Listens, if asked to; where, and whether there will be drift to tell, goes to `talk`.
    pub(super) fn listen(
        &self,
        model: &Model,
        talk: &mut dyn Write,
    ) -> anyhow::Result<Option<Listener>> {
        let Some(address) = self.metrics else {
            return Ok(None);
        };
        let listening = || format!("cannot listen on `{address}`");
        let listener = Listener::bind(address).with_context(listening)?;
        let address = listener.address().with_context(listening)?;
        // Nobody need read it.
        let _ = writeln!(talk, "metrics at http://{address}/metrics");
        if model.card().reference.is_empty() {
            let _ = writeln!(
                talk,
                "no drift: the model's card has no reference; `undertone model export RUN --dataset \
                 DATASET` adds it"
            );
        }
        Ok(Some(listener))
    }
}

/// The type of the page, as Prometheus knows it.
const PAGE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Answers from then on.
///
/// # Errors
///
/// If the system has nothing left to wait for sockets with.
pub(super) fn start(listener: Listener, counts: Arc<Counts>, model: &Model) -> anyhow::Result<()> {
    let facts = Arc::new(Facts::of(model));
    let healthy = Arc::clone(&counts);
    let router = Router::new()
        .route(
            "/metrics",
            get(|| async move { ([(CONTENT_TYPE, PAGE)], page(&counts, &facts)) }),
        )
        .route("/healthz", get(|| async move { health(&healthy) }))
        .fallback(|| async { (StatusCode::NOT_FOUND, "see /metrics and /healthz\n") });
    listener.start(router).context("cannot answer requests")
}

fn health(counts: &Counts) -> (StatusCode, String) {
    match counts.health().ailment() {
        None => (StatusCode::OK, "well\n".to_owned()),
        Some(ailment) => (StatusCode::SERVICE_UNAVAILABLE, format!("{ailment}\n")),
    }
}

/// What is told of the model.
struct Facts {
    name: String,
    sha256: String,
    policy: String,
    network: String,
    classes: Vec<String>,
}

impl Facts {
    fn of(model: &Model) -> Self {
        let contract = model.contract();
        Self {
            name: model.card().name.clone(),
            sha256: model.hash().to_owned(),
            policy: contract.policy.clone(),
            network: contract.shape.architecture.to_string(),
            classes: contract.classes.clone(),
        }
    }
}

fn page(counts: &Counts, facts: &Facts) -> String {
    let mut page = Exposition::default();
    add_build(&mut page, facts);
    add_reading(&mut page, counts);
    add_waiting(&mut page, counts);
    add_verdicts(&mut page, counts, &facts.classes);
    add_drift(&mut page, counts);
    page.into_text()
}

fn add_build(page: &mut Exposition, facts: &Facts) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    page.add(
        Kind::Gauge,
        "undertone_build_info",
        "Which version of the program this is.",
        [Sample::labelled(&version, 1.0)],
    );
    let model = [
        ("name", facts.name.as_str()),
        ("sha256", &facts.sha256),
        ("policy", &facts.policy),
        ("network", &facts.network),
    ];
    page.add(
        Kind::Gauge,
        "undertone_model_info",
        "Which model is asked.",
        [Sample::labelled(&model, 1.0)],
    );
}

fn add_reading(page: &mut Exposition, counts: &Counts) {
    // Whoever captures does not wait until the page is written.
    let reading = counts.reading().clone();
    let tally = &reading.tally;
    let plain = [
        ("undertone_frames_total", "Frames read.", tally.frames),
        (
            "undertone_bytes_total",
            "Bytes of the frames read, as captured.",
            tally.frame_bytes,
        ),
        (
            "undertone_packets_total",
            "Packets decoded from the frames.",
            tally.packets,
        ),
    ];
    for (name, help, value) in plain {
        page.add(Kind::Counter, name, help, [Sample::only(value as f64)]);
    }
    page.add(
        Kind::Counter,
        "undertone_skips_total",
        "Frames that became no packet, by reason.",
        tally
            .skips
            .iter()
            .map(|(reason, &count)| Sample::labelled(&[("reason", reason.name())], count as f64)),
    );
    page.add(
        Kind::Counter,
        "undertone_sessions_ended_total",
        "Sessions that ended, by reason.",
        tally
            .ends
            .iter()
            .map(|(reason, &count)| Sample::labelled(&[("reason", reason.name())], count as f64)),
    );
    page.add(
        Kind::Gauge,
        "undertone_open_sessions",
        "Sessions that are open.",
        [Sample::only(reading.open_sessions as f64)],
    );
    page.add(
        Kind::Counter,
        "undertone_kernel_drops_total",
        "Frames for which the kernel had no room.",
        reading
            .losses
            .map(|losses| Sample::only(losses.by_kernel as f64)),
    );
    page.add(
        Kind::Counter,
        "undertone_interface_drops_total",
        "Frames that the interface or its driver dropped.",
        reading
            .losses
            .map(|losses| Sample::only(losses.by_interface as f64)),
    );
}

fn add_waiting(page: &mut Exposition, counts: &Counts) {
    page.add(
        Kind::Gauge,
        "undertone_waiting_sessions",
        "Sessions that wait for the model.",
        [Sample::only(counts.waiting() as f64)],
    );
    let dropped = [("early", counts.unasked()), ("end", counts.unjudged())];
    page.add(
        Kind::Counter,
        "undertone_verdict_drops_total",
        "Verdicts left out because the model, standard output or a sink was behind.",
        dropped.map(|(moment, count)| Sample::labelled(&[("moment", moment)], count as f64)),
    );
    page.add_histogram(
        "undertone_inference_seconds",
        "How long the model took for the sessions that it was asked about at once.",
        &counts.inference(),
    );
}

fn add_verdicts(page: &mut Exposition, counts: &Counts, classes: &[String]) {
    let verdicts = counts.verdicts();
    page.add(
        Kind::Counter,
        "undertone_verdicts_total",
        "Sessions that ended, by what was said of them.",
        verdicts.last().iter().map(|(&said, &count)| {
            let (verdict, class) = match said {
                Said::Class(label) => ("class", classes[label as usize].as_str()),
                Said::Unknown => ("unknown", ""),
                Said::Empty => ("empty", ""),
                Said::Background(kind) => ("background", kind.name()),
            };
            Sample::labelled(&[("verdict", verdict), ("class", class)], count as f64)
        }),
    );
    page.add(
        Kind::Counter,
        "undertone_early_verdicts_total",
        "Verdicts told of open sessions, by moment.",
        verdicts
            .early()
            .iter()
            .map(|(moment, &count)| Sample::labelled(&[("moment", moment.name())], count as f64)),
    );
    page.add_histogram(
        "undertone_confidence",
        "Confidences of the verdicts on sessions that ended, unknown ones included.",
        verdicts.confidences(),
    );
}

fn add_drift(page: &mut Exposition, counts: &Counts) {
    let verdicts = counts.verdicts();
    let latest = verdicts.latest();
    page.add(
        Kind::Gauge,
        "undertone_unknown_ratio",
        "Which share of the latest sessions is unknown.",
        latest.unknown_share().map(Sample::only),
    );
    page.add(
        Kind::Gauge,
        "undertone_drift_reference",
        "1 if the model's card has a reference to measure drift by.",
        [Sample::only(f64::from(u8::from(
            !latest.has_no_reference(),
        )))],
    );
    page.add(
        Kind::Gauge,
        "undertone_drift_psi",
        "Population stability index of the latest sessions against the validation samples.",
        latest
            .drifts()
            .iter()
            .map(|drift| Sample::labelled(&[("of", drift.of.name())], drift.index)),
    );
}
