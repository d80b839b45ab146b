//! Pictures of namespaces and processes, in which no name is anything but a name.
//!
//! lxkns serves such a picture from a daemon; lsns and ps draw none.

use std::fs;
use std::process::{Command, Stdio};

use super::super::common::{Who, as_each, have, helper, nsctl, skip};
use super::fixture::{Fixture, number};

/// What a page must not run and a drawing must not become.
const HOST: &str = "<script>document.title='owned'</script>";

/// What a command line may hold, being no more than text.
const ELSEWHERE: &str =
    r#"</style> src="x" href="y" style="z" onload="x" url(//cdn @import https:"#;

/// A host and a process with such names; says the link of its UTS namespace and its pid.
fn hostile(who: Who) -> Fixture {
    let part = helper("nameless");
    let run = ["run", "--pid", "host", "--hostname", HOST, "--"];
    Fixture::nsctl(who, run.into_iter().chain(part.iter().map(String::as_str)))
}

/// The picture of all that `who` sees, in a file that everybody may read.
fn picture(who: Who, ending: &str, options: &[&str]) -> (std::path::PathBuf, String) {
    let file = who.directory().join(format!("picture.{ending}"));
    let words = [&["ns", "graph", "-o", file.to_str().unwrap()], options].concat();
    let ran = nsctl(who, words).run();
    assert_eq!(ran.success(), "");
    let text = fs::read_to_string(&file).unwrap();
    (file, text)
}

#[test]
fn every_form_shows_who_is_where() {
    as_each(|who| {
        let fixture = hostile(who);
        for form in ["dot", "svg", "html"] {
            let (_, text) = picture(who, form, &[]);
            let (uts, pid) = (number(&fixture.said[0]), &fixture.said[1]);
            assert!(text.contains(&format!("uts {uts}")), "{form}: {uts}");
            assert!(text.contains(&format!("{pid} ")), "{form}: {pid}");
            let said = nsctl(who, ["ns", "graph", &format!("--{form}")]).run();
            assert!(said.success().contains(&number(&fixture.said[0]).to_string()), "{form}");
        }
        // Of what was chosen only, and of what owns it.
        let filter = format!("id={}", number(&fixture.said[0]));
        let (_, text) = picture(who, "dot", &["-t", "uts", "-F", &filter]);
        assert!(text.contains("uts ") && text.contains("user "), "{text}");
        assert!(!text.contains("\"net ") && !text.contains("\"mnt "), "{text}");
    });
}

#[test]
fn no_name_becomes_markup_or_speaks_to_the_terminal() {
    as_each(|who| {
        let _fixture = hostile(who);
        let script = format!("echo; read wait # {ELSEWHERE}");
        let _other = Fixture::nsctl(who, ["run", "--pid", "host", "--", "sh", "-c", &script]);
        for form in ["dot", "svg", "html"] {
            let (_, text) = picture(who, form, &[]);
            assert!(text.contains("owned"), "{form}: the host name is not there");
            assert!(text.contains("u{1b}"), "{form}: the command's name is not there");
            assert!(text.contains("url(//cdn"), "{form}: the other command line is not there");
            assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{form}");
            if form != "dot" {
                assert!(!text.contains("<img") && !text.contains("<script>"), "{form}: {text}");
                assert_eq!(text.matches("</svg>").count(), 1, "{form}");
            }
        }
        let (_, page) = picture(who, "html", &[]);
        assert_eq!(page.matches("<script").count(), 1);
        // Names may contain anything, also what would lead outside; only what is no name is looked at.
        let policy = page.split("http-equiv=\"Content-Security-Policy\"").nth(1).unwrap();
        let policy = policy.split('>').next().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let attributes = attributes(&page);
        assert!(attributes.contains(" data-id="), "{attributes}");
        for outside in [" style=", "src=", "href=", "srcset=", "action=", " on"] {
            assert!(!attributes.contains(outside), "{outside} leads outside: {attributes}");
        }
        for element in ["style", "script"] {
            let inside = page.split(&format!("<{element}")).nth(1).unwrap();
            let inside = inside.split(&format!("</{element}>")).next().unwrap();
            for outside in ["@import", "url(", "import", "fetch", "XMLHttp", "http:", "https:"] {
                assert!(!inside.contains(outside), "{outside} leads outside: {inside}");
            }
        }
    });
}

/// The elements of a page and the names of their attributes, without values, texts and script.
fn attributes(page: &str) -> String {
    let (before, script) = page.split_once("<script").unwrap();
    let (_, after) = script.split_once("</script>").unwrap();
    let tags = before.split('<').chain(after.split('<').skip(1));
    let tags = tags.map(|tag| tag.split('>').next().unwrap());
    let unquoted = tags.map(|tag| tag.split('"').step_by(2).collect::<String>());
    unquoted.collect::<Vec<_>>().join("\n")
}

/// Two numbers that nobody can know beforehand.
#[test]
fn each_page_has_a_policy_of_its_own() {
    let nonce = || {
        let (_, page) = picture(Who::User, "html", &[]);
        page.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_string()
    };
    let (one, other) = (nonce(), nonce());
    assert_eq!(one.len(), 32);
    assert_ne!(one, other);
}

#[test]
fn a_drawing_is_xml() {
    if !have("python3") {
        return;
    }
    as_each(|who| {
        let _fixture = hostile(who);
        let (file, _) = picture(who, "svg", &[]);
        let parse = "import sys, xml.dom.minidom as m
d = m.parse(sys.argv[1]); print({e.tagName for e in d.getElementsByTagName('*')})";
        let ran = Command::new("python3").args(["-c", parse]).arg(&file).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        let tags = String::from_utf8(ran.stdout).unwrap();
        assert!(tags.contains("'path'") && !tags.contains("script"), "{tags}");
    });
}

#[test]
fn graphviz_takes_it() {
    if !have("dot") {
        return;
    }
    as_each(|who| {
        let fixture = hostile(who);
        let (file, _) = picture(who, "gv", &[]);
        let ran = Command::new("dot").arg("-Tplain").arg(&file).output().unwrap();
        let (said, wrong) = (ran.stdout, String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && wrong.is_empty(), "{wrong}");
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(&number(&fixture.said[0]).to_string()), "{said}");
        assert!(said.contains("u{1b}"), "{said}");
    });
}

/// The page as the browser has it once its script has run, and nothing else of it.
fn in_browser(page: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let program = ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|program| {
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    });
    let Some(program) = program else {
        skip("no browser is installed: chromium, chromium-browser, google-chrome");
        return None;
    };
    let profile = Who::User.directory();
    let ran = Command::new("timeout")
        .args([
            "60",
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args(["--no-first-run", "--disable-extensions", "--dump-dom"])
        // It is not to look for anything outside by itself.
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(page)
        .env("HOME", &profile)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(said.contains("</html>"), "{}", String::from_utf8_lossy(&ran.stderr));
    Some(said)
}

/// The tag that begins an element of this class with these words in it.
fn tag<'a>(page: &'a str, class: &str, words: &str) -> &'a str {
    let begins = format!("<g class=\"{class}");
    let mut tags = page.split("<g ").skip(1);
    let found = tags.find(|text| format!("<g {text}").starts_with(&begins) && text.contains(words));
    found.unwrap_or_else(|| panic!("no {class} with {words}")).split('>').next().unwrap()
}

#[test]
fn the_page_is_searched_and_folded_and_runs_no_name() {
    let fixture = hostile(Who::User);
    let (file, _) = picture(Who::User, "html", &[]);
    let file = format!("file://{}", file.display());
    let uts = format!("data-id=\"{}\"", number(&fixture.said[0]));
    let Some(page) = in_browser(&file) else { return };
    // Its own script has run, and no other.
    assert!(page.contains("aria-expanded=\"true\""), "{page}");
    assert!(!page.contains("<title>owned") && !page.contains("<img"), "{page}");
    assert_eq!(page.matches("<script").count(), 1);
    assert!(!tag(&page, "row", &uts).contains("hidden"));

    let searched = in_browser(&format!("{file}#q=owned")).unwrap();
    assert!(searched.contains(" found</output>"), "{searched}");
    assert!(tag(&searched, "row", &uts).contains("hit"));
    let others = searched.matches("class=\"row hidden\"").count();
    assert!(others > 0, "nothing was hidden by the search");
    let nothing = in_browser(&format!("{file}#q=nobody-has-this-name")).unwrap();
    assert!(nothing.contains(">0 found<"), "{nothing}");
    assert!(tag(&nothing, "row", &uts).contains("hidden"));

    // Of a group that line is found that has all of the words, not several that have one each.
    let pid = &fixture.said[1];
    let line = in_browser(&format!("{file}#q={pid}+script")).unwrap();
    assert!(!line.contains("class=\"process hit\""), "no process has both");
    let line = in_browser(&format!("{file}#q={pid}+svg")).unwrap();
    assert_eq!(line.matches(" hit\" x=\"8\"").count(), 1, "{line}");

    // Folding the user namespace around it hides it, and opening it again shows it.
    let filter = format!("id={}", number(&fixture.said[0]));
    let ran = nsctl(Who::User, ["ns", "ls", "-n", "-o", "owner", "-F", &filter]).run();
    let owner = ran.success().trim();
    let folded = in_browser(&format!("{file}#fold={owner}")).unwrap();
    assert!(tag(&folded, "row", &uts).contains("hidden"));
    let around = format!("data-id=\"{owner}\"");
    assert!(tag(&folded, "row", &around).contains("aria-expanded=\"false\""));
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let wrong = |options: &[&str], words: &[&str]| {
        nsctl(Who::User, [&["ns", "graph"], options].concat()).run().expect_error(125, words);
    };
    wrong(&["-o", "picture"], &["cannot tell", "--svg"]);
    wrong(&["-o", "/nonexistent/a.svg"], &["cannot write", "/nonexistent/a.svg"]);
    wrong(&["-t", "nope"], &["no such kind", "nope"]);
    wrong(&["-F", "nope=1"], &["no such column"]);
    let both = nsctl(Who::User, ["ns", "graph", "--svg", "--dot"]).run();
    both.expect_error(125, &["--svg", "--dot"]);
}
