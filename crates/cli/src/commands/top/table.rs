//! The tables of the screen: how much there is of each group, and the sessions.

use learn::classifier::Verdict;
use ratatui::{
    layout::{Alignment, Constraint},
    style::{Color, Modifier, Style},
    text::{Line as Text, Span},
    widgets::{Cell, Row, Table},
};
use traffic::session::SessionEnd;

use crate::{
    numbers::{count, percent, seconds, share, size},
    overview::{Groups, Line, Overview, Shade},
};

/// Colours by activity, in the open and inside of a tunnel: of the 256 that terminals have.
const COLOURS: [(u8, u8); 10] = [
    (33, 117),
    (208, 222),
    (35, 120),
    (161, 217),
    (135, 183),
    (178, 229),
    (37, 123),
    (130, 180),
    (205, 218),
    (100, 144),
];

/// The colours of what no model names, and of what none was asked about.
const GREY: u8 = 250;
const FAINT: u8 = 242;

/// The colour of a group.
pub(super) fn colour(groups: &Groups, group: usize) -> Color {
    Color::Indexed(match groups.shade(group) {
        Shade::Full(number) => COLOURS[number % COLOURS.len()].0,
        Shade::Pale(number) => COLOURS[number % COLOURS.len()].1,
        Shade::Grey => GREY,
        Shade::Faint => FAINT,
    })
}

/// How tables are headed.
fn heading() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

fn right(text: impl Into<String>) -> Cell<'static> {
    Cell::new(Text::from(text.into()).alignment(Alignment::Right))
}

/// Groups by bytes, as many as there are rows for.
pub(super) fn groups(overview: &Overview, rows: usize) -> Table<'static> {
    let sums = overview.sums();
    let all: u64 = sums.iter().map(|sum| sum.bytes).sum();
    let mut present = overview.present();
    present.sort_by_key(|&group| std::cmp::Reverse(sums[group].bytes));
    let row = |group: usize| {
        let sum = sums[group];
        let name = overview.groups().name(group).to_owned();
        Row::new([
            Cell::new(Text::from(vec![
                Span::styled("■ ", colour(overview.groups(), group)),
                Span::raw(name),
            ])),
            right(count(sum.sessions)),
            right(share(sum.bytes, all)),
            right(size(sum.bytes)),
        ])
    };
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(8),
    ];
    let titles = Row::new([
        Cell::new("  class"),
        right("sessions"),
        right("share"),
        right("bytes"),
    ]);
    Table::new(present.into_iter().take(rows).map(row), widths).header(titles.style(heading()))
}

/// Widths from which on columns are shown.
const ROOMY: u16 = 100;

/// Sessions, a row each.
pub(super) fn sessions(lines: &[&Line], groups: &Groups, width: u16) -> Table<'static> {
    let is_roomy = width >= ROOMY;
    let class_width = (0..groups.len())
        .map(|group| groups.name(group).chars().count() as u16)
        .max()
        .unwrap_or(0);
    let mut columns = vec![
        ("", Constraint::Length(1)),
        ("client", Constraint::Fill(1)),
        ("server", Constraint::Fill(1)),
        ("class", Constraint::Length(class_width.max(13))),
        ("sure", Constraint::Length(8)),
        ("packets", Constraint::Length(7)),
        ("bytes", Constraint::Length(8)),
    ];
    if is_roomy {
        columns.insert(1, ("", Constraint::Length(4)));
        columns.push(("lasted", Constraint::Length(12)));
    }
    let titles = columns.iter().map(|&(title, _)| match title {
        "sure" | "packets" | "bytes" | "lasted" => right(title),
        _ => Cell::new(title),
    });
    let titles = Row::new(titles).style(heading());
    let rows = lines.iter().map(|line| {
        let mut cells = cells(line, groups);
        if is_roomy {
            cells.insert(1, Cell::new(line.protocol.name()));
            let lasted = line.end.nanoseconds_since(line.start);
            cells.push(right(seconds(lasted as f64 / 1e9)));
        }
        Row::new(cells)
    });
    let widths: Vec<Constraint> = columns.iter().map(|&(_, width)| width).collect();
    Table::new(rows, widths).header(titles)
}

fn cells(line: &Line, groups: &Groups) -> Vec<Cell<'static>> {
    let (name, style) = match (line.verdict, line.group) {
        (Some(Verdict::Background(kind)), _) => (format!("({kind})"), heading()),
        (_, Some(group)) => (
            groups.name(group).to_owned(),
            Style::new().fg(colour(groups, group)),
        ),
        (_, None) => ("…".to_owned(), heading()),
    };
    let state = if line.end_reason == SessionEnd::Open {
        "●"
    } else {
        " "
    };
    let sure = line.confidence().map(percent);
    vec![
        Cell::new(state),
        Cell::new(line.client.to_string()),
        Cell::new(line.server.to_string()),
        Cell::new(Span::styled(name, style)),
        right(sure.unwrap_or_else(|| "-".to_owned())),
        right(count(line.packets)),
        right(size(line.bytes)),
    ]
}
