//! `docker run` and `podman run`.

use nsshim::spec::Kind;

use super::draft::{Draft, Translation};
use super::options::Takes::{Nothing, One};
use super::options::{Ours, Row, Style, read, row};

const IMAGE: &str = "nsctl takes directories and image files, and fetches nothing";
const GROUP: &str = "limits of control groups are not set";
const NETWORK: &str = "a new network has lo only, so there is nothing to name or to publish";

const TABLE: &[Row] = &[
    // What is called the same.
    row(&["-d", "--detach"], Nothing, Ours::Word("--detach")),
    row(&["-i", "--interactive"], Nothing, Ours::Word("--interactive")),
    row(&["-t", "--tty"], Nothing, Ours::Word("--tty")),
    row(&["--rm"], Nothing, Ours::Word("--rm")),
    row(&["--name"], One, Ours::Word("--name")),
    row(&["-e", "--env"], One, Ours::Word("--env")),
    row(&["--env-file"], One, Ours::Word("--env-file")),
    row(&["-w", "--workdir"], One, Ours::Word("--workdir")),
    row(&["-v", "--volume"], One, Ours::By(volume)),
    row(&["--mount"], One, Ours::By(mount)),
    row(&["--tmpfs"], One, Ours::Word("--tmpfs")),
    row(&["--device"], One, Ours::Word("--device")),
    row(&["-h", "--hostname"], One, Ours::Word("--hostname")),
    row(&["--domainname"], One, Ours::Word("--domainname")),
    row(&["--cap-add"], One, Ours::Word("--cap-add")),
    row(&["--cap-drop"], One, Ours::Word("--cap-drop")),
    row(&["--privileged"], Nothing, Ours::Word("--privileged")),
    row(&["--read-only"], Nothing, Ours::Word("--read-only")),
    row(&["-u", "--user"], One, Ours::Word("--user")),
    row(&["--group-add"], One, Ours::Word("--groups")),
    row(&["--security-opt"], One, Ours::Word("--security-opt")),
    row(&["--ulimit"], One, Ours::Word("--rlimit")),
    row(&["--restart"], One, Ours::Word("--restart")),
    row(&["-l", "--label"], One, Ours::Word("--label")),
    row(&["--cidfile"], One, Ours::Word("--cidfile")),
    row(&["--stop-signal"], One, Ours::Word("--stop-signal")),
    row(&["--stop-timeout"], One, Ours::Word("--stop-timeout")),
    row(&["--dns"], One, Ours::Word("--dns")),
    row(&["--dns-search"], One, Ours::Word("--dns-search")),
    row(&["--dns-option", "--dns-opt"], One, Ours::Word("--dns-option")),
    row(&["--add-host"], One, Ours::Word("--add-host")),
    row(&["--oom-score-adj"], One, Ours::Word("--oom-score-adj")),
    row(&["--umask"], One, Ours::Word("--umask")),
    row(&["--init"], Nothing, Ours::Anyway("PID 1 is an init")),
    row(&["--log-driver"], One, Ours::By(log_driver)),
    row(
        &["--entrypoint"],
        One,
        Ours::By(|draft, values| {
            draft.keep("entrypoint", &values[0]);
            "the command begins with it".into()
        }),
    ),
    // Namespaces.
    row(&["--network", "--net"], One, Ours::By(network)),
    row(&["--pid"], One, Ours::By(|draft, values| namespace(draft, Kind::Pid, &values[0]))),
    row(&["--ipc"], One, Ours::By(|draft, values| namespace(draft, Kind::Ipc, &values[0]))),
    row(&["--uts"], One, Ours::By(|draft, values| namespace(draft, Kind::Uts, &values[0]))),
    row(&["--cgroupns"], One, Ours::By(|draft, values| namespace(draft, Kind::Cgroup, &values[0]))),
    row(&["--userns"], One, Ours::By(userns)),
    // What there is not.
    row(&["-p", "--publish"], One, Ours::Not(NETWORK)),
    row(&["-P", "--publish-all"], Nothing, Ours::Not(NETWORK)),
    row(
        &["--expose", "--network-alias", "--net-alias", "--link", "--ip", "--ip6", "--mac-address"],
        One,
        Ours::Not(NETWORK),
    ),
    row(
        &[
            "-m",
            "--memory",
            "--memory-swap",
            "--memory-reservation",
            "--memory-swappiness",
            "--cpus",
            "-c",
            "--cpu-shares",
            "--cpu-quota",
            "--cpu-period",
            "--cpuset-cpus",
            "--cpuset-mems",
            "--pids-limit",
            "--blkio-weight",
            "--device-read-bps",
            "--device-write-bps",
            "--device-cgroup-rule",
            "--cgroups",
        ],
        One,
        Ours::Not(GROUP),
    ),
    row(&["--cgroup-parent"], One, Ours::Word("--cgroup-parent")),
    row(&["--oom-kill-disable"], Nothing, Ours::Not(GROUP)),
    row(&["--health-cmd"], One, Ours::Word("--health-cmd")),
    row(&["--health-interval"], One, Ours::Word("--health-interval")),
    row(&["--health-retries"], One, Ours::Word("--health-retries")),
    row(&["--health-start-period"], One, Ours::Word("--health-start-period")),
    row(&["--health-timeout"], One, Ours::Word("--health-timeout")),
    row(&["--no-healthcheck"], Nothing, Ours::Word("--no-healthcheck")),
    row(&["--shm-size"], One, Ours::Not("--tmpfs /dev/shm:size=BYTES")),
    row(
        &["--sysctl"],
        One,
        Ours::Not(
            "settings of the own namespaces are written inside, with \
        --cap-add or --privileged",
        ),
    ),
    row(&["--volumes-from", "--volume-driver"], One, Ours::Not("a volume is a directory: -v")),
    row(&["--platform", "--pull"], One, Ours::Not(IMAGE)),
    row(&["-q", "--quiet", "--disable-content-trust"], Nothing, Ours::Anyway("nothing is fetched")),
    row(&["--log-opt"], One, Ours::Word("--log-opt")),
    row(&["-a", "--attach"], One, Ours::Not("in the foreground all streams are attached")),
    row(&["--sig-proxy"], Nothing, Ours::Anyway("signals reach the command")),
    row(&["--detach-keys"], One, Ours::Word("--detach-keys")),
    row(
        &["--gpus", "--runtime", "--isolation", "--annotation", "--storage-opt"],
        One,
        Ours::Not("there is no such thing"),
    ),
];

const STYLE: Style = Style { tool: "docker run", abbreviates: false, switches: true };

/// What becomes of an option of docker's that has no place in a line of ours, or `None` when docker
/// has no such option either.
pub fn without(option: &str) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.names.contains(&option))?;
    Some(match row.ours {
        Ours::Not(why) | Ours::Anyway(why) => why,
        Ours::Word(_) | Ours::New(_) | Ours::By(_) => "nsctl says it in another way",
    })
}

/// Translates the words after `docker run`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    Kind::ALL
        .into_iter()
        .filter(|kind| !matches!(kind, Kind::Time | Kind::User))
        .for_each(|kind| draft.new_namespace(kind));
    draft.leave(Kind::User);
    let mut rest = read(STYLE, TABLE, words, &mut draft)?.into_iter();
    let image = rest.next().ok_or("docker run: no image is given")?;
    let directory = directory(&image);
    draft.add(&["--rootfs", &directory, "--overlay"]);
    draft.tell(&image, format!("--rootfs {directory} --overlay"));
    let mut command: Vec<String> = draft.kept("entrypoint").into_iter().chain(rest).collect();
    if command.is_empty() {
        command = vec!["sh".into()];
        draft.differs("the image's own command, directory, user and variables are not known");
    }
    draft.command = command;
    draft.differs(format!(
        "{IMAGE}: mkdir {directory} && docker export $(docker create {image}) | tar -xC {directory}"
    ));
    if draft.is_new(Kind::Net) && !draft.has("none") {
        draft.differs(
            "the network: docker's has a way out (bridge), ours is lo only; or --net host",
        );
    }
    draft.differs(
        "no daemon and no root: as a user root inside is the caller outside; --map-auto gives a range \
         of ids",
    );
    if !draft.has("--detach") {
        draft
            .differs("in the foreground nothing is left behind; changes vanish with the container");
    }
    Ok(draft.finish())
}

/// `docker.io/library/alpine:3` → `./alpine`
fn directory(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split([':', '@']).next().unwrap_or(name);
    format!("./{name}")
}

fn volume(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    let source = value.split(':').next().unwrap_or_default();
    if !source.starts_with(['/', '.', '~']) || !value.contains(':') {
        draft.differs(format!("-v {value}: nsctl keeps no volumes with names; give a directory"));
    }
    draft.add(&["-v", value]);
    format!("-v {value}")
}

fn mount(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    if !value.contains("type=bind") && !value.contains("type=tmpfs") {
        draft.differs(format!("--mount {value}: nsctl keeps no volumes with names: type=bind"));
    }
    draft.add(&["--mount", value]);
    format!("--mount {value}")
}

fn log_driver(draft: &mut Draft, values: &[String]) -> String {
    match values[0].as_str() {
        driver @ ("json-file" | "journald" | "none") => {
            draft.add(&["--log-driver", driver]);
            format!("--log-driver {driver}")
        }
        driver => {
            draft.differs(format!(
                "--log-driver {driver}: there are json-file, file, journald and none"
            ));
            "-".into()
        }
    }
}

fn network(draft: &mut Draft, values: &[String]) -> String {
    match values[0].as_str() {
        "none" => {
            draft.add(&["--net", "none"]);
            "--net none".into()
        }
        "bridge" | "default" | "private" => "a new network namespace, with lo only".into(),
        "host" => namespace(draft, Kind::Net, "host"),
        other if other.starts_with("container:") => namespace(draft, Kind::Net, other),
        other => {
            draft.differs(format!("--network {other}: {NETWORK}"));
            "-".into()
        }
    }
}

fn namespace(draft: &mut Draft, kind: Kind, value: &str) -> String {
    match value {
        "host" => {
            draft.share(kind);
            format!("--share {}", kind.file())
        }
        _ if value.starts_with("container:") || value.starts_with("ns:") => {
            let which = value.replacen("ns:", "path:", 1);
            let which = if value.starts_with("ns:") { which } else { value.to_string() };
            draft.join(kind, which.clone());
            format!("join {which}")
        }
        _ => format!("a new {kind} namespace"),
    }
}

fn userns(draft: &mut Draft, values: &[String]) -> String {
    match values[0].as_str() {
        "host" => {
            draft.add(&["--userns", "host"]);
            "--userns host".into()
        }
        value if value.starts_with("keep-id") => {
            draft.add(&["--userns", "new", "--keep-id"]);
            "--userns new --keep-id".into()
        }
        "auto" => {
            draft.add(&["--userns", "new", "--map-auto"]);
            "--userns new --map-auto".into()
        }
        value => {
            draft.differs(format!("--userns {value}: --map-users and --map-groups say which ids"));
            "-".into()
        }
    }
}
