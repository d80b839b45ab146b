//! Capabilities: a user begins with none, and each option changes what is kept.

use super::Draft;

/// What is kept, as names; `ALL` as the first for all but the others.
const KEPT: &str = "capabilities";

fn kept(draft: &Draft) -> Vec<String> {
    let text = draft.kept(KEPT).unwrap_or_default();
    text.split(',').filter(|name| !name.is_empty()).map(String::from).collect()
}

fn has_all(names: &[String]) -> bool {
    names.first().is_some_and(|name| name == "ALL")
}

/// One more.
pub fn add(draft: &mut Draft, name: &str) -> String {
    let mut names = kept(draft);
    if name.eq_ignore_ascii_case("all") {
        names = vec!["ALL".into()];
    } else {
        // All but others: one less of the others.
        names.retain(|known| !known.eq_ignore_ascii_case(name));
        if !has_all(&names) {
            names.push(name.into());
        }
    }
    draft.keep(KEPT, &names.join(","));
    format!("--cap-add {name} --cap-ambient {name}: also for who is not root inside")
}

/// One less.
pub fn drop(draft: &mut Draft, name: &str) -> String {
    let mut names = kept(draft);
    if name.eq_ignore_ascii_case("all") {
        names.clear();
    } else if has_all(&names) {
        names.push(name.into());
    } else {
        names.retain(|known| !known.eq_ignore_ascii_case(name));
    }
    draft.keep(KEPT, &names.join(","));
    format!("--cap-drop {name}")
}

/// The words for all of it.
pub fn finish(draft: &mut Draft) {
    let names = kept(draft);
    if has_all(&names) {
        draft.add(&["--cap-add", "ALL", "--cap-ambient", "ALL"]);
        if let [_, others @ ..] = &names[..]
            && !others.is_empty()
        {
            draft.add(&["--cap-drop", &others.join(",")]);
        }
    } else {
        draft.add(&["--cap-drop", "ALL"]);
        if !names.is_empty() {
            let names = names.join(",");
            draft.add(&["--cap-add", &names, "--cap-ambient", &names]);
        }
    }
}
