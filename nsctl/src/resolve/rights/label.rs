//! Labels of security modules: only where the module is there to read them.

use nsshim::spec::Label;

use crate::args::RightsArgs;
use crate::error::{Error, shown};

/// Resolves `--apparmor` and `--selinux-label`.
pub fn resolve(args: &RightsArgs) -> Result<Option<Label>, Error> {
    if let Some(profile) = &args.apparmor {
        // Whoever is confined itself stays so; nobody else is.
        if profile == "unconfined" {
            return Ok(None);
        }
        let asked = || format!("cannot use the AppArmor profile {}", shown(profile));
        check(profile, &asked)?;
        let on = read("/sys/module/apparmor/parameters/enabled").starts_with('Y');
        return match on {
            true => Ok(Some(Label::AppArmor(profile.clone()))),
            false => Err(absent(asked(), "AppArmor", "--apparmor unconfined")),
        };
    }
    let Some(context) = &args.selinux_label else { return Ok(None) };
    let asked = || format!("cannot use the SELinux label {}", shown(context));
    check(context, &asked)?;
    match std::path::Path::new("/sys/fs/selinux/enforce").exists() {
        true => Ok(Some(Label::SeLinux(context.clone()))),
        false => Err(absent(asked(), "SELinux", "no --selinux-label")),
    }
}

/// It becomes a line of a file in /proc.
fn check(name: &str, asked: &dyn Fn() -> String) -> Result<(), Error> {
    match name.is_empty() || name.chars().any(|c| c.is_control()) {
        true => Err(Error::new(asked()).because("it is empty or holds a control character")),
        false => Ok(()),
    }
}

fn absent(asked: String, module: &str, remedy: &str) -> Error {
    let modules = read("/sys/kernel/security/lsm");
    let seen = match modules.trim() {
        "" => String::new(),
        modules => format!(" (/sys/kernel/security/lsm: {modules})"),
    };
    Error::new(asked)
        .because(format!("{module} is not active on this machine{seen}"))
        .try_this(format!("{remedy}, or a kernel with {module}"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
