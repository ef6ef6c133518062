//! The drawing functions that every template may call.

use minijinja::{Environment, Error, ErrorKind, Value};

use crate::draws::Draws;

/// The most bytes that `words` and `lines` make.
const MOST_TEXT: u64 = 4 << 20;

/// Adds `pick`, `chance`, `between`, `whole`, `lognormal`, `hostname`, `nickname`, `words`,
/// `lines` and `seed`.
pub(super) fn add_functions(environment: &mut Environment<'static>, draws: &Draws) {
    let source = draws.clone();
    environment.add_function("pick", move |list: Value| pick(&source, &list));
    let source = draws.clone();
    environment.add_function("chance", move |probability: f64| source.chance(probability));
    let source = draws.clone();
    environment.add_function("between", move |least: f64, most: f64| {
        (source.between(least, most) * 1000.0).round() / 1000.0
    });
    let source = draws.clone();
    environment.add_function("whole", move |least: i64, most: i64| {
        if least > most {
            return Err(wrong(format!(
                "whole({least}, {most}): the lesser number comes first"
            )));
        }
        Ok(source.whole(least, most))
    });
    let source = draws.clone();
    environment.add_function("lognormal", move |mu: f64, sigma: f64, most: f64| {
        source.lognormal(mu, sigma, most)
    });
    let source = draws.clone();
    environment.add_function("hostname", move || source.hostname());
    let source = draws.clone();
    environment.add_function("nickname", move || {
        let syllables = source.whole(2, 4) as usize;
        source.syllables(syllables)
    });
    let source = draws.clone();
    environment.add_function("words", move |bytes: u64| {
        text_length(bytes).map(|bytes| source.words(bytes))
    });
    let source = draws.clone();
    environment.add_function("lines", move |bytes: u64| {
        text_length(bytes).map(|bytes| source.lines(bytes))
    });
    let source = draws.clone();
    environment.add_function("seed", move || source.seed());
}

fn pick(draws: &Draws, list: &Value) -> Result<Value, Error> {
    let values: Vec<Value> = list.try_iter()?.collect();
    if values.is_empty() {
        return Err(wrong("pick([]): the list is empty"));
    }
    Ok(draws.pick(&values).clone())
}

fn text_length(bytes: u64) -> Result<usize, Error> {
    if bytes > MOST_TEXT {
        return Err(wrong(format!(
            "{bytes} bytes of text, the limit is {MOST_TEXT}; use random_file"
        )));
    }
    Ok(bytes as usize)
}

pub(super) fn wrong(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}
