//! Pictures: the figures of a page as files of their own, for pages that have no style of ours.
//!
//! Each holds the rules that it needs, with the colours of the light page, on a light ground.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use clap::Args;
use learn::files;

/// Where pictures go.
#[derive(Debug, Clone, Args)]
pub(crate) struct PictureArguments {
    /// Write the page's pictures into a folder too, as SVG files that stand alone
    #[arg(long, value_name = "DIR")]
    pictures: Option<std::path::PathBuf>,
}

impl PictureArguments {
    /// Writes those of a page, if they were asked for.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub(crate) fn write(&self, page: &str) -> anyhow::Result<()> {
        let Some(folder) = &self.pictures else {
            return Ok(());
        };
        write(folder, page).with_context(|| format!("cannot write into `{}`", folder.display()))
    }
}

fn write(folder: &Path, page: &str) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, picture) in of(page) {
        files::write_whole(&folder.join(name), picture.as_bytes())?;
    }
    Ok(())
}

/// The pictures of a page, in its order: the file name of each, and its bytes.
fn of(page: &str) -> Vec<(String, String)> {
    let style = style(page);
    let mut pictures = Vec::new();
    let mut rest = page;
    while let Some((_, from)) = rest.split_once("<svg ") {
        let Some((picture, behind)) = from.split_once("</svg>") else {
            break;
        };
        rest = behind;
        let Some((attributes, content)) = picture.split_once('>') else {
            continue;
        };
        let title = attribute(attributes, "aria-label").unwrap_or_default();
        let size = attribute(attributes, "viewBox").unwrap_or_default();
        let mut size = size.split(' ').skip(2);
        let (width, height) = (size.next().unwrap_or("0"), size.next().unwrap_or("0"));
        let name = format!("{:02}-{}.svg", pictures.len() + 1, file_name(title));
        let picture = format!(
            "<svg {attributes} width='{width}' height='{height}'><style>{style}</style>\
             <rect width='100%' height='100%' fill='#ffffff'/>{content}</svg>\n"
        );
        pictures.push((name, picture));
    }
    pictures
}

/// The value of an attribute, which is in single quotes.
fn attribute<'a>(attributes: &'a str, name: &str) -> Option<&'a str> {
    let (_, from) = attributes.split_once(&format!("{name}='"))?;
    Some(from.split_once('\'')?.0)
}

/// A title as a file is called: small letters, digits and dashes.
fn file_name(title: &str) -> String {
    let words = title.split(|letter: char| !letter.is_ascii_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    words.join("-")
}

/// The rules of a page that are about what is inside of a picture, colours in place of their names.
fn style(page: &str) -> String {
    let sheet = page.split_once("<style>").map_or("", |(_, from)| from);
    let sheet = sheet.split_once("</style>").map_or("", |(sheet, _)| sheet);
    let colours = colours(sheet);
    let rules = sheet.split_inclusive('}').map(str::trim);
    let mut style: String = rules
        .filter(|rule| rule.starts_with("svg ") && !rule.starts_with("svg {"))
        .collect();
    for (name, colour) in colours {
        style = style.replace(&format!("var({name})"), colour);
    }
    style
}

/// The named colours of the light page, which come first.
fn colours(sheet: &str) -> BTreeMap<&str, &str> {
    let root = sheet.split_once(":root {").map_or("", |(_, from)| from);
    let root = root.split_once('}').map_or("", |(root, _)| root);
    let pairs = root.split(';').filter_map(|pair| pair.split_once(':'));
    pairs
        .map(|(name, colour)| (name.trim(), colour.trim()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<style>:root { --ink: #123456; --rule: #abcdef; }\n\
        @media (prefers-color-scheme: dark) { :root { --ink: #ffffff; } }\n\
        svg { width: 100%; }\nsvg.bars { max-width: 9px; }\nsvg .name { fill: var(--ink); }\n\
        th { color: var(--rule); }</style><figure>\
        <svg class='bars' viewBox='0 0 420 260' role='img' aria-label='What &lt;it&gt; is' \
        xmlns='http://www.w3.org/2000/svg'><text class='name'>x</text></svg></figure>\
        <svg class='bars' viewBox='0 0 1 2' aria-label='Loss'><g/></svg>";

    #[test]
    fn a_picture_stands_alone_with_its_rules_and_the_light_colours() {
        let pictures = of(PAGE);
        let (name, picture) = &pictures[0];
        assert_eq!(name, "01-what-lt-it-gt-is.svg");
        assert_eq!(
            picture,
            "<svg class='bars' viewBox='0 0 420 260' role='img' aria-label='What &lt;it&gt; is' \
             xmlns='http://www.w3.org/2000/svg' width='420' height='260'>\
             <style>svg .name { fill: #123456; }</style>\
             <rect width='100%' height='100%' fill='#ffffff'/><text class='name'>x</text></svg>\n"
        );
        assert_eq!(pictures[1].0, "02-loss.svg");
        assert_eq!(pictures.len(), 2);
    }
}
