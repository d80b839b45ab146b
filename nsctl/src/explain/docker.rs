//! `docker run` and `podman run`.

mod podman;
mod values;

use nsshim::spec::Kind;

use self::values::{
    device, host_name, log_driver, log_option, mount, namespace, network, userns, volume,
};
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
    row(&["--device"], One, Ours::By(device)),
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
    row(&["--add-host"], One, Ours::By(host_name)),
    row(&["--oom-score-adj"], One, Ours::Word("--oom-score-adj")),
    row(&["--umask"], One, Ours::Word("--umask")),
    row(&["--init"], Nothing, Ours::Anyway("PID 1 is an init")),
    row(&["--log-driver"], One, Ours::By(log_driver)),
    row(
        &["--entrypoint"],
        One,
        Ours::By(|draft, values| {
            draft.keep("entrypoint", &values[0]);
            match values[0].is_empty() {
                true => "so anyway: the command is what is written".into(),
                false => "the command begins with it".into(),
            }
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
        &[
            "--expose",
            "--network-alias",
            "--net-alias",
            "--link",
            "--ip",
            "--ip6",
            "--mac-address",
            "--link-local-ip",
        ],
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
            "--device-read-iops",
            "--device-write-iops",
            "--blkio-weight-device",
            "--cpu-rt-period",
            "--cpu-rt-runtime",
            "--kernel-memory",
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
    row(
        &["--health-start-interval"],
        One,
        Ours::Not("checks come at --health-interval from the start"),
    ),
    row(&["--label-file"], One, Ours::Not("--label KEY=VALUE, for each line of it")),
    row(&["--health-timeout"], One, Ours::Word("--health-timeout")),
    row(&["--no-healthcheck"], Nothing, Ours::Word("--no-healthcheck")),
    row(
        &["--shm-size"],
        One,
        Ours::By(|draft, values| {
            let size = values[0].to_ascii_lowercase();
            let text = format!("/dev/shm:size={}", size.trim_end_matches('b'));
            draft.add(&["--tmpfs", &text]);
            format!("--tmpfs {text}")
        }),
    ),
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
    row(&["--log-opt"], One, Ours::By(log_option)),
    row(&["-a", "--attach"], One, Ours::Not("in the foreground all streams are attached")),
    row(&["--sig-proxy"], Nothing, Ours::On("--sig-proxy", "signals reach the command")),
    row(&["--detach-keys"], One, Ours::Word("--detach-keys")),
    row(
        &["--gpus", "--runtime", "--isolation", "--annotation", "--storage-opt"],
        One,
        Ours::Not("there is no such thing"),
    ),
];

const STYLE: Style = Style { tool: "docker run", abbreviates: false, switches: true };

const PODMAN: Style = Style { tool: "podman run", ..STYLE };

/// What becomes of an option of docker's that has no place in a line of ours, or `None` when docker
/// has no such option either.
pub fn without(option: &str) -> Option<&'static str> {
    let row = TABLE.iter().find(|row| row.names.contains(&option))?;
    Some(match row.ours {
        Ours::Not(why) | Ours::Anyway(why) => why,
        Ours::Word(_) | Ours::On(..) | Ours::New(_) | Ours::By(_) => "nsctl says it in another way",
    })
}

/// Translates the words after `docker run`.
pub fn translate(words: &[String]) -> Result<Translation, String> {
    container(STYLE, &[TABLE], words)
}

/// Translates the words after `podman run`.
pub fn translate_podman(words: &[String]) -> Result<Translation, String> {
    container(PODMAN, &[TABLE, podman::TABLE], words)
}

fn container(style: Style, tables: &[&[Row]], words: &[String]) -> Result<Translation, String> {
    let mut draft = Draft::default();
    Kind::ALL
        .into_iter()
        .filter(|kind| !matches!(kind, Kind::Time | Kind::User))
        .for_each(|kind| draft.new_namespace(kind));
    draft.leave(Kind::User);
    let mut rest = read(style, tables, words, &mut draft)?.into_iter();
    let image = rest.next().ok_or_else(|| format!("{}: no image is given", style.tool))?;
    let is_directory = draft.kept("rootfs").is_some();
    let directory = if is_directory { image.clone() } else { directory(&image) };
    draft.add(&["--rootfs", &directory]);
    if !is_directory {
        draft.add(&["--overlay"]);
        draft.tell(&image, format!("--rootfs {directory} --overlay"));
    }
    let entrypoint = draft.kept("entrypoint").filter(|word| !word.is_empty());
    draft.command = entrypoint.into_iter().chain(rest).collect();
    if !is_directory {
        of_the_image(&mut draft, style, &image, &directory);
    }
    if draft.command.is_empty() {
        draft.command = vec!["sh".into()];
    }
    if draft.is_new(Kind::Net) && !draft.has("none") && !draft.has("--pod") {
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

/// What an image says besides its files.
fn of_the_image(draft: &mut Draft, style: Style, image: &str, directory: &str) {
    let engine = style.tool.trim_end_matches(" run");
    draft.differs(match (draft.command.first(), draft.kept("entrypoint")) {
        (None, _) => {
            "the image's own command, directory, user and variables are not known".to_string()
        }
        (Some(_), Some(_)) => {
            "the image's own directory, user and variables are not known".to_string()
        }
        (Some(word), None) if word.starts_with('-') => format!(
            "{word} is for the image's own ENTRYPOINT, which is not known: {engine} image inspect \
             {image} shows it, and it goes before {word}"
        ),
        (Some(_), None) => {
            "the image's own ENTRYPOINT, directory, user and variables are not known".to_string()
        }
    });
    draft.differs(format!(
        "{IMAGE}: mkdir {directory} && {engine} export $({engine} create {image}) | tar -xC {directory}"
    ));
}

/// `docker.io/library/alpine:3` → `./alpine`
fn directory(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    let name = name.split([':', '@']).next().unwrap_or(name);
    format!("./{name}")
}
