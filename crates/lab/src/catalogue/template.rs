//! Templates: the texts of services and scenarios, filled with values and with seeded draws.

mod drawing;
mod service;
mod step;
mod tunnel;

use minijinja::{Environment, UndefinedBehavior, Value, syntax::SyntaxConfig};

pub(crate) use service::{Certificate, ServiceValues, render_service};
pub(crate) use step::{RenderedStep, StepValues, render_step};
pub(crate) use tunnel::{RenderedClient, TunnelValues, render_client, render_server};

use super::{mistake::Mistake, service::TemplateFile};
use crate::draws::Draws;

/// A mail, chat or file account that every service has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    /// `user00` to `user23`.
    pub(crate) name: String,
    /// Its password.
    pub(crate) password: String,
}

impl Account {
    fn value(&self) -> Value {
        minijinja::context! { name => self.name.as_str(), password => self.password.as_str() }
    }
}

/// How many accounts there are ...
const ACCOUNTS: usize = 24;
/// ... and how many of them steps draw from; the rest are far ends: bots that answer.
const STEP_ACCOUNTS: usize = 20;

/// The accounts, in order.
fn accounts() -> Vec<Account> {
    (0..ACCOUNTS)
        .map(|number| Account {
            name: format!("user{number:02}"),
            password: format!("pw-user{number:02}"),
        })
        .collect()
}

/// A file to be written before a command starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedFile {
    /// Below the folder of the service or step.
    pub(crate) path: String,
    /// Permissions.
    pub(crate) mode: u32,
    /// Who shall own it, if not root.
    pub(crate) owner: Option<String>,
    /// What is in it.
    pub(crate) content: String,
}

/// Renders the texts of one catalogue file, one after another, with the same draws.
struct Renderer<'a> {
    file: &'a str,
    environment: Environment<'static>,
    values: Value,
}

impl<'a> Renderer<'a> {
    fn new(file: &'a str, draws: &Draws, values: Value) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut syntax = SyntaxConfig::builder();
        // A line that holds nothing but `{% if … %}` leaves no empty line behind.
        syntax
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true);
        environment.set_syntax(syntax.build().expect("the usual delimiters differ"));
        drawing::add_functions(&mut environment, draws);
        Self {
            file,
            environment,
            values,
        }
    }

    fn render(&self, field: &str, text: &str) -> Result<String, Mistake> {
        self.environment
            .render_str(text, &self.values)
            .map_err(|error| {
                let line = error
                    .line()
                    .map_or(String::new(), |line| format!(", line {line} of it"));
                let kind = error.kind();
                let what = match error.detail() {
                    Some(detail) => format!("{kind}: {detail}"),
                    None => kind.to_string(),
                };
                Mistake {
                    place: format!("{}, `{field}`{line}", self.file),
                    what,
                }
            })
    }

    fn render_files(&self, files: &[TemplateFile]) -> Result<Vec<RenderedFile>, Mistake> {
        files
            .iter()
            .map(|file| {
                let mode = file.mode.as_deref().unwrap_or("644");
                Ok(RenderedFile {
                    path: self.render("files.path", &file.path)?,
                    mode: u32::from_str_radix(mode, 8).unwrap_or(0o644),
                    owner: file.owner.clone(),
                    content: self
                        .render(&format!("files.content of {}", file.path), &file.content)?,
                })
            })
            .collect()
    }
}
