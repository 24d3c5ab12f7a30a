//! Rows in aligned columns: widths grow with what comes, and what is too long for a terminal is cut.

use ratatui::crossterm::terminal;

use super::cells::plain;

/// The widest a column may be on a terminal, in characters, where not all columns fit.
const CUT: usize = 40;
/// Blanks between columns.
const GAP: usize = 2;

/// Columns and how wide they are.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    names: Vec<String>,
    /// Columns of numbers stand at the right.
    right: Vec<bool>,
    widths: Vec<usize>,
}

impl Grid {
    /// `columns` are names and types.
    pub(super) fn new<'a>(columns: impl Iterator<Item = (&'a str, &'a str)>) -> Grid {
        let (names, right): (Vec<String>, Vec<bool>) =
            columns.map(|(name, data_type)| (plain(name), is_number(data_type))).unzip();
        let widths = names.iter().map(|name| width(name)).collect();
        Grid { names, right, widths }
    }

    /// Takes in how wide the cells of a row are.
    pub(super) fn fit(&mut self, row: &[String]) {
        for (most, cell) in self.widths.iter_mut().zip(row) {
            *most = (*most).max(width(cell));
        }
    }

    /// Cuts columns so that a line fits on so many characters, where that is possible.
    pub(super) fn cut(&mut self, screen: usize) {
        let whole = |widths: &[usize]| widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        while whole(&self.widths) > screen {
            match self.widths.iter_mut().max() {
                Some(widest) if *widest > CUT.min(screen / 4).max(6) => *widest -= 1,
                _ => return,
            }
        }
    }

    /// The line of names.
    pub(super) fn header(&self) -> String {
        self.line(&self.names)
    }

    /// A line of cells.
    pub(super) fn line(&self, cells: &[String]) -> String {
        let mut line = String::new();
        for (at, (cell, most)) in cells.iter().zip(&self.widths).enumerate() {
            let cell = fitted(cell, *most);
            let blanks = " ".repeat(most - width(&cell).min(*most));
            let parts = if self.right[at] { [&blanks, cell.as_str()] } else { [cell.as_str(), &blanks] };
            line.extend(parts);
            line.push_str("  ");
        }
        line.trim_end().to_owned()
    }

    /// A line under the names.
    pub(super) fn rule(&self) -> String {
        self.widths.iter().map(|most| "─".repeat(*most)).collect::<Vec<_>>().join("  ")
    }
}

fn is_number(data_type: &str) -> bool {
    ["TINYINT", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL"].iter().any(|number| {
        data_type.strip_prefix(number).is_some_and(|rest| rest.is_empty() || rest.starts_with(['(', ' ']))
    })
}

/// Columns of a terminal that a text takes.
pub(super) fn width(text: &str) -> usize {
    ratatui::text::Span::raw(text).width()
}

/// A text on at most so many columns.
pub(super) fn fitted(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut = String::new();
    for c in text.chars() {
        if width(&cut) + width(c.encode_utf8(&mut [0; 4])) >= most {
            break;
        }
        cut.push(c);
    }
    cut.push('…');
    cut
}

/// A text in lines of at most so many columns, broken between words; a longer word stays whole.
pub(super) fn wrapped(text: &str, most: usize) -> String {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        if !line.is_empty() && width(&line) + 1 + width(word) > most {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines.join("\n")
}

/// Columns and rows of the terminal; 80 by 24 if it does not say.
pub(super) fn screen() -> (usize, usize) {
    match terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (usize::from(columns), usize::from(rows)),
        _ => (80, 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cut() {
        let mut grid = Grid::new([("user", "STRING"), ("n", "BIGINT")].into_iter());
        let rows = [["ann".to_owned(), "7".to_owned()], ["a long name of someone".to_owned(), "1234".to_owned()]];
        rows.iter().for_each(|row| grid.fit(row));
        assert_eq!(grid.header(), "user                       n");
        assert_eq!(grid.line(&rows[0]), "ann                        7");
        grid.cut(16);
        assert_eq!(grid.line(&rows[1]), "a long na…  1234");
    }

    #[test]
    fn texts_are_broken_between_words() {
        assert_eq!(wrapped("warning: a long word", 12), "warning: a\nlong word");
        assert_eq!(wrapped("incomprehensible it is", 6), "incomprehensible\nit is");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(fitted("日本語", 5), "日本…");
        assert_eq!(width("日本…"), 5);
    }
}
