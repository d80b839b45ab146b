//! Tables and times for people.

use std::os::fd::AsFd;
use std::time::{SystemTime, UNIX_EPOCH};

/// Aligned columns; cut to the terminal's width where there is one.
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these titles.
    pub fn new(titles: &[&str]) -> Self {
        Table { rows: vec![titles.iter().map(ToString::to_string).collect()] }
    }

    /// Adds a row. Names are others' choice: none may speak to the terminal.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.into_iter().map(harmless_cell).collect());
    }

    /// The text; with `cut` no line is wider than the terminal.
    pub fn text(&self, cut: bool) -> String {
        let columns = self.rows[0].len();
        let widths: Vec<usize> = (0..columns)
            .map(|at| self.rows.iter().map(|row| width(&row[at])).max().unwrap_or(0))
            .collect();
        let most = if cut { width_of_terminal() } else { None };
        let mut text = String::new();
        let mut line = String::new();
        for row in &self.rows {
            line.clear();
            for (cell, widest) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(" ", widest - width(cell) + 3));
            }
            match most {
                Some(most) => text.extend(line.trim_end().chars().take(most)),
                None => text += line.trim_end(),
            }
            text.push('\n');
        }
        text
    }
}

/// How many characters. Most cells are ASCII.
fn width(cell: &str) -> usize {
    if cell.is_ascii() { cell.len() } else { cell.chars().count() }
}

/// The columns of the terminal that standard output is.
pub fn width_of_terminal() -> Option<usize> {
    let size = nsshim::sys::get_window_size(std::io::stdout().as_fd()).ok()?;
    Some(usize::from(size.ws_col)).filter(|&columns| columns > 0)
}

/// A character that does not speak to the terminal.
pub fn harmless(c: char) -> String {
    match c {
        // Letters that are not seen, or that turn the order of the others around (Trojan Source).
        '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => c.escape_unicode().to_string(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    }
}

fn harmless_cell(cell: String) -> String {
    // Most are.
    match cell.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        true => cell,
        false => harmless_text(&cell),
    }
}

/// Others' words, which do not speak to the terminal.
pub fn harmless_text(text: &str) -> String {
    text.chars().map(harmless).collect()
}

/// How long ago an RFC 3339 time in UTC was, roughly.
#[allow(clippy::disallowed_methods, reason = "a time for people, not to measure by")]
pub fn ago(time: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let Some(seconds) = seconds_of(time).map(|then| (now - then).max(0)) else {
        return String::new();
    };
    let (number, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..86400 => (seconds / 3600, "hour"),
        _ => (seconds / 86400, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

/// Seconds since 1970 of `YYYY-MM-DDTHH:MM:SS…Z`, fractions left away.
pub fn seconds_of(time: &str) -> Option<i64> {
    let number = |range: std::ops::Range<usize>| time.get(range)?.parse::<i64>().ok();
    let separators = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")];
    if !separators.iter().all(|&(at, separator)| time.get(at..at + 1) == Some(separator)) {
        return None;
    }
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Days since 1970-01-01, with years that begin in March.
    let shifted_year = year - i64::from(month <= 2);
    let era = shifted_year.div_euclid(400);
    let of_era = shifted_year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_date_reads_them() {
        // date -u -d TEXT +%s
        assert_eq!(seconds_of("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(seconds_of("2024-02-29T23:59:59.5Z"), Some(1_709_251_199));
        assert_eq!(seconds_of("2100-03-01T00:00:00Z"), Some(4_107_542_400));
        for wrong in ["", "2024-13-01T00:00:00Z", "yesterday", "2024-02-29 23:59:59"] {
            assert_eq!(seconds_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_table_does_not_speak_to_the_terminal() {
        let mut table = Table::new(&["A", "B"]);
        table.row(vec!["\x1b[31m".into(), "x\ny".into()]);
        assert_eq!(table.text(false), "A            B\n\\u{1b}[31m   x\\ny\n");
    }
}
