//! Which container or unit a process belongs to, by the names that engines give to cgroups.

/// What the text of /proc/PID/cgroup says. cgroups(7)
pub(super) fn name(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::")).or_else(|| {
        text.lines().find_map(|line| line.split_once("name=systemd:").map(|at| at.1))
    })?;
    // The innermost that says something.
    path.rsplit('/').find_map(part)
}

/// Prefixes of scopes, and what to call what they run.
const ENGINES: [(&str, &str); 7] = [
    ("nsctl-", "nsctl"),
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
    ("machine-", "machine"),
];

fn part(part: &str) -> Option<String> {
    let name =
        part.strip_suffix(".scope").or_else(|| part.strip_suffix(".service")).unwrap_or(part);
    for (prefix, engine) in ENGINES {
        match name.strip_prefix(prefix).map(|rest| rest.strip_prefix("conmon-").unwrap_or(rest)) {
            Some(id) if is_id(id) => return Some(format!("{engine}:{}", &id[..12])),
            Some(id) if engine == "machine" && !id.is_empty() => {
                return Some(format!("machine:{id}"));
            }
            _ => {}
        }
    }
    if is_id(part) {
        return Some(part[..12].to_string());
    }
    let unit = part.ends_with(".service") || part.ends_with(".scope");
    unit.then(|| part.to_string())
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn engines_are_known_by_their_cgroups() {
        let id = "0123456789abcdef".repeat(4);
        let named = |path: &str| name(&format!("1:cpu:/x\n0::{path}\n"));
        let expect = |path: &str, expected: &str| {
            assert_eq!(named(path).as_deref(), Some(expected), "{path}");
        };
        expect(&format!("/system.slice/docker-{id}.scope"), "docker:0123456789ab");
        expect(&format!("/user.slice/libpod-{id}.scope/container"), "podman:0123456789ab");
        expect(&format!("/kubepods.slice/cri-containerd-{id}.scope"), "containerd:0123456789ab");
        expect(&format!("/docker/{id}"), "0123456789ab");
        expect(&format!("/user.slice/nsctl-{id}"), "nsctl:0123456789ab");
        expect("/system.slice/ssh.service", "ssh.service");
        expect("/machine.slice/machine-deb.scope/payload", "machine:deb");
        assert_eq!(named("/"), None);
        assert_eq!(name(""), None);
    }
}
