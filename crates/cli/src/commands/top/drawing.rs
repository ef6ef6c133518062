//! Drawing: a picture of the screen as it is now.

use ratatui::{
    Frame,
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Borders, Clear, Padding, Paragraph},
};

use super::{
    chart::Chart,
    screen::{Counted, Screen},
    table::{colour, groups, sessions},
};
use crate::{
    numbers::{count, counted, percent, seconds, size},
    overview::{Order, Overview},
};

/// Widths from which on the classes stand beside the chart.
const WIDE: u16 = 76;

/// How wide the classes are.
const CLASSES_WIDTH: u16 = 46;

/// The keys, as the help has them.
const HELP: [(&str, &str); 8] = [
    ("q, Esc, Ctrl-C", "quit"),
    ("s, S, left, right", "sort by another column"),
    ("c, C", "only the next class, or the one before"),
    ("a", "sessions of all classes"),
    ("up, down, PgUp, PgDn", "go through the sessions"),
    ("Home, g", "back to the first session"),
    ("p, Space", "pause the picture; nothing is missed"),
    ("?, h", "this help"),
];

/// Draws everything.
pub(super) fn draw(frame: &mut Frame<'_>, screen: &mut Screen) {
    let rows = [
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Percentage(40),
        Constraint::Min(3),
        Constraint::Length(1),
    ];
    let [title, totals, middle, table, keys] = Layout::vertical(rows).areas(frame.area());
    draw_title(frame, title, screen);
    let (overview, counts) = screen.shown();
    frame.render_widget(Paragraph::new(totals_of(overview, counts)), totals);
    draw_middle(frame, middle, overview);
    draw_sessions(frame, table, screen);
    let hint = " q quit   s sort   c class   ↑↓ scroll   p pause   ? help";
    frame.render_widget(Paragraph::new(hint).style(Modifier::DIM), keys);
    if screen.is_help_open {
        draw_help(frame);
    }
}

fn draw_title(frame: &mut Frame<'_>, area: Rect, screen: &Screen) {
    let state = if screen.is_paused() {
        "paused"
    } else if !screen.has_ended {
        "following"
    } else if screen.has_failed() {
        "broken"
    } else {
        "read to its end"
    };
    let time = screen.shown().0.latest();
    let time = time.map(|time| time.to_string()).unwrap_or_default();
    let bar = Style::new().add_modifier(Modifier::REVERSED);
    let left = Line::from(format!(" undertone  {}  [{state}]", screen.name));
    frame.render_widget(Paragraph::new(left).style(bar), area);
    let room = Rect {
        width: area.width.saturating_sub(1),
        ..area
    };
    // Where both do not fit, the name matters more.
    if usize::from(area.width) > screen.name.len() + state.len() + time.len() + 18 {
        let right = Paragraph::new(time).alignment(Alignment::Right);
        frame.render_widget(right.style(bar), room);
    }
}

/// Two lines: what was read, and what was said.
fn totals_of(overview: &Overview, counts: &Counted) -> Vec<Line<'static>> {
    let reading = &counts.reading;
    let tally = &reading.tally;
    let lost = reading
        .losses
        .map_or(0, |losses| losses.by_kernel + losses.by_interface);
    let read = format!(
        " {}, {} skipped, {} lost",
        counted(tally.frames, "frame"),
        count(tally.skipped()),
        count(lost),
    );
    let unknown = overview.unknown().map_or_else(|| "-".to_owned(), percent);
    let mut said = vec![format!(
        " {} open, {} told, {unknown} unknown",
        counted(reading.open_sessions as u64, "session"),
        count(overview.told()),
    )];
    if counts.unjudged > 0 {
        let unjudged = count(counts.unjudged);
        said.push(format!("{unjudged} without a verdict for want of time"));
    }
    if counts.unasked > 0 {
        let unasked = counted(counts.unasked, "early verdict");
        said.push(format!("{unasked} left out"));
    }
    let drift = counts.drift.as_ref();
    let drift = drift.map(|drift| format!("unlike the validation samples in {drift}"));
    let rest = [reading.failure.clone(), drift].into_iter().flatten();
    let read = rest.fold(read, |read, more| format!("{read}; {more}"));
    vec![Line::from(read), Line::from(said.join(", "))]
}

fn draw_middle(frame: &mut Frame<'_>, area: Rect, overview: &Overview) {
    let (chart, classes) = if area.width >= WIDE {
        let columns = [Constraint::Fill(1), Constraint::Length(CLASSES_WIDTH)];
        let [chart, classes] = Layout::horizontal(columns).areas(area);
        (chart, Some(classes))
    } else {
        (area, None)
    };
    draw_chart(frame, chart, overview);
    if let Some(area) = classes {
        let block = block(" Classes ".to_owned());
        let inner = block.inner(area);
        frame.render_widget(block, area);
        let rows = usize::from(inner.height.saturating_sub(1));
        frame.render_widget(groups(overview, rows), inner);
    }
}

fn block(title: String) -> Block<'static> {
    Block::new()
        .borders(Borders::TOP)
        .border_style(Modifier::DIM)
        .title(Span::raw(title))
        .padding(Padding::horizontal(1))
}

fn draw_chart(frame: &mut Frame<'_>, area: Rect, overview: &Overview) {
    let bars = overview.bars();
    let colours = (0..overview.groups().len()).map(|group| colour(overview.groups(), group));
    let inner = block(String::new()).inner(area);
    let chart = Chart::fit(
        &bars.bytes,
        bars.extent,
        colours.collect(),
        inner.width.into(),
    );
    let duration = bars.width_nanoseconds as f64 / 1e9 * chart.stretches as f64;
    let title = if bars.bytes.is_empty() {
        " Traffic by class ".to_owned()
    } else {
        let highest = (chart.highest() as f64 / duration) as u64;
        format!(
            " Traffic by class, {} a bar, up to {}/s ",
            span(duration),
            size(highest)
        )
    };
    frame.render_widget(block(title), area);
    frame.render_widget(&chart, inner);
}

/// What a bar lasts: to the last digit if it is short.
fn span(duration: f64) -> String {
    if duration < 10.0 {
        format!("{duration} s")
    } else {
        seconds(duration)
    }
}

fn draw_sessions(frame: &mut Frame<'_>, area: Rect, screen: &mut Screen) {
    let (order, name) = Order::ALL[screen.order];
    let of = screen.group.map(|group| {
        let class = screen.shown().0.groups().name(group);
        format!(" of {class}")
    });
    let of = of.unwrap_or_default();
    let block = block(format!(" Sessions{of} by {name} "));
    let inner = block.inner(area);
    let rows = usize::from(inner.height.saturating_sub(1));
    let all = screen.shown().0.kept(screen.group);
    screen.offset = screen.offset.min(all.saturating_sub(rows));
    let overview = screen.shown().0;
    let lines = overview.lines(order, screen.group, screen.offset + rows);
    let table = sessions(
        &lines[screen.offset.min(lines.len())..],
        overview.groups(),
        inner.width,
    );
    frame.render_widget(block, area);
    frame.render_widget(table, inner);
}

fn draw_help(frame: &mut Frame<'_>) {
    let lines: Vec<Line<'_>> = HELP
        .iter()
        .map(|(keys, what)| Line::from(format!("{keys:<22}{what}")))
        .chain([
            Line::default(),
            Line::from("● is a session that is open; sure is the confidence."),
            Line::from("unknown: the model is not sure enough."),
            Line::from("(background): told by its ports, not by the model."),
        ])
        .collect();
    let width = 64.min(frame.area().width);
    let height = (lines.len() as u16 + 2).min(frame.area().height);
    let [area] = Layout::horizontal([Constraint::Length(width)])
        .flex(ratatui::layout::Flex::Center)
        .areas(frame.area());
    let [area] = Layout::vertical([Constraint::Length(height)])
        .flex(ratatui::layout::Flex::Center)
        .areas(area);
    let block = Block::bordered()
        .title(" Keys ")
        .padding(Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

#[cfg(test)]
mod tests {
    use ratatui::{Terminal, backend::TestBackend};
    use traffic::tally::Tally;

    use super::*;
    use crate::{
        following::{
            Reading,
            example::{counts, drifting},
        },
        overview::example,
    };

    /// What a terminal of that size shows, without the quotes around each row.
    fn drawn(screen: &mut Screen, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, screen)).unwrap();
        let shown = terminal.backend().to_string();
        let rows = shown.lines().map(|row| row.trim_matches('"').trim_end());
        rows.collect::<Vec<_>>().join("\n")
    }

    fn screen() -> Screen {
        let mut screen = Screen::new("capture.pcap".to_owned(), example::overview());
        let counts = counts();
        counts.publish(Reading {
            tally: Tally {
                frames: 3_254,
                ..Tally::default()
            },
            open_sessions: 1,
            ..Reading::default()
        });
        counts.leave_out_ended();
        screen.read(&counts);
        screen
    }

    #[test]
    fn a_wide_terminal_shows_chart_classes_and_sessions() {
        let shown = drawn(&mut screen(), 110, 24);
        for text in [
            "undertone  capture.pcap  [following]",
            "3,254 frames, 0 skipped, 0 lost",
            "1 session open, 4 told",
            "1 without a verdict for want of time",
            " Classes ",
            "Sessions by latest",
            "VPN-Chat",
            "lasted",
        ] {
            assert!(shown.contains(text), "{text}:\n{shown}");
        }
    }

    #[test]
    fn a_narrow_terminal_leaves_columns_out() {
        let shown = drawn(&mut screen(), 70, 16);
        assert!(shown.contains("Sessions by latest"), "{shown}");
        assert!(
            !shown.contains(" Classes ") && !shown.contains("lasted"),
            "{shown}"
        );
    }

    #[test]
    fn the_help_names_every_key() {
        let mut screen = screen();
        screen.is_help_open = true;
        let help = drawn(&mut screen, 80, 24);
        for (keys, what) in HELP {
            assert!(help.contains(keys) && help.contains(what), "{help}");
        }
    }

    #[test]
    fn a_source_that_broke_says_why() {
        let mut screen = screen();
        let counts = counts();
        counts.publish(Reading {
            failure: Some("record 7 is too long".to_owned()),
            ..Reading::default()
        });
        screen.read(&counts);
        screen.end();
        let shown = drawn(&mut screen, 80, 24);
        assert!(shown.contains("[broken]"), "{shown}");
        assert!(shown.contains("record 7 is too long"), "{shown}");
    }

    #[test]
    fn traffic_that_the_model_was_not_validated_on_is_told() {
        let mut screen = screen();
        assert!(!drawn(&mut screen, 80, 24).contains("validation"));
        screen.read(&drifting());
        let shown = drawn(&mut screen, 80, 24);
        assert!(
            shown.contains("unlike the validation samples in packets 6."),
            "{shown}"
        );
    }

    #[test]
    fn no_terminal_is_too_small() {
        for (width, height) in [(1, 1), (3, 2), (20, 5), (80, 3), (300, 90)] {
            let mut screen = screen();
            screen.is_help_open = true;
            drawn(&mut screen, width, height);
        }
    }
}
