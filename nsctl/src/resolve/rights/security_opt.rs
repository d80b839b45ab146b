//! docker's and podman's `--security-opt`, in our words.

use crate::args::RightsArgs;
use crate::error::{Error, shown};

/// What `--security-opt` changes.
pub struct Translated {
    /// With what has an option of its own.
    pub args: RightsArgs,
    /// What was said of new privileges.
    pub no_new_privs: Option<bool>,
    /// Whether kernel files are to be shown.
    pub system_paths: bool,
}

/// Translates each word, and refuses those that would mean nothing.
pub fn translate(args: &RightsArgs) -> Result<Translated, Error> {
    let mut done = Translated { args: args.clone(), no_new_privs: None, system_paths: false };
    for text in &args.security_opt {
        // docker takes the colon of its first years too.
        let (word, value) = match text.split_once(['=', ':']) {
            Some((word, value)) => (word, Some(value)),
            None => (text.as_str(), None),
        };
        match (word, value) {
            ("no-new-privileges", None | Some("true")) if args.allow_new_privileges => {
                return Err(contradiction(text, "--allow-new-privileges"));
            }
            ("no-new-privileges", None | Some("true")) => done.no_new_privs = Some(true),
            ("no-new-privileges", Some("false")) => done.no_new_privs = Some(false),
            ("seccomp", Some(_)) if args.seccomp.is_some() => {
                return Err(contradiction(text, "--seccomp"));
            }
            ("seccomp", Some("builtin")) => done.args.seccomp = Some("default".into()),
            ("seccomp", Some(value)) if !value.is_empty() => {
                done.args.seccomp = Some(value.into());
            }
            ("apparmor", Some(_)) if args.apparmor.is_some() => {
                return Err(contradiction(text, "--apparmor"));
            }
            ("apparmor", Some(value)) if !value.is_empty() => {
                done.args.apparmor = Some(value.into());
            }
            // There is none unless one is asked for.
            ("label", Some("disable")) => {}
            ("label", _) => {
                return Err(unknown(text).try_this("--selinux-label USER:ROLE:TYPE:LEVEL, whole"));
            }
            ("systempaths", Some("unconfined")) | ("unmask", Some("ALL" | "all")) => {
                done.system_paths = true;
            }
            _ => {
                return Err(unknown(text).try_this(
                    "no-new-privileges, seccomp=default|unconfined|FILE, apparmor=PROFILE, \
                     label=disable, systempaths=unconfined",
                ));
            }
        }
    }
    Ok(done)
}

fn unknown(text: &str) -> Error {
    Error::new(format!("--security-opt {} means nothing here", shown(text)))
}

fn contradiction(text: &str, option: &str) -> Error {
    Error::new(format!(
        "--security-opt {text} and {option} say the same thing twice or differently"
    ))
    .try_this("one of them")
}
