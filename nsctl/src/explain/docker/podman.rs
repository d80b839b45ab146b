//! Options that `podman run` has besides docker's.

use super::super::options::Takes::{Nothing, One};
use super::super::options::{Ours, Row, row};
use super::IMAGE;

const RANGES: &str = "--map-users, --map-groups INSIDE:OUTSIDE:COUNT, or --map-auto; podman's numbers \
                      outside are those of its own user namespace";
const HEALTH: &str = "a container that is unhealthy is shown as that";

pub const TABLE: &[Row] = &[
    row(&["--pod"], One, Ours::Word("--pod")),
    row(&["--timeout"], One, Ours::Word("--timeout")),
    row(&["--no-hosts"], Nothing, Ours::Word("--no-hosts")),
    row(&["--no-hostname"], Nothing, Ours::Word("--no-hostname")),
    row(&["--preserve-fds"], One, Ours::Word("--preserve-fds")),
    row(&["--pidfile"], One, Ours::Word("--pid-file")),
    row(
        &["--rootfs"],
        Nothing,
        Ours::By(|draft, _| {
            draft.keep("rootfs", "");
            "--rootfs DIR".into()
        }),
    ),
    row(&["--init-path"], One, Ours::Anyway("PID 1 is an init")),
    row(&["--http-proxy", "--rmi", "--tls-verify"], Nothing, Ours::Anyway("nothing is fetched")),
    row(
        &["--read-only-tmpfs"],
        Nothing,
        Ours::Not("--tmpfs DST, for each that is to be written to"),
    ),
    row(&["--replace"], Nothing, Ours::Not("first: nsctl rm -f NAME")),
    row(&["--env-host"], Nothing, Ours::Not("-e NAME, which takes the caller's value")),
    row(&["--env-merge", "--unsetenv"], One, Ours::Not("the image's variables are not known")),
    row(&["--unsetenv-all"], Nothing, Ours::Not("the image's variables are not known")),
    row(&["--tz"], One, Ours::Not("-e TZ=ZONE")),
    row(
        &["--systemd"],
        One,
        Ours::Not("what systemd needs is said by options, such as --tmpfs /run"),
    ),
    row(&["--sdnotify"], One, Ours::Not("--status-fd tells when the command runs")),
    row(&["--uidmap", "--gidmap", "--subuidname", "--subgidname"], One, Ours::Not(RANGES)),
    row(
        &["--hostuser", "--passwd-entry", "--group-entry"],
        One,
        Ours::Not("accounts are those of the root's /etc/passwd"),
    ),
    row(&["--passwd"], Nothing, Ours::Not("accounts are those of the root's /etc/passwd")),
    row(&["--secret"], One, Ours::Not("--file DST=- takes it from standard input")),
    row(
        &[
            "--arch",
            "--os",
            "--variant",
            "--authfile",
            "--creds",
            "--cert-dir",
            "--decryption-key",
            "--retry",
            "--retry-delay",
            "--image-volume",
            "--signature-policy",
        ],
        One,
        Ours::Not(IMAGE),
    ),
    row(&["--health-on-failure", "--health-startup-cmd"], One, Ours::Not(HEALTH)),
    row(&["--cgroup-conf"], One, Ours::Not(super::GROUP)),
    row(
        &[
            "--pod-id-file",
            "--requires",
            "--conmon-pidfile",
            "--chrootdirs",
            "--seccomp-policy",
            "--personality",
            "--shm-size-systemd",
        ],
        One,
        Ours::Not("there is no such thing"),
    ),
];
