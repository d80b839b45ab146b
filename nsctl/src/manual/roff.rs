//! Text as troff(1) has to be given it. groff_char(7), man(7)

/// Words as they are: a bare `-` would become a hyphen, a leading dot a request.
pub fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\e"),
            '-' => out.push_str("\\-"),
            '^' => out.push_str("\\(ha"),
            '~' => out.push_str("\\(ti"),
            '`' => out.push_str("\\(ga"),
            '\'' => out.push_str("\\(aq"),
            '"' => out.push_str("\\(dq"),
            '…' => out.push_str("..."),
            c => out.push(c),
        }
    }
    if out.starts_with('.') { format!("\\&{out}") } else { out }
}

/// Running text: what is between backticks and each option is bold, a sentence begins a line.
pub fn prose(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::new();
    for (at, part) in words.split('`').enumerate() {
        match at % 2 {
            1 => out += &format!("\\fB{}\\fR", escaped(part)),
            _ => out += &with_options(part),
        }
    }
    sentences(&out)
}

fn with_options(text: &str) -> String {
    let bold = |word: &str| {
        let start = word.find('-').filter(|&at| word[..at].chars().all(|c| c == '('));
        let Some(start) = start else { return escaped_inside(word) };
        let name = |c: char| c == '-' || c.is_ascii_alphanumeric();
        let end = word[start..].find(|c| !name(c)).map_or(word.len(), |length| start + length);
        if !word[start..end].contains(|c: char| c.is_ascii_alphabetic()) {
            return escaped_inside(word);
        }
        let (before, option, after) = (&word[..start], &word[start..end], &word[end..]);
        format!("{before}\\fB{}\\fR{}", escaped(option), escaped_inside(after))
    };
    text.split(' ').map(bold).collect::<Vec<_>>().join(" ")
}

/// In the middle of a line a dot is a dot.
fn escaped_inside(text: &str) -> String {
    escaped(text).trim_start_matches("\\&").to_string()
}

fn sentences(text: &str) -> String {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(end) = end_of_sentence(rest) {
        lines.push(&rest[..end]);
        rest = &rest[end + 1..];
    }
    lines.push(rest);
    let guarded = lines.iter().map(|line| match line.starts_with('.') {
        true => format!("\\&{line}\n"),
        false => format!("{line}\n"),
    });
    guarded.collect()
}

fn end_of_sentence(text: &str) -> Option<usize> {
    text.match_indices(". ").map(|(at, _)| at + 1).find(|at| {
        text[at + 1..].starts_with(|c: char| c.is_uppercase() || c == '\\')
            && !text[..*at].ends_with("...")
    })
}

/// What `--help` says of one thing, as sentences.
pub fn full_stop(text: &str) -> String {
    let text = text.trim_end();
    let ended = text.ends_with(['.', '!', '?', ':']);
    if text.is_empty() || ended { text.into() } else { format!("{text}.") }
}

/// A line of usage: what is to be replaced is in italics, what is typed as it is in bold.
pub fn usage(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.trim();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    while let Some(c) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(rest.chars().next().unwrap_or(' ')));
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        out += &match (is_word(c), c.is_ascii_uppercase()) {
            (true, true) => format!("\\fI{}\\fR", escaped(word)),
            (true, false) => format!("\\fB{}\\fR", escaped(word)),
            (false, _) => escaped_inside(word),
        };
        rest = after;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_what_they_are() {
        assert_eq!(escaped(".a\\b-c"), "\\&.a\\eb\\-c");
        assert_eq!(
            prose("see `ns ls` and\n--net. Then (-t) it.\n"),
            "see \\fBns ls\\fR and \\fB\\-\\-net\\fR.\nThen (\\fB\\-t\\fR) it.\n"
        );
        assert_eq!(prose("-20 to 19"), "\\-20 to 19\n");
        assert_eq!(
            usage("nsctl ns drop [--] FILE..."),
            "\\fBnsctl\\fR \\fBns\\fR \\fBdrop\\fR [\\fB\\-\\-\\fR] \\fIFILE\\fR..."
        );
    }
}
