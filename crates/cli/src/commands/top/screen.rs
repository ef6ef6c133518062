//! The screen: what is shown, and what keys change about it.

use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::{
    following::{Counts, News, Reading},
    overview::{Order, Overview},
};

/// What somebody wants after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// To go on.
    Stay,
    /// To leave.
    Quit,
}

/// Which way to go through the groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Forward,
    Backward,
}

/// What was counted until some moment ago.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted {
    pub(super) reading: Reading,
    pub(super) unasked: u64,
    pub(super) unjudged: u64,
    /// In what the latest sessions are unlike those that the model was validated on.
    pub(super) drift: Option<String>,
}

/// Everything that decides a picture.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) name: String,
    /// Whether all verdicts have been heard.
    pub(super) has_ended: bool,
    /// Which of [`Order::ALL`] the sessions are in.
    pub(super) order: usize,
    /// The only group whose sessions are shown, if not all are.
    pub(super) group: Option<usize>,
    /// How many sessions are above the first that is shown.
    pub(super) offset: usize,
    pub(super) is_help_open: bool,
    overview: Overview,
    counted: Counted,
    /// What stands still while the rest goes on.
    frozen: Option<Box<(Overview, Counted)>>,
}

impl Screen {
    /// The screen of a source of that name.
    pub(super) fn new(name: String, overview: Overview) -> Self {
        let name = if name == "-" {
            "standard input".to_owned()
        } else {
            name
        };
        Self {
            name,
            has_ended: false,
            order: 0,
            group: None,
            offset: 0,
            is_help_open: false,
            overview,
            counted: Counted::default(),
            frozen: None,
        }
    }

    /// Takes in what is heard of a session.
    pub(super) fn hear(&mut self, news: &News) {
        self.overview.hear(news);
    }

    /// Takes over what was counted.
    pub(super) fn read(&mut self, counts: &Counts) {
        self.counted = Counted {
            reading: counts.reading().clone(),
            unasked: counts.unasked(),
            unjudged: counts.unjudged(),
            drift: counts.verdicts().drift(),
        };
    }

    /// No more is to come.
    pub(super) fn end(&mut self) {
        self.has_ended = true;
    }

    /// Whether the source broke.
    pub(super) fn has_failed(&self) -> bool {
        self.counted.reading.failure.is_some()
    }

    /// Whether it stands still.
    pub(super) fn is_paused(&self) -> bool {
        self.frozen.is_some()
    }

    /// What to draw.
    pub(super) fn shown(&self) -> (&Overview, &Counted) {
        match &self.frozen {
            Some(frozen) => (&frozen.0, &frozen.1),
            None => (&self.overview, &self.counted),
        }
    }

    /// Does what a key stands for.
    pub(super) fn answer(&mut self, event: &Event) -> Reply {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.press(*key),
            _ => Reply::Stay,
        }
    }

    fn press(&mut self, key: KeyEvent) -> Reply {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => return Reply::Quit,
            KeyCode::Char('q' | 'Q') => return Reply::Quit,
            KeyCode::Esc if !self.is_help_open => return Reply::Quit,
            // Any other key closes the help.
            _ if self.is_help_open => self.is_help_open = false,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.is_help_open = true,
            KeyCode::Char('s') | KeyCode::Right => self.sort(1),
            KeyCode::Char('S') | KeyCode::Left => self.sort(Order::ALL.len() - 1),
            KeyCode::Char('c') => self.next_group(Step::Forward),
            KeyCode::Char('C') => self.next_group(Step::Backward),
            KeyCode::Char('a') => self.show_group(None),
            KeyCode::Char('p' | ' ') => self.pause(),
            KeyCode::Down | KeyCode::Char('j') => self.offset = self.offset.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.offset = self.offset.saturating_sub(1),
            KeyCode::PageDown => self.offset = self.offset.saturating_add(10),
            KeyCode::PageUp => self.offset = self.offset.saturating_sub(10),
            KeyCode::Home | KeyCode::Char('g') => self.offset = 0,
            _ => {}
        }
        Reply::Stay
    }

    fn sort(&mut self, steps: usize) {
        self.order = (self.order + steps) % Order::ALL.len();
        self.offset = 0;
    }

    /// From all sessions to those of the first group that there are any of, to the next, to all.
    fn next_group(&mut self, step: Step) {
        let present = self.shown().0.present();
        let mut stations: Vec<Option<usize>> = present.into_iter().map(Some).collect();
        stations.insert(0, None);
        let place = stations.iter().position(|&station| station == self.group);
        let steps = match step {
            Step::Forward => 1,
            Step::Backward => stations.len() - 1,
        };
        let place = place.map_or(0, |place| (place + steps) % stations.len());
        self.show_group(stations[place]);
    }

    fn show_group(&mut self, group: Option<usize>) {
        self.group = group;
        self.offset = 0;
    }

    fn pause(&mut self) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new((self.overview.clone(), self.counted.clone()))),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        following,
        overview::{Extent, example},
    };

    fn screen() -> Screen {
        let overview = Overview::of_classes(&["Chat".to_owned()], Extent::Whole);
        Screen::new("capture.pcap".to_owned(), overview)
    }

    fn press(screen: &mut Screen, code: KeyCode) -> Reply {
        screen.answer(&Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    #[test]
    fn q_escape_and_control_c_quit() {
        for code in [KeyCode::Char('q'), KeyCode::Esc] {
            assert_eq!(press(&mut screen(), code), Reply::Quit);
        }
        let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(screen().answer(&Event::Key(control_c)), Reply::Quit);
        assert_eq!(press(&mut screen(), KeyCode::Char('c')), Reply::Stay);
    }

    #[test]
    fn a_key_closes_the_help_and_does_nothing_else() {
        let mut screen = screen();
        press(&mut screen, KeyCode::Char('?'));
        assert!(screen.is_help_open);
        assert_eq!(press(&mut screen, KeyCode::Esc), Reply::Stay);
        assert!(!screen.is_help_open);
    }

    #[test]
    fn sorting_goes_round_and_back_to_the_first_session() {
        let mut screen = screen();
        press(&mut screen, KeyCode::Down);
        assert_eq!(screen.offset, 1);
        for _ in Order::ALL {
            press(&mut screen, KeyCode::Char('s'));
        }
        assert_eq!((screen.order, screen.offset), (0, 0));
        press(&mut screen, KeyCode::Left);
        assert_eq!(screen.order, Order::ALL.len() - 1);
    }

    #[test]
    fn c_goes_through_the_classes_that_there_are_and_back_to_all() {
        let mut screen = Screen::new("capture.pcap".to_owned(), example::overview());
        let present = screen.shown().0.present();
        let mut expected: Vec<Option<usize>> = present.into_iter().map(Some).collect();
        expected.push(None);
        for group in &expected {
            press(&mut screen, KeyCode::Char('c'));
            assert_eq!(screen.group, *group);
        }
        press(&mut screen, KeyCode::Char('C'));
        assert_eq!(screen.group, expected[expected.len() - 2]);
        press(&mut screen, KeyCode::Char('a'));
        assert_eq!(screen.group, None);
    }

    #[test]
    fn a_pause_stops_what_is_shown_and_not_what_is_heard() {
        let mut screen = screen();
        press(&mut screen, KeyCode::Char('p'));
        let counts = following::example::counts();
        counts.publish(Reading {
            open_sessions: 7,
            ..Reading::default()
        });
        screen.read(&counts);
        assert_eq!(screen.shown().1.reading.open_sessions, 0);
        press(&mut screen, KeyCode::Char('p'));
        assert_eq!(screen.shown().1.reading.open_sessions, 7);
    }
}
