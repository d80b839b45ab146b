//! Options whose value decides.

use nsshim::spec::Kind;

use super::super::draft::Draft;
use super::NETWORK;

/// `-v`
pub fn volume(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    let source = value.split(':').next().unwrap_or_default();
    if !value.contains(':') {
        draft.differs(format!(
            "-v {value}: what is written there vanishes with the other changes; to keep it: -v \
             DIR:{value}"
        ));
        return "so anyway: there are the image's files".into();
    }
    if !source.starts_with(['/', '.', '~']) {
        draft.differs(format!("-v {value}: nsctl keeps no volumes with names; give a directory"));
    }
    draft.add(&["-v", value]);
    format!("-v {value}")
}

/// `--mount`
pub fn mount(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    // Without a type it is a volume.
    if value.split(',').all(|word| !word.starts_with("type=") || word == "type=volume") {
        draft.differs(format!(
            "--mount {value}: nsctl keeps no volumes with names: type=bind,src=DIR"
        ));
        return "-".into();
    }
    draft.add(&["--mount", value]);
    format!("--mount {value}")
}

/// `--log-driver`
pub fn log_driver(draft: &mut Draft, values: &[String]) -> String {
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

/// `--network`
pub fn network(draft: &mut Draft, values: &[String]) -> String {
    match values[0].as_str() {
        "none" => {
            draft.add(&["--net", "none"]);
            "--net none".into()
        }
        "bridge" | "default" | "private" => "a new network namespace, with lo only".into(),
        "host" => namespace(draft, Kind::Net, "host"),
        other if other.starts_with("container:") || other.starts_with("ns:") => {
            namespace(draft, Kind::Net, other)
        }
        other => {
            draft.differs(format!("--network {other}: {NETWORK}"));
            "-".into()
        }
    }
}

/// `--pid`, `--ipc` and so on
pub fn namespace(draft: &mut Draft, kind: Kind, value: &str) -> String {
    match value {
        "host" => {
            draft.share(kind);
            format!("--share {}", kind.file())
        }
        _ if value.starts_with("container:") || value.starts_with("ns:") => {
            // podman's word for a file.
            let file = value.strip_prefix("ns:").map(|file| format!("path:{file}"));
            let which = file.unwrap_or_else(|| value.to_string());
            draft.join(kind, which.clone());
            format!("join {which}")
        }
        _ => format!("a new {kind} namespace"),
    }
}

/// `--userns`
pub fn userns(draft: &mut Draft, values: &[String]) -> String {
    let (mode, options) = values[0].split_once(':').unwrap_or((&values[0], ""));
    match mode {
        "" | "host" => "so anyway: as root there is none, and a user has root inside".into(),
        "keep-id" if options.is_empty() => {
            draft.add(&["--userns", "new", "--keep-id"]);
            "--userns new --keep-id".into()
        }
        "keep-id" => kept_as(draft, options),
        "auto" => {
            draft.add(&["--userns", "new", "--map-auto"]);
            "--userns new --map-auto".into()
        }
        _ => {
            draft.differs(format!(
                "--userns {}: --map-users and --map-groups say which ids",
                values[0]
            ));
            "-".into()
        }
    }
}

/// `keep-id:uid=1000,gid=1000`: the caller has these inside.
fn kept_as(draft: &mut Draft, options: &str) -> String {
    let number = |key: &str| {
        let mut all = options.split(',').filter_map(|option| option.split_once('='));
        all.find(|(name, _)| *name == key).map(|(_, number)| number)
    };
    let mut words = vec!["--userns", "new"];
    for (key, word) in [("uid", "--map-user"), ("gid", "--map-group")] {
        match number(key) {
            Some(number) => words.extend([word, number]),
            None => draft.differs(format!(
                "--userns keep-id without {key}: podman keeps the caller's, here it is 0; {word} says \
                 another"
            )),
        }
    }
    draft.add(&words);
    words.join(" ")
}

/// `--device`, of which the rights are not ours to give
pub fn device(draft: &mut Draft, values: &[String]) -> String {
    let mut text = values[0].as_str();
    if let Some((rest, rights)) = text.rsplit_once(':')
        && !rights.is_empty()
        && rights.chars().all(|letter| "rwm".contains(letter))
    {
        text = rest;
        if !(rights.contains('r') && rights.contains('w')) {
            draft.differs(format!(
                "--device {}: the caller's rights to the device hold, there is no filter for less",
                values[0]
            ));
        }
    }
    draft.add(&["--device", text]);
    format!("--device {text}")
}

/// `--add-host`
pub fn host_name(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    if value.ends_with(":host-gateway") || value.ends_with("=host-gateway") {
        draft.differs(format!(
            "--add-host {value}: there is no gateway to the host; with --net host it is 127.0.0.1"
        ));
        return "-".into();
    }
    draft.add(&["--add-host", value]);
    format!("--add-host {value}")
}

/// `--log-opt`
pub fn log_option(draft: &mut Draft, values: &[String]) -> String {
    let value = &values[0];
    let key = value.split('=').next().unwrap_or_default();
    if !["max-size", "max-file", "tag"].contains(&key) {
        draft.differs(format!("--log-opt {value}: there are max-size, max-file, and tag"));
        return "-".into();
    }
    draft.add(&["--log-opt", value]);
    format!("--log-opt {value}")
}
