//! A program that is not there, or was not seen on the way.

use std::path::PathBuf;

use super::program::{
    DEFAULT_PATH, directory, is_program, is_searched, program, search_path, std_place,
};
use crate::causes::view::Place;
use crate::causes::{Context, Scene, access};
use crate::error::Finding;

/// What ENOENT says as well, when the file itself cannot be looked at.
const OR_LOADER: &str = ", or not the interpreter or loader that it needs";

pub(super) fn not_found(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    let name = asked.command.to_string_lossy().into_owned();
    if name.is_empty() {
        return Some(Finding::new("the command is an empty word").try_this("nsctl run … COMMAND"));
    }
    // Found, so it is not this.
    if program(scene).is_some_and(|file| file.exists()) {
        return None;
    }
    if !is_searched(asked) {
        let file = directory(asked).join(&asked.command);
        return match asked.view.find(&file) {
            Place::Unknown if asked.view.is_own(&file) => file.exists().then(|| {
                Finding::new(format!("{name} is hidden by the container's own file systems"))
            }),
            Place::Unknown => {
                let told = format!("inside there is no {}{OR_LOADER}", file.display());
                Some(words(&name, Finding::new(told)))
            }
            Place::Missing(root) => {
                let told = format!("there is no {} in {}", file.display(), root.display());
                Some(words(&name, Finding::new(told)))
            }
            Place::Host(file) => {
                let obstacle = access::absent(&file)?;
                Some(words(&name, Finding::new(obstacle.told(&asked.ids))))
            }
        };
    }
    let path = asked.path.as_deref().unwrap_or(DEFAULT_PATH);
    let path = String::from_utf8_lossy(path);
    let unseen = |entry: &PathBuf| asked.view.find(entry) == Place::Unknown;
    let or_loader = match search_path(asked).iter().any(unseen) {
        true => OR_LOADER,
        false => "",
    };
    let mut finding = Finding::new(match &*path {
        "" => format!("PATH is empty, and there is no {name} in {}", directory(asked).display()),
        path => format!("there is no {name} in PATH ({path}){or_loader}"),
    });
    if let Some(place) = std_place(asked, &name) {
        finding = finding.try_this(place.display().to_string());
    } else if asked
        .view
        .on_host(&directory(asked).join(&name))
        .is_some_and(|file| is_program(&file))
    {
        finding = finding.try_this(format!("./{name}"));
    } else if let Some(program) = second_program(asked) {
        finding = finding.try_this(format!(
            "if {name} is an image: nsctl takes directories and image files, --rootfs DIR {program} \
             (nsctl explain docker run {name} {program} says how to get one)"
        ));
    }
    Some(words(&name, finding))
}

/// `docker run` has the image first, and then the command.
fn second_program(asked: &Context) -> Option<std::borrow::Cow<'_, str>> {
    // Nobody names an image to enter something, which makes nothing new.
    let second = asked.second.as_ref().filter(|_| !asked.new.is_empty())?;
    let name = second.to_string_lossy();
    let is_there = match second.is_absolute() {
        true => asked.view.on_host(second).is_some_and(|file| is_program(&file)),
        false => std_place(asked, &name).is_some(),
    };
    is_there.then_some(name)
}

/// A command line in one word is a usual mistake.
fn words(name: &str, finding: Finding) -> Finding {
    if finding.remedy.is_none() && name.contains([' ', ';', '|', '&']) {
        return finding.try_this(format!("words of their own, or: sh -c '{name}'"));
    }
    finding
}

/// What is in such a directory cannot be known; it may be the one.
pub(super) fn closed_path_directory(scene: &Scene<'_>) -> Option<Finding> {
    let asked = scene.asked;
    if !is_searched(asked) || program(scene).is_some() {
        return None;
    }
    search_path(asked).into_iter().find_map(|entry| {
        let on_host = asked.view.on_host(&entry)?.join(&asked.command);
        let closed = access::closed(&on_host, &asked.ids)?;
        let told = closed.told(&asked.ids);
        Some(
            Finding::new(format!("{} of PATH was passed over: {told}", entry.display()))
                .try_this("if the program is there, a copy where the workload may enter"),
        )
    })
}
