//! The chart: bytes by group over time, one stacked bar after another, to an eighth of a row.

use ratatui::{buffer::Buffer, layout::Rect, style::Color, widgets::Widget};

use crate::overview::Extent;

/// A cell that is filled from below by so many eighths.
const EIGHTHS: [&str; 9] = [" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Stacked bars that fit into so many columns.
pub(super) struct Chart {
    /// Bytes, `[bars]` of `[groups]`.
    bars: Vec<Vec<u64>>,
    /// How many columns a bar is wide.
    columns: usize,
    /// How many stretches of time a bar has.
    pub(super) stretches: usize,
    /// `[groups]`.
    colours: Vec<Color>,
}

impl Chart {
    /// All stretches of a whole capture, several to a bar if need be, or the last of a longer time.
    pub(super) fn fit(
        stretches: &[&[u64]],
        extent: Extent,
        colours: Vec<Color>,
        width: usize,
    ) -> Self {
        let width = width.max(1);
        let (shown, together) = match extent {
            Extent::Whole => (stretches, stretches.len().div_ceil(width).max(1)),
            Extent::Last => (&stretches[stretches.len().saturating_sub(width)..], 1),
        };
        let bars: Vec<_> = shown
            .chunks(together)
            .map(|stretches| sum(stretches, colours.len()))
            .collect();
        let columns = match extent {
            Extent::Whole => (width / bars.len().max(1)).max(1),
            Extent::Last => 1,
        };
        Self {
            bars,
            columns,
            stretches: together,
            colours,
        }
    }

    /// Bytes of the highest bar.
    pub(super) fn highest(&self) -> u64 {
        let heights = self.bars.iter().map(|bar| bar.iter().sum());
        heights.max().unwrap_or(0)
    }

    /// Draws a bar into one column.
    fn column(&self, bar: &[u64], x: u16, area: Rect, buffer: &mut Buffer) {
        let tops = tops(bar, self.highest(), u64::from(area.height) * 8);
        for row in 0..area.height {
            let floor = u64::from(row) * 8;
            let Some((group, filled)) = lowest(&tops, floor) else {
                return;
            };
            let cell = &mut buffer[(x, area.bottom() - 1 - row)];
            cell.set_symbol(EIGHTHS[filled as usize]);
            cell.set_fg(self.colours[group]);
            if let Some((above, _)) = lowest(&tops, floor + filled)
                && filled < 8
            {
                cell.set_bg(self.colours[above]);
            }
        }
    }
}

impl Widget for &Chart {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let width = self.bars.len() * self.columns;
        let right = area.right() as usize;
        let left = right.saturating_sub(width).max(area.left() as usize);
        for (place, x) in (left..right).enumerate() {
            if let Some(bar) = self.bars.get(place / self.columns) {
                self.column(bar, x as u16, area, buffer);
            }
        }
    }
}

/// What there is of each group in these stretches, `[groups]`.
fn sum(stretches: &[&[u64]], groups: usize) -> Vec<u64> {
    let mut sum = vec![0; groups];
    for stretch in stretches {
        for (sum, bytes) in sum.iter_mut().zip(*stretch) {
            *sum += bytes;
        }
    }
    sum
}

/// Where each group of a bar ends, in eighths of a row from below; what there is shows.
fn tops(bar: &[u64], highest: u64, eighths: u64) -> Vec<u64> {
    let scaled = |bytes: u64| {
        let scaled = u128::from(bytes) * u128::from(eighths) / u128::from(highest.max(1));
        scaled as u64
    };
    let mut below = 0;
    let tops = bar.iter().map(|bytes| {
        below += bytes;
        scaled(below)
    });
    let mut tops: Vec<u64> = tops.collect();
    if below > 0
        && tops.last() == Some(&0)
        && let Some(largest) = (0..bar.len()).max_by_key(|&group| bar[group])
    {
        tops[largest..].fill(1);
    }
    tops
}

/// The group at that height, and how many eighths of the cell above it are of that group.
fn lowest(tops: &[u64], height: u64) -> Option<(usize, u64)> {
    let group = tops.iter().position(|&top| top > height)?;
    Some((group, (tops[group] - height).min(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLOURS: [Color; 2] = [Color::Blue, Color::Red];

    /// The symbols of a chart of that size, row by row.
    fn drawn(stretches: &[&[u64]], extent: Extent, width: u16, height: u16) -> Vec<String> {
        let chart = Chart::fit(stretches, extent, COLOURS.to_vec(), width.into());
        let area = Rect::new(0, 0, width, height);
        let mut buffer = Buffer::empty(area);
        (&chart).render(area, &mut buffer);
        let row = |y| (0..width).map(move |x| (x, y));
        (0..height)
            .map(|y| row(y).map(|place| buffer[place].symbol()).collect())
            .collect()
    }

    #[test]
    fn the_highest_bar_fills_the_chart_and_others_are_in_proportion() {
        let bars: [&[u64]; 3] = [&[16], &[8], &[1]];
        assert_eq!(drawn(&bars, Extent::Last, 3, 2), ["█  ", "██▁"]);
    }

    #[test]
    fn groups_are_stacked_and_share_a_cell() {
        let stretches: [&[u64]; 1] = [&[4, 12]];
        let chart = Chart::fit(&stretches, Extent::Last, COLOURS.to_vec(), 1);
        let area = Rect::new(0, 0, 1, 2);
        let mut buffer = Buffer::empty(area);
        (&chart).render(area, &mut buffer);
        let shared = &buffer[(0, 1)];
        assert_eq!(shared.symbol(), "▄");
        assert_eq!((shared.fg, shared.bg), (Color::Blue, Color::Red));
        assert_eq!(buffer[(0, 0)].fg, Color::Red);
    }

    #[test]
    fn what_is_there_shows_however_little_it_is() {
        let bars: [&[u64]; 2] = [&[1_000_000], &[0, 1]];
        assert_eq!(drawn(&bars, Extent::Last, 2, 1), ["█▁"]);
    }

    #[test]
    fn a_whole_capture_fits_and_a_live_one_shows_its_end() {
        let bars: [&[u64]; 4] = [&[8], &[0], &[0], &[4]];
        assert_eq!(drawn(&bars, Extent::Whole, 2, 1), ["█▄"]);
        assert_eq!(drawn(&bars, Extent::Whole, 8, 1), ["██    ▄▄"]);
        assert_eq!(drawn(&bars, Extent::Last, 2, 1), [" █"]);
        assert_eq!(drawn(&bars, Extent::Last, 6, 1), ["  █  ▄"]);
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(drawn(&[], Extent::Whole, 2, 1), ["  "]);
    }
}
