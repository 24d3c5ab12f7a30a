//! A result that changes, on a terminal: the rows as they are now, drawn over what was there.

use std::collections::BTreeMap;

use super::grid::{self, Grid};
use super::highlight::dim;
use super::sink::{Wrote, put};
use crate::cli::output::friendly_count;
use crate::http::SqlHead;

/// Most rows that are remembered; of more, those that changed last.
const MOST_ROWS: usize = 10_000;
/// Lines beside the rows: names, rule, what is left out, how far the query is.
const BESIDE: usize = 5;

/// A row, and rows that are equal to it.
struct Shown {
    /// The change that it came with.
    change: u64,
    row: Vec<String>,
    /// How many there are: with a key, one.
    times: usize,
}

/// The rows by key.
pub(super) struct Live {
    grid: Grid,
    /// The positions of the key's columns; all columns where there is no key.
    key: Vec<usize>,
    rows: BTreeMap<Vec<String>, Shown>,
    /// How many more there are that are not remembered; about, once some of these have changed.
    forgotten: usize,
    /// Counts changes.
    changes: u64,
    /// Lines on the screen.
    drawn: usize,
    stale: bool,
    status: String,
}

impl Live {
    pub(super) fn new(grid: Grid, head: &SqlHead) -> Live {
        let key = head.columns.iter().enumerate().filter(|(_, column)| head.key.contains(&column.name));
        let key = key.map(|(at, _)| at).collect();
        Live {
            grid,
            key,
            rows: BTreeMap::new(),
            forgotten: 0,
            changes: 0,
            drawn: 0,
            stale: true,
            status: String::new(),
        }
    }

    /// Takes a change in.
    pub(super) fn take(&mut self, op: &str, row: Vec<String>) {
        let key = match self.key.is_empty() {
            true => row.clone(),
            false => self.key.iter().filter_map(|at| row.get(*at).cloned()).collect(),
        };
        self.changes += 1;
        self.stale = true;
        match op {
            "-D" | "-U" => {
                if let Some(shown) = self.rows.get_mut(&key)
                    && shown.times > 1
                {
                    shown.times -= 1;
                } else if self.rows.remove(&key).is_none() {
                    self.forgotten = self.forgotten.saturating_sub(1);
                }
            }
            _ => {
                self.grid.fit(&row);
                let equal = self.rows.get(&key).filter(|_| self.key.is_empty()).map_or(0, |shown| shown.times);
                self.rows.insert(key, Shown { change: self.changes, row, times: equal + 1 });
            }
        }
        if self.rows.len() > MOST_ROWS
            && let Some(oldest) = self.rows.iter().min_by_key(|(_, shown)| shown.change).map(|(key, _)| key.clone())
        {
            self.forgotten += self.rows.remove(&oldest).map_or(0, |shown| shown.times);
        }
    }

    /// Draws the rows that changed last, in the order of their keys, as many as there is room for.
    pub(super) fn draw(&mut self, color: bool, status: &str) -> Wrote {
        if !self.stale && (status.is_empty() || status == self.status) {
            return Ok(true);
        }
        if !status.is_empty() {
            status.clone_into(&mut self.status);
        }
        self.stale = false;
        let (columns, lines) = grid::screen();
        let text = self.frame(columns, lines, color);
        let over = if self.drawn > 0 { format!("\x1b[{}A\r\x1b[J", self.drawn) } else { String::new() };
        self.drawn = text.matches('\n').count();
        put(&format!("{over}{text}"))
    }

    fn frame(&self, columns: usize, lines: usize, color: bool) -> String {
        let room = lines.saturating_sub(BESIDE).max(1);
        let mut newest: Vec<(u64, usize)> = self.rows.values().map(|shown| (shown.change, shown.times)).collect();
        newest.sort_unstable_by(|a, b| b.cmp(a));
        let mut lines = 0;
        let filled = newest.iter().find(|(_, times)| {
            lines += times;
            lines >= room
        });
        let from = filled.map_or(0, |(change, _)| *change);
        let mut grid = self.grid.clone();
        grid.cut(columns.saturating_sub(1));
        let fitted = |line: &str| grid::fitted(line, columns.saturating_sub(1));
        let mut text = format!("{}\n{}\n", fitted(&grid.header()), dim(&fitted(&grid.rule()), color));
        let newest = self.rows.values().filter(|shown| shown.change >= from);
        let lines = newest.flat_map(|shown| std::iter::repeat_n(&shown.row, shown.times)).take(room);
        for row in lines {
            text.push_str(&format!("{}\n", grid::fitted(&grid.line(row), columns.saturating_sub(1))));
        }
        let hidden = self.rows.values().map(|shown| shown.times).sum::<usize>().saturating_sub(room) + self.forgotten;
        if hidden > 0 {
            text.push_str(&format!("{}\n", dim(&format!("... {} more", friendly_count(hidden as u64)), color)));
        }
        if !self.status.is_empty() {
            text.push_str(&format!("{}\n", dim(&grid::fitted(&self.status, columns.saturating_sub(1)), color)));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::SqlColumn;

    #[test]
    fn the_last_row_of_a_key_is_shown() {
        let column = |name: &str, data_type: &str| SqlColumn { name: name.to_owned(), data_type: data_type.to_owned() };
        let head = SqlHead {
            columns: vec![column("u", "STRING"), column("n", "BIGINT")],
            updates: true,
            key: vec!["u".to_owned()],
            ..SqlHead::default()
        };
        let mut live = Live::new(Grid::new([("u", "STRING"), ("n", "BIGINT")].into_iter()), &head);
        for (op, user, count) in [
            ("+I", "bob", "1"),
            ("+I", "ann", "1"),
            ("-U", "bob", "1"),
            ("+U", "bob", "2"),
            ("+I", "cy", "1"),
            ("-D", "cy", "1"),
        ] {
            live.take(op, vec![user.to_owned(), count.to_owned()]);
        }
        assert_eq!(live.frame(80, 24, false), "u    n\n───  ─\nann  1\nbob  2\n");
        live.take("+I", vec!["dee".to_owned(), "9".to_owned()]);
        assert_eq!(live.frame(80, 7, false), "u    n\n───  ─\nbob  2\ndee  9\n... 1 more\n");
    }

    #[test]
    fn equal_rows_are_shown_as_often_as_they_are_there() {
        let head = SqlHead {
            columns: vec![SqlColumn { name: "n".to_owned(), data_type: "BIGINT".to_owned() }],
            updates: true,
            ..SqlHead::default()
        };
        let mut live = Live::new(Grid::new([("n", "BIGINT")].into_iter()), &head);
        for (op, count) in [("+I", "1"), ("+I", "1"), ("-U", "1"), ("+U", "2")] {
            live.take(op, vec![count.to_owned()]);
        }
        assert_eq!(live.frame(80, 24, false), "n\n─\n1\n2\n");
        live.take("+I", vec!["2".to_owned()]);
        assert_eq!(live.frame(80, 7, false), "n\n─\n2\n2\n... 1 more\n");
    }
}
