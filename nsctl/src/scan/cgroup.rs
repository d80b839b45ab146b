//! Which container or unit a process belongs to, by the names that engines give to cgroups.

/// What the text of /proc/PID/cgroup says. cgroups(7)
pub(super) fn name(text: &str) -> Option<String> {
    let paths = || text.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let by_systemd = text.lines().find_map(|line| line.split_once("name=systemd:"));
    let unified = text.lines().find_map(|line| line.strip_prefix("0::"));
    // Where there are hierarchies of both versions, an engine may use the old ones only; of
    // units the one that systemd uses tells.
    let engine = unified.into_iter().chain(paths()).find_map(|path| innermost(path, container));
    let unit = || unified.into_iter().chain(by_systemd.map(|line| line.1));
    engine.or_else(|| unit().find_map(|path| innermost(path, unit_name)))
}

/// The innermost part that says something.
fn innermost(path: &str, says: fn(&str) -> Option<String>) -> Option<String> {
    path.rsplit('/').find_map(says)
}

/// Prefixes of scopes, and what to call what they run.
const ENGINES: [(&str, &str); 6] = [
    ("nsctl-", "nsctl"),
    ("docker-", "docker"),
    ("libpod-", "podman"),
    ("cri-containerd-", "containerd"),
    ("nerdctl-", "containerd"),
    ("crio-", "cri-o"),
];

/// Prefixes of those that have names, not numbers.
const NAMED: [(&str, &str); 3] =
    [("machine-", "machine"), ("systemd-nspawn@", "machine"), ("lxc.payload.", "lxc")];

fn container(part: &str) -> Option<String> {
    let name = part.strip_suffix(".scope").or_else(|| part.strip_suffix(".service"));
    let name = name.unwrap_or(part);
    // containerd as a unit of systemd: `SLICE:cri-containerd:ID`
    if let Some((_, id)) = name.rsplit_once(":cri-containerd:").filter(|(_, id)| is_id(id)) {
        return Some(format!("containerd:{}", &id[..12]));
    }
    for (prefix, engine) in ENGINES {
        let id = name.strip_prefix(prefix).map(|rest| rest.strip_prefix("conmon-").unwrap_or(rest));
        if let Some(id) = id.filter(|id| is_id(id)) {
            return Some(format!("{engine}:{}", &id[..12]));
        }
    }
    for (prefix, engine) in NAMED {
        if let Some(name) = name.strip_prefix(prefix).filter(|name| !name.is_empty()) {
            return Some(format!("{engine}:{name}"));
        }
    }
    is_id(part).then(|| part[..12].to_string())
}

fn unit_name(part: &str) -> Option<String> {
    (part.ends_with(".service") || part.ends_with(".scope")).then(|| part.to_string())
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
        expect(&format!("/libpod_parent/libpod-{id}"), "podman:0123456789ab");
        expect(&format!("/user.slice/libpod-conmon-{id}.scope"), "podman:0123456789ab");
        expect(
            &format!("/system.slice/containerd.service/kubepods-x.slice:cri-containerd:{id}"),
            "containerd:0123456789ab",
        );
        expect(&format!("/kubepods.slice/pod1/crio-{id}.scope"), "cri-o:0123456789ab");
        expect("/lxc.payload.web/init.scope", "lxc:web");
        expect("/machine.slice/systemd-nspawn@deb.service/payload", "machine:deb");
        for odd in ["/docker-.scope", "/docker-xyz.scope", "/x:cri-containerd:", "/lxc.payload."] {
            assert!(!named(odd).unwrap_or_default().contains("d:"), "{odd}");
        }
        assert_eq!(named("/"), None);
        assert_eq!(name(""), None);
    }

    #[test]
    fn an_engine_in_an_old_hierarchy_is_found_beside_systemd() {
        let id = "0123456789abcdef".repeat(4);
        let both = format!("4:memory:/docker/{id}\n1:name=systemd:/x.service\n0::/\n");
        assert_eq!(name(&both).as_deref(), Some("0123456789ab"));
        assert_eq!(name("1:name=systemd:/a/x.service\n0::/\n").as_deref(), Some("x.service"));
    }
}
