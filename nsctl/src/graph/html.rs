//! The picture as a page: one file, which needs no other and no network.
//!
//! Its policy lets only the script and the style through that carry the number made for this file.
//! So even a name that were mistaken for HTML could not run, nor load anything.

use nsshim::spec::Kind;

use super::svg::drawing;
use super::xml::escaped;
use super::{Graph, colour};

const SCRIPT: &str = include_str!("page.js");
const STYLE: &str = include_str!("page.css");

/// The page; `nonce` is of letters and digits, and nobody can have known it.
pub fn html(graph: &Graph, nonce: &str) -> String {
    let title = escaped(&graph.title());
    let kinds: String = Kind::ALL
        .into_iter()
        .map(|kind| {
            let name = kind.file();
            format!(
                "<label class=\"{name}\"><input type=\"checkbox\" value=\"{name}\" checked>{name}</label>\n"
            )
        })
        .collect();
    let colours: String = Kind::ALL
        .into_iter()
        .map(|kind| format!("label.{} {{ color: {}; }}\n", kind.file(), colour(kind)))
        .collect();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; base-uri 'none'; \
         form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style nonce=\"{nonce}\">\n{STYLE}{colours}</style>\n</head>\n\
         <body>\n<header>\n\
         <input id=\"search\" type=\"search\" placeholder=\"number, kind, command, host, user …\" \
         aria-label=\"search\" autofocus>\n<output id=\"count\"></output>\n\
         <button id=\"fold\">fold all</button>\n<button id=\"unfold\">unfold all</button>\n\
         <span id=\"kinds\">{kinds}</span>\n</header>\n<main>\n{}</main>\n\
         <script nonce=\"{nonce}\">\n{SCRIPT}</script>\n</body>\n</html>\n",
        drawing(graph, usize::MAX)
    )
}
