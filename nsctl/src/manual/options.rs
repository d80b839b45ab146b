//! The options of a verb, with what clap knows of each.

use clap::{Arg, Command};

use super::roff;

/// All that are shown, under the headings of `--help`.
pub fn of(command: &Command, heading: &str) -> String {
    // Every verb has --help; nsctl(1) says so.
    let says_help = command.get_name() == "nsctl";
    let all = command.get_arguments().filter(|arg| says_help || arg.get_id() != "help");
    let all: Vec<&Arg> = all.filter(|arg| !arg.is_hide_set()).collect();
    let mut text = String::new();
    for arg in all.iter().filter(|arg| arg.is_positional()) {
        text += &item(arg);
    }
    let options = || all.iter().filter(|arg| !arg.is_positional());
    for arg in options().filter(|arg| arg.get_help_heading().is_none()) {
        text += &item(arg);
    }
    let mut headings: Vec<&str> = options().filter_map(|arg| arg.get_help_heading()).collect();
    let mut seen = Vec::new();
    headings.retain(|heading| {
        !seen.contains(heading) && {
            seen.push(heading);
            true
        }
    });
    for title in headings {
        text += &format!("{heading} {}\n", roff::escaped(title));
        for arg in options().filter(|arg| arg.get_help_heading() == Some(title)) {
            text += &item(arg);
        }
    }
    text
}

fn item(arg: &Arg) -> String {
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string);
    let mut text = format!(".TP\n{}\n", head(arg));
    text += &roff::prose(&roff::full_stop(&help.unwrap_or_default()));
    let default: Vec<_> =
        arg.get_default_values().iter().map(|word| word.to_string_lossy()).collect();
    if !default.is_empty() && arg.get_action().takes_values() && !arg.is_hide_default_value_set() {
        text += &format!("Default: \\fB{}\\fR.\n", roff::escaped(&default.join(",")));
    }
    text + &values(arg)
}

fn head(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let value: Vec<String> = names.iter().map(|name| roff::usage(name)).collect();
    let value = value.join(" ");
    if arg.is_positional() {
        return value;
    }
    let shorts = arg.get_short_and_visible_aliases().unwrap_or_default();
    let longs = arg.get_long_and_visible_aliases().unwrap_or_default();
    let shorts = shorts.iter().map(|letter| format!("\\fB\\-{letter}\\fR"));
    let words =
        shorts.chain(longs.iter().map(|long| format!("\\fB\\-\\-{}\\fR", roff::escaped(long))));
    let words = words.collect::<Vec<_>>().join(", ");
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    match (arg.get_action().takes_values(), optional) {
        (false, _) => words,
        (true, true) => format!("{words}[={value}]"),
        (true, false) => format!("{words} {value}"),
    }
}

/// The words that it takes, unless its value's name says them.
fn values(arg: &Arg) -> String {
    let possible = arg.get_possible_values();
    let shown: Vec<_> = possible.iter().filter(|value| !value.is_hide_set()).collect();
    let said = shown.iter().all(|value| value.get_help().is_none());
    if shown.is_empty() || !arg.get_action().takes_values() || said {
        return String::new();
    }
    let mut text = ".RS\n".to_string();
    for value in shown {
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        text += &format!(".TP\n\\fB{}\\fR\n", roff::escaped(value.get_name()));
        text += &roff::prose(&roff::full_stop(&help));
    }
    text + ".RE\n"
}
