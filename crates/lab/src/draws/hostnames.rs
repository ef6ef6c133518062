//! Host names of one generator for every class, so that a name never tells the class.

use super::Draws;

const SYLLABLES: [&str; 24] = [
    "ba", "be", "bi", "co", "da", "de", "du", "fa", "ga", "go", "ka", "la", "lo", "ma", "mi", "na",
    "po", "ra", "re", "sa", "te", "ti", "vo", "za",
];

/// Under them nobody has a host whose name could matter: the laboratory resolves all itself.
const ENDINGS: [&str; 9] = [
    "com", "net", "org", "io", "de", "co.uk", "fr", "example", "dev",
];

impl Draws {
    /// A name that looks like one of the Internet's, such as `cdn.lavote-7.net`.
    pub(crate) fn hostname(&self) -> String {
        let front = match self.whole(0, 8) {
            0..=1 => String::new(),
            2 => "www.".to_owned(),
            3 => "cdn.".to_owned(),
            4 => "mail.".to_owned(),
            5 => format!("srv{}.", self.whole(0, 39)),
            6 => format!("eu{}.", self.whole(0, 8)),
            7 => "app.".to_owned(),
            _ => format!("node-{}.", self.whole(0, 299)),
        };
        let syllables = self.whole(2, 5) as usize;
        let stem = self.syllables(syllables);
        let back = match self.whole(0, 3) {
            0 => format!("-{}", self.pick(&SYLLABLES)),
            1 => self.whole(0, 98).to_string(),
            _ => String::new(),
        };
        format!("{front}{stem}{back}.{}", self.pick(&ENDINGS))
    }

    /// Letters that can be spoken, such as `lavote`: nicknames, users, names of files.
    pub(crate) fn syllables(&self, count: usize) -> String {
        (0..count).map(|_| *self.pick(&SYLLABLES)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_valid_and_rarely_the_same() {
        let draws = Draws::new(1, "test", 0);
        let mut names: Vec<String> = (0..500).map(|_| draws.hostname()).collect();
        for name in &names {
            assert!(name.len() <= 63 && name.contains('.'), "{name}");
            assert!(
                name.split('.').all(|label| !label.is_empty()
                    && !label.starts_with('-')
                    && !label.ends_with('-')
                    && label
                        .chars()
                        .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')),
                "{name}"
            );
        }
        names.sort();
        names.dedup();
        assert!(names.len() > 480, "{} of 500 differ", names.len());
    }
}
