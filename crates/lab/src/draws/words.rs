//! Text of drawn words: what mails, messages and documents are made of.

use super::Draws;

/// Longest line of [`Draws::lines`], in bytes; mail allows 998, people write 72.
const LINE: i64 = 72;

impl Draws {
    /// Text of about this many bytes (at least one letter, never more than asked for): letters
    /// and spaces on one line, safe inside quotes of a shell.
    pub(crate) fn words(&self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 8);
        while text.len() < bytes.max(1) {
            let letters = self.whole(1, 9);
            text.extend((0..letters).map(|_| char::from(b'a' + self.place(26) as u8)));
            text.push(' ');
        }
        text.truncate(bytes.max(1));
        // A space at an end is lost by many a program; a letter is not.
        if text.ends_with(' ') {
            text.pop();
            text.push('s');
        }
        text
    }

    /// The same in lines of at most 72 bytes.
    pub(crate) fn lines(&self, bytes: usize) -> String {
        let mut lines = Vec::new();
        let mut left = bytes.max(1);
        while left > 0 {
            let length = (self.whole(20, LINE) as usize).min(left);
            lines.push(self.words(length));
            // One byte is the end of the line.
            left = left.saturating_sub(length + 1);
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_length_asked_for_and_no_other_characters() {
        let draws = Draws::new(1, "test", 0);
        for bytes in [1, 2, 10, 333] {
            let text = draws.words(bytes);
            assert_eq!(text.len(), bytes);
            assert!(text.chars().all(|c| c.is_ascii_lowercase() || c == ' '));
            assert!(!text.ends_with(' '));
        }
        assert_eq!(draws.words(0).len(), 1);
    }

    #[test]
    fn lines_are_short_and_together_about_as_long_as_asked() {
        let text = Draws::new(1, "test", 0).lines(5000);
        assert!((4900..=5000).contains(&text.len()), "{}", text.len());
        assert!(text.lines().all(|line| (1..=72).contains(&line.len())));
    }
}
