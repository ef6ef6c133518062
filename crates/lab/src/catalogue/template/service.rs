//! A service with its values filled in: ready to be started on one host.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use minijinja::{Value, context};

use super::{
    super::{mistake::Mistake, service::Service},
    RenderedFile, Renderer, accounts,
};
use crate::draws::Draws;

/// A certificate of the pool, as templates see it.
#[derive(Debug, Clone)]
pub(crate) struct Certificate {
    /// Certificate and what leads to its authority, PEM.
    pub(crate) chain: PathBuf,
    /// Private key, PEM.
    pub(crate) key: PathBuf,
    /// Key and chain in one file, PEM.
    pub(crate) both: PathBuf,
    /// The name it is made out to.
    pub(crate) name: String,
    /// The authority's own certificate, PEM.
    pub(crate) authority: PathBuf,
}

/// What the templates of a service may use.
#[derive(Debug)]
pub(crate) struct ServiceValues<'a> {
    /// The service's own folder on this host.
    pub(crate) folder: &'a Path,
    /// Where unpacked packages lie.
    pub(crate) root: &'a Path,
    /// Programs of the catalogue.
    pub(crate) apps: &'a Path,
    /// Sound, video and files to serve.
    pub(crate) media: &'a Path,
    /// The host's address.
    pub(crate) address: Ipv4Addr,
    /// The host's name.
    pub(crate) host: &'a str,
    /// Drawn for this service, host and round.
    pub(crate) certificate: &'a Certificate,
    /// Python interpreter of the laboratory's environment.
    pub(crate) python: &'a Path,
    /// Addresses of the hosts of every service, by the service's name.
    pub(crate) addresses: &'a BTreeMap<String, Vec<Ipv4Addr>>,
}

/// What is written and started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedService {
    /// Written first.
    pub(crate) files: Vec<RenderedFile>,
    /// Run to its end, if there is any.
    pub(crate) prepare: Option<String>,
    /// Started last, and left running.
    pub(crate) command: String,
    /// Environment of both.
    pub(crate) environment: BTreeMap<String, String>,
}

/// Fills in the templates of a service.
///
/// # Errors
///
/// If a template is wrong, with its file and field.
pub(crate) fn render_service(
    service: &Service,
    values: &ServiceValues<'_>,
    draws: &Draws,
) -> Result<RenderedService, Mistake> {
    let certificate = values.certificate;
    let accounts: Vec<Value> = accounts().iter().map(super::Account::value).collect();
    let context = context! {
        folder => text(values.folder),
        root => text(values.root),
        apps => text(values.apps),
        media => text(values.media),
        address => values.address.to_string(),
        host => values.host,
        python => text(values.python),
        accounts => accounts,
        certificate => context! {
            chain => text(&certificate.chain),
            key => text(&certificate.key),
            both => text(&certificate.both),
            name => certificate.name.as_str(),
            authority => text(&certificate.authority),
        },
    };
    let mut renderer = Renderer::new(&service.file, draws, context);
    super::step::add_addresses(&mut renderer.environment, values.addresses);
    Ok(RenderedService {
        files: renderer.render_files(&service.files)?,
        prepare: service
            .prepare
            .as_deref()
            .map(|prepare| renderer.render("prepare", prepare))
            .transpose()?,
        command: renderer.render("command", &service.command)?,
        environment: service
            .environment
            .iter()
            .map(|(name, value)| {
                let field = format!("environment.{name}");
                Ok((name.clone(), renderer.render(&field, value)?))
            })
            .collect::<Result<_, Mistake>>()?,
    })
}

/// A path as templates have it. The laboratory's own paths are UTF-8.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
