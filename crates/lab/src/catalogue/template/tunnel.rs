//! The ends of a tunnel with their values filled in.

use std::{
    collections::BTreeMap,
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use minijinja::{Value, context};

use super::{
    super::{
        mistake::Mistake,
        tunnel::{End, Tunnel},
    },
    Certificate, RenderedFile, Renderer,
    service::text,
    step::json,
};
use crate::{draws::Draws, lab::Network};

/// What the templates of one end of a tunnel may use.
#[derive(Debug)]
pub(crate) struct TunnelValues<'a> {
    /// The folder of this end.
    pub(crate) folder: &'a Path,
    /// The folder of the gateway's end.
    pub(crate) server_folder: &'a Path,
    /// Where unpacked packages lie.
    pub(crate) root: &'a Path,
    /// Programs of the catalogue.
    pub(crate) apps: &'a Path,
    /// Python interpreter of the lab's environment.
    pub(crate) python: &'a Path,
    /// The host of this end.
    pub(crate) host: &'a str,
    /// The number of the host among those of its role.
    pub(crate) number: u32,
    /// The gateway's address.
    pub(crate) gateway: Ipv4Addr,
    /// Where this host's packets go by default.
    pub(crate) router: Ipv4Addr,
    /// The network inside.
    pub(crate) inside: Network,
    /// An address inside for this end.
    pub(crate) inner: Ipv4Addr,
    /// A name for this end's interface.
    pub(crate) device: &'a str,
    /// The name of the gateway's interface.
    pub(crate) server_device: &'a str,
    /// Drawn for this end.
    pub(crate) certificate: &'a Certificate,
    /// A file with all authorities.
    pub(crate) authorities: &'a Path,
}

/// One end of a tunnel, ready to be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenderedEnd {
    /// Written first.
    pub(crate) files: Vec<RenderedFile>,
    /// Run to its end, if there is any.
    pub(crate) prepare: Option<String>,
    /// Started, and left running.
    pub(crate) command: String,
}

/// A client's end of a tunnel, ready to be started.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RenderedClient {
    /// What runs.
    pub(crate) end: RenderedEnd,
    /// Shell for the gateway, before the client starts.
    pub(crate) admit: Option<String>,
    /// Shell for the client, once it is ready.
    pub(crate) connect: Option<String>,
    /// Shell for the client, at the end.
    pub(crate) disconnect: Option<String>,
    /// Shell for the gateway, at the end.
    pub(crate) dismiss: Option<String>,
    /// The interface on which the traffic inside is seen.
    pub(crate) interface: String,
    /// What was noted.
    pub(crate) notes: BTreeMap<String, serde_json::Value>,
}

/// Fills in the templates of the gateway's end.
///
/// # Errors
///
/// If a template is wrong, with its file and field.
pub(crate) fn render_server(
    tunnel: &Tunnel,
    values: &TunnelValues<'_>,
    draws: &Draws,
) -> Result<RenderedEnd, Mistake> {
    let renderer = Renderer::new(&tunnel.file, draws, context_of(values));
    render_end(&renderer, "server", &tunnel.server)
}

/// Fills in the templates of a client's end.
///
/// # Errors
///
/// If a template is wrong, with its file and field.
pub(crate) fn render_client(
    tunnel: &Tunnel,
    values: &TunnelValues<'_>,
    draws: &Draws,
) -> Result<RenderedClient, Mistake> {
    let mut renderer = Renderer::new(&tunnel.file, draws, context_of(values));
    let notes = Arc::new(Mutex::new(BTreeMap::new()));
    let taken = Arc::clone(&notes);
    renderer
        .environment
        .add_function("note", move |key: String, value: Value| {
            let mut map = taken.lock().unwrap_or_else(PoisonError::into_inner);
            map.insert(key, json(&value));
            // Prints nothing where it stands.
            ""
        });
    let end = render_end(&renderer, "client", &tunnel.client)?;
    let optional = |field: &str, text: &Option<String>| {
        let field = format!("client.{field}");
        text.as_deref()
            .map(|text| renderer.render(&field, text))
            .transpose()
    };
    let client = RenderedClient {
        end,
        admit: optional("admit", &tunnel.admit)?,
        connect: optional("connect", &tunnel.connect)?,
        disconnect: optional("disconnect", &tunnel.disconnect)?,
        dismiss: optional("dismiss", &tunnel.dismiss)?,
        interface: renderer.render("client.interface", &tunnel.interface)?,
        notes: BTreeMap::new(),
    };
    let notes = std::mem::take(&mut *notes.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(RenderedClient { notes, ..client })
}

fn render_end(renderer: &Renderer<'_>, which: &str, end: &End) -> Result<RenderedEnd, Mistake> {
    let prepare = end.prepare.as_deref();
    Ok(RenderedEnd {
        files: renderer.render_files(&end.files)?,
        prepare: prepare
            .map(|text| renderer.render(&format!("{which}.prepare"), text))
            .transpose()?,
        command: renderer.render(&format!("{which}.command"), &end.command)?,
    })
}

fn context_of(values: &TunnelValues<'_>) -> Value {
    let (inside, certificate) = (values.inside, values.certificate);
    context! {
        folder => text(values.folder),
        server_folder => text(values.server_folder),
        root => text(values.root),
        apps => text(values.apps),
        python => text(values.python),
        host => values.host,
        number => values.number,
        gateway => values.gateway.to_string(),
        router => values.router.to_string(),
        device => values.device,
        server_device => values.server_device,
        inner => values.inner.to_string(),
        authorities => text(values.authorities),
        inside => context! {
            network => inside.to_string(),
            first => inside.address(0).to_string(),
            mask => inside.mask().to_string(),
            bits => inside.bits(),
            server => inside.address(1).to_string(),
        },
        certificate => context! {
            chain => text(&certificate.chain),
            key => text(&certificate.key),
            both => text(&certificate.both),
            name => certificate.name.as_str(),
            authority => text(&certificate.authority),
        },
    }
}
