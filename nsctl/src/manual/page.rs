//! A page: its sections in their order. man-pages(7)

use std::fs;

use clap::Command;

use super::{directory, examples, options, roff, see_also, shown};

/// The order of the sections that a supplement may hold; others come before EXIT STATUS.
const AT_THE_END: [&str; 5] = ["EXIT STATUS", "ENVIRONMENT", "FILES", "EXAMPLES", "NOTES"];

/// nsctl(1)
pub fn overview(root: &Command) -> String {
    let own = Supplement::of("nsctl");
    let mut page = head("nsctl", &about(root)) + &section("SYNOPSIS", &usage(root));
    page += &section("DESCRIPTION", &own.get("DESCRIPTION"));
    let verbs: String = shown(root)
        .map(|verb| {
            let name = roff::escaped(verb.get_name());
            format!(".TP\n.BR nsctl\\-{name} (1)\n{}", roff::prose(&roff::full_stop(&about(verb))))
        })
        .collect();
    page += &section("COMMANDS", &verbs);
    page += &section("OPTIONS", &options::of(root, ".SS"));
    page + &end(&own, "", &see_also::of("nsctl"))
}

/// The page of a verb.
pub fn of_verb(verb: &Command) -> String {
    let name = verb.get_name();
    let own = Supplement::of(name);
    let said = Said::of(verb);
    let mut page = head(&format!("nsctl-{name}"), &about(verb));
    let verbs: Vec<&Command> = shown(verb).collect();
    let mut examples = said.examples;
    let mut status = said.status;
    if verbs.is_empty() {
        page += &section("SYNOPSIS", &usage(verb));
        let description = match said.description.as_str() {
            "" => roff::prose(&roff::full_stop(&about(verb))),
            text => text.to_string(),
        };
        page += &section("DESCRIPTION", &(description + &said.notes + &own.get("DESCRIPTION")));
        page += &section("OPTIONS", &options::of(verb, ".SS"));
    } else {
        page += &section(
            "SYNOPSIS",
            &verbs.iter().map(|verb| usage(verb)).collect::<Vec<_>>().join(".br\n"),
        );
        let description = roff::prose(&roff::full_stop(&about(verb)));
        page += &section("DESCRIPTION", &(description + &own.get("DESCRIPTION")));
        let mut commands = String::new();
        for verb in verbs {
            let said = Said::of(verb);
            commands += &format!(".SS nsctl {name} {}\n", verb.get_name());
            commands += &roff::prose(&roff::full_stop(&about(verb)));
            if !said.description.is_empty() {
                commands += &format!(".PP\n{}", said.description);
            }
            commands += &(said.notes + &options::of(verb, ".PP\n"));
            examples += &said.examples;
            if !said.status.is_empty() {
                let title = format!("Of \\fBnsctl {name} {}\\fR: ", verb.get_name());
                status += &format!(".PP\n{title}{}", said.status);
            }
        }
        page += &section("COMMANDS", &commands);
    }
    if status.is_empty() && takes_command(verb) {
        status = Supplement::of("all").get("EXIT STATUS OF A COMMAND");
    }
    let own = own.with("EXIT STATUS", &status).with("EXAMPLES", &examples);
    page + &end(&own, "all", &see_also::of(name))
}

fn takes_command(verb: &Command) -> bool {
    verb.get_positionals().any(|arg| arg.is_trailing_var_arg_set() && arg.get_id() == "command")
}

/// From EXIT STATUS on.
fn end(own: &Supplement, others: &str, see_also: &str) -> String {
    let others = if others.is_empty() { Supplement::default() } else { Supplement::of(others) };
    let mut text = String::new();
    for (title, body) in &own.0 {
        if !AT_THE_END.contains(&title.as_str()) && title != "DESCRIPTION" {
            text += &section(title, body);
        }
    }
    for title in AT_THE_END {
        let body = match own.get(title) {
            body if body.is_empty() => others.get(title),
            body => body,
        };
        text += &section(title, &body);
    }
    text + &section("SEE ALSO", see_also)
}

fn head(name: &str, about: &str) -> String {
    let mut small = about.to_string();
    if !about.starts_with("Linux") {
        small[..1].make_ascii_lowercase();
    }
    let upper = name.to_uppercase();
    format!(
        ".\\\" Made by `cargo xtask docs` from the help of nsctl and nsctl/man/*.in. Edit those.\n\
         .TH {upper} 1 \"\" \"nsctl {}\" \"User Commands\"\n\
         .SH NAME\n{} \\- {}\n",
        env!("CARGO_PKG_VERSION"),
        roff::escaped(name),
        roff::escaped(&small),
    )
}

fn section(title: &str, body: &str) -> String {
    // A heading begins a paragraph.
    let body = body.strip_prefix(".PP\n").unwrap_or(body);
    if body.is_empty() { String::new() } else { format!(".SH {title}\n{body}") }
}

fn usage(command: &Command) -> String {
    let mut command = command.clone();
    let text = command.render_usage().to_string();
    let lines = text
        .trim_start_matches("Usage:")
        .lines()
        .map(|line| roff::usage(&line.replace(['<', '>'], "")) + "\n");
    lines.collect::<Vec<_>>().join(".br\n")
}

fn about(command: &Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default()
}

/// What `--help` says of a verb, besides its options.
struct Said {
    description: String,
    notes: String,
    status: String,
    examples: String,
}

impl Said {
    fn of(command: &Command) -> Self {
        let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        let end = examples::of(command);
        let (mut description, mut status) = (String::new(), String::new());
        // The first paragraph is the short one.
        for paragraph in long.split("\n\n").skip(1) {
            match paragraph.strip_prefix("Exit status: ") {
                Some(text) => {
                    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                    text[..1].make_ascii_uppercase();
                    status += &roff::prose(&roff::full_stop(&text));
                }
                None => {
                    description += &format!(".PP\n{}", roff::prose(&roff::full_stop(paragraph)))
                }
            }
        }
        let description = description.strip_prefix(".PP\n").unwrap_or(&description).to_string();
        Said { description, notes: end.notes, status, examples: end.examples }
    }
}

/// Sections that are written by hand, by their titles.
#[derive(Default)]
struct Supplement(Vec<(String, String)>);

impl Supplement {
    fn of(name: &str) -> Self {
        let path = directory().join(format!("{name}.in"));
        let text = fs::read_to_string(path).unwrap_or_default();
        let sections = text.split(".SH ").skip(1).filter_map(|part| part.split_once('\n'));
        Supplement(sections.map(|(title, body)| (title.to_string(), body.to_string())).collect())
    }

    fn get(&self, title: &str) -> String {
        let found = self.0.iter().find(|(own, _)| own == title);
        found.map(|(_, body)| body.clone()).unwrap_or_default()
    }

    /// With what was said elsewhere in front.
    fn with(mut self, title: &str, text: &str) -> Self {
        match self.0.iter_mut().find(|(own, _)| own == title) {
            Some((_, body)) => *body = format!("{text}{body}"),
            None => self.0.push((title.into(), text.into())),
        }
        self
    }
}
