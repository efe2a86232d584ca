//! From bytes to lines and columns.

/// The lines of a text.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// The byte at which each line begins; never empty.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { text, starts: std::iter::once(0).chain(after).collect() }
    }

    /// Line and column of a byte, both counted from 1, the column in characters.
    pub(super) fn at(&self, byte: usize) -> (usize, usize) {
        let line = self.line(byte);
        let before = self.text.as_bytes().get(self.start(line)..byte).unwrap_or_default();
        // Bytes that only continue a character are not counted.
        let characters = before.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        (line + 1, characters + 1)
    }

    /// The line of `byte`, as it stands in the text.
    pub(super) fn text_at(&self, byte: usize) -> &'a str {
        let line = self.line(byte);
        self.text.get(self.start(line)..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// The number of the line of `byte`, counted from 0.
    pub(super) fn line(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte).saturating_sub(1)
    }

    fn start(&self, line: usize) -> usize {
        self.starts.get(line).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_counted_from_1_and_in_characters() {
        let lines = Lines::of("a\nüb\n");
        assert_eq!(lines.at(0), (1, 1));
        assert_eq!(lines.at(2), (2, 1));
        assert_eq!(lines.at(4), (2, 2));
        assert_eq!(lines.at(6), (3, 1));
        assert_eq!(lines.at(999), (3, 1));
        assert_eq!(lines.text_at(4), "üb");
        assert_eq!(lines.text_at(6), "");
        assert_eq!(Lines::of("").at(0), (1, 1));
    }
}
