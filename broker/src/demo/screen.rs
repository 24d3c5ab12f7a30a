//! The demo's dashboard: a few lines that are redrawn in place below what was printed before.

use std::io::{self, Stdout};
use std::time::Duration;

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Padding, Paragraph, Row, Table};
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::snapshot::{Snapshot, clock_time};

/// Rows of users that are shown of each window.
const USERS: usize = 5;
/// Windows that are shown beside each other.
pub const WINDOWS: usize = 3;
const HEIGHT: u16 = USERS as u16 + 8;

/// A terminal in which the dashboard lives. Restores the terminal when dropped.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Takes some lines of the terminal, below the cursor.
    pub fn open() -> io::Result<Screen> {
        enable_raw_mode()?;
        let options = TerminalOptions { viewport: Viewport::Inline(HEIGHT) };
        match Terminal::with_options(CrosstermBackend::new(io::stdout()), options) {
            Ok(terminal) => Ok(Screen { terminal }),
            Err(error) => {
                let _ = disable_raw_mode();
                Err(error)
            }
        }
    }

    /// Redraws.
    pub fn draw(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        self.terminal.draw(|frame| draw(frame, snapshot)).map(drop)
    }

    /// Whether the person pressed q or Ctrl-C since the last call.
    pub fn wants_to_quit(&self) -> io::Result<bool> {
        while event::poll(Duration::ZERO)? {
            if let Event::Key(key) = event::read()? {
                let control_c = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
                if control_c || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // The last picture stays; what is printed next goes below it. All as far as the terminal lets us.
        let bottom = self.terminal.get_frame().area().bottom().saturating_sub(1);
        let _ = self.terminal.set_cursor_position((0, bottom));
        let _ = disable_raw_mode();
        let _ = self.terminal.show_cursor();
        println!();
    }
}

fn draw(frame: &mut Frame<'_>, snapshot: &Snapshot) {
    let title = format!(" website-clicks -> user-metrics, exactly once   {} s ", snapshot.elapsed_ms / 1000);
    let block = Block::bordered().title(title).title_bottom(" q quits ").border_style(Style::new().fg(Color::DarkGray));
    let area = frame.area();
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [figures, gap, tables] =
        Layout::vertical([Constraint::Length(2), Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    let _ = gap;
    frame.render_widget(Paragraph::new(figure_lines(snapshot)), figures);
    draw_windows(frame, tables, snapshot);
}

fn figure_lines(snapshot: &Snapshot) -> Vec<Line<'static>> {
    let latency =
        snapshot.latency_ms.map_or("-".into(), |(median, worst)| format!("{median:.1} ms, worst {worst:.1} ms"));
    let watermark = snapshot.watermark_behind_ms.map_or("-".into(), |ms| format!("{:.1} s behind", ms as f64 / 1000.0));
    let events = format!("{} ({}/s)", snapshot.events, snapshot.events_per_second);
    vec![
        Line::from([figure("events", events), figure("result latency", latency)].concat()),
        Line::from(
            [
                figure("watermark", watermark),
                figure("lag", snapshot.lag.to_string()),
                figure("late", snapshot.late.to_string()),
                figure("windows", snapshot.windows.to_string()),
                figure("rows", snapshot.rows.to_string()),
            ]
            .concat(),
        ),
    ]
}

fn figure(name: &'static str, value: String) -> [Span<'static>; 3] {
    [Span::from(format!(" {name} ")).dark_gray(), Span::from(value).bold(), Span::from("  ")]
}

fn draw_windows(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot) {
    if snapshot.latest.is_empty() {
        let text = " waiting for the first window to close: it does when the watermark passes its end";
        frame.render_widget(Paragraph::new(text).dark_gray(), area);
        return;
    }
    let columns = Layout::horizontal([Constraint::Ratio(1, WINDOWS as u32); WINDOWS]).split(area);
    for ((start, users), column) in snapshot.latest.iter().zip(columns.iter()) {
        let header = format!("{}-{}", clock_time(*start), clock_time(start + super::tally::WINDOW_MS));
        let rows = users.iter().take(USERS).map(|(user, totals)| {
            Row::new([user.clone(), totals.clicks.to_string(), format!("{} KB", totals.bytes / 1000)])
        });
        let widths = [Constraint::Length(10), Constraint::Length(6), Constraint::Length(9)];
        let table = Table::new(rows, widths)
            .header(Row::new(["user", "clicks", "bytes"]).dark_gray())
            .block(Block::new().padding(Padding::left(1)).title(Line::from(format!(" {header}")).cyan()));
        frame.render_widget(table, *column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::tally::Totals;
    use ratatui::backend::TestBackend;

    fn rendered(snapshot: &Snapshot) -> String {
        let mut terminal = Terminal::new(TestBackend::new(100, HEIGHT)).unwrap();
        terminal.draw(|frame| draw(frame, snapshot)).unwrap();
        let buffer = terminal.backend().buffer().clone();
        buffer.content().chunks(100).map(|row| row.iter().map(|c| c.symbol()).collect::<String>() + "\n").collect()
    }

    #[test]
    fn figures_and_top_users_are_on_the_screen() {
        let totals = Totals { clicks: 9, bytes: 123_456, max_bytes: 50_000 };
        let snapshot = Snapshot {
            events: 12_345,
            events_per_second: 500,
            latency_ms: Some((3.2, 9.9)),
            lag: 4,
            latest: vec![(1_431_857_100_000, vec![("user-17".into(), totals)])],
            ..Snapshot::default()
        };
        let screen = rendered(&snapshot);
        for expected in ["12345 (500/s)", "3.2 ms", "10:05:00-10:05:05", "user-17", "123 KB", "q quits"] {
            assert!(screen.contains(expected), "{expected} is missing in\n{screen}");
        }
    }

    #[test]
    fn without_results_it_says_what_it_waits_for() {
        assert!(rendered(&Snapshot::default()).contains("waiting for the first window"));
    }
}
