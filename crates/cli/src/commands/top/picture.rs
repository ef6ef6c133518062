//! A picture of the screen as SVG, for the documentation: made by a test, of a sample.

use std::{env, fmt::Write, fs, path::Path, sync::atomic::AtomicBool};

use clap::Parser;
use ratatui::{
    Terminal,
    backend::TestBackend,
    buffer::{Buffer, Cell},
    crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers},
    style::{Color, Modifier},
};

use super::{Top, drawing::draw, screen::Screen};
use crate::{
    following::{Counts, DRIFT_SESSIONS, Following, Source},
    overview::Overview,
    showing::{every_second, extent},
};

/// Size of a cell, and the colours of a terminal that has none of its own.
const WIDTH: f64 = 8.4;
const HEIGHT: f64 = 18.0;
const INK: &str = "#d9dee2";
const PAPER: &str = "#171c21";

/// Cells that are filled from below, by eighths.
const BLOCKS: &str = "▁▂▃▄▅▆▇█";

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    top: Top,
}

/// The screen once all of that capture has been heard, by bytes.
fn screen_of(capture: &Path) -> Screen {
    let arguments = Arguments::parse_from([Path::new("top"), capture]);
    let classifier = arguments.top.following.classifier(None).unwrap();
    let source = Source::capture(capture).unwrap();
    let counts = Counts::of(&classifier, &source, DRIFT_SESSIONS);
    let name = capture.file_name().unwrap().to_string_lossy();
    let overview = Overview::new(&classifier, extent(&source));
    let mut screen = Screen::new(name.into_owned(), overview);
    let following = Following {
        classifier: &classifier,
        glimpses: &every_second(arguments.top.following.glimpses(&classifier)),
        counts: &counts,
        stop: &AtomicBool::new(false),
    };
    let listened = following.follow(source, |news| {
        for one in &news {
            screen.hear(&one);
        }
        Ok(())
    });
    listened.unwrap();
    screen.read(&counts);
    screen.end();
    let key = KeyCode::Char('s');
    screen.answer(&Event::Key(KeyEvent::new(key, KeyModifiers::NONE)));
    screen
}

/// The colour as pages write it: of the 256 that terminals have, those behind the first 16.
fn hexadecimal(colour: Color, none: &str) -> String {
    let Color::Indexed(index @ 16..) = colour else {
        return none.to_owned();
    };
    let [red, green, blue] = if index < 232 {
        const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        let index = usize::from(index) - 16;
        [index / 36, index / 6 % 6, index % 6].map(|level| LEVELS[level])
    } else {
        [8 + 10 * (index - 232); 3]
    };
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Ink and paper of a cell.
fn colours(cell: &Cell) -> (String, String) {
    let (ink, paper) = (hexadecimal(cell.fg, INK), hexadecimal(cell.bg, PAPER));
    if cell.modifier.contains(Modifier::REVERSED) {
        (paper, ink)
    } else {
        (ink, paper)
    }
}

/// A row: papers and blocks as rectangles, then text, each as long as its cells.
fn add_row(svg: &mut String, row: &[Cell], y: f64) {
    let alike = |one: &Cell, other: &Cell| {
        one.fg == other.fg
            && one.bg == other.bg
            && one.modifier == other.modifier
            && is_block(one) == is_block(other)
    };
    let mut x = 0.0;
    for cells in row.chunk_by(alike) {
        let width = WIDTH * cells.len() as f64;
        let (ink, paper) = colours(&cells[0]);
        let mut rectangle = |x: f64, y: f64, width: f64, height: f64, fill: &str| {
            let _ = writeln!(
                svg,
                r#"<rect x="{x:.1}" y="{y:.2}" width="{width:.1}" height="{height:.2}" fill="{fill}"/>"#
            );
        };
        if paper != PAPER {
            rectangle(x, y, width, HEIGHT, &paper);
        }
        let text: String = cells.iter().map(Cell::symbol).collect();
        if is_block(&cells[0]) {
            for (place, cell) in cells.iter().enumerate() {
                let block = BLOCKS
                    .chars()
                    .position(|block| cell.symbol().starts_with(block));
                let height = HEIGHT * (block.unwrap() + 1) as f64 / 8.0;
                let left = x + WIDTH * place as f64;
                rectangle(left, y + HEIGHT - height, WIDTH + 0.1, height, &ink);
            }
        } else if !text.trim().is_empty() {
            // Spaces that no browser folds.
            let text = text
                .replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace(' ', "\u{a0}");
            let is_dim = cells[0].modifier.contains(Modifier::DIM);
            let opacity = if is_dim { r#" opacity=".6""# } else { "" };
            let _ = writeln!(
                svg,
                r#"<text x="{x:.1}" y="{:.1}" textLength="{width:.1}" fill="{ink}"{opacity}>{text}</text>"#,
                y + HEIGHT * 0.75
            );
        }
        x += width;
    }
}

fn is_block(cell: &Cell) -> bool {
    cell.symbol().chars().any(|symbol| BLOCKS.contains(symbol))
}

/// The picture.
fn svg(buffer: &Buffer) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (WIDTH * f64::from(columns), HEIGHT * f64::from(rows));
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"-8 -8 {:.1} {:.1}\" \
         font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" font-size=\"14\">\n\
         <rect x=\"-8\" y=\"-8\" width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n",
        width + 16.0,
        height + 16.0
    );
    for (number, row) in buffer.content.chunks(usize::from(columns)).enumerate() {
        add_row(&mut svg, row, HEIGHT * number as f64);
    }
    svg.push_str("</svg>\n");
    svg
}

/// Kept in the folder that `UNDERTONE_SCREENSHOTS` names.
#[test]
fn a_picture_is_made_of_a_sample() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut screen = screen_of(&samples.join("sample.pcap"));
    let mut terminal = Terminal::new(TestBackend::new(112, 34)).unwrap();
    terminal.draw(|frame| draw(frame, &mut screen)).unwrap();
    let picture = svg(terminal.backend().buffer());
    let words = picture.replace('\u{a0}', " ");
    // The counts are those that `inspect` and the guide have of the sample.
    for text in [
        "3,254 frames",
        "42 told",
        "Sessions by bytes",
        "read to its end",
    ] {
        assert!(words.contains(text), "{text}: {words}");
    }
    assert!(picture.len() < 150_000, "{} bytes", picture.len());
    if let Some(folder) = env::var_os("UNDERTONE_SCREENSHOTS") {
        fs::write(Path::new(&folder).join("top.svg"), picture).unwrap();
    }
}
