//! Random files, read as libseccomp's documentation has it, against the programs they become.

#![forbid(unsafe_code)]

use serde_json::{Value, json};

use super::super::read;
use super::{AARCH64, I386, X86_64, facts};
use crate::seccomp::arch::Arch;
use crate::seccomp::interpreter::{SystemCall, run};
use crate::seccomp::tests::random::Random;

const NAMES: [&str; 8] =
    ["read", "clone", "socket", "ioctl", "prctl", "mount", "openat2", "no_such_call"];
const OPERATORS: [&str; 7] = ["NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"];
const ACTIONS: [(&str, u32); 5] = [
    ("ALLOW", libc::SECCOMP_RET_ALLOW),
    ("LOG", libc::SECCOMP_RET_LOG),
    ("KILL_PROCESS", libc::SECCOMP_RET_KILL_PROCESS),
    ("TRAP", libc::SECCOMP_RET_TRAP),
    ("TRACE", libc::SECCOMP_RET_TRACE | 1),
];

fn entry(random: &mut Random) -> Value {
    let names: Vec<&str> = (0..=random.below(2)).map(|_| NAMES[random.below(8) as usize]).collect();
    let args: Vec<Value> = (0..random.below(3))
        .map(|_| {
            let operator = OPERATORS[random.below(7) as usize];
            let value = random.value();
            let second = random.value() & value;
            let index = random.below(3);
            json!({"index": index, "op": format!("SCMP_CMP_{operator}"),
                   "value": value, "valueTwo": second})
        })
        .collect();
    let action = ACTIONS[random.below(5) as usize].0;
    json!({"names": names, "action": format!("SCMP_ACT_{action}"), "args": args})
}

fn kernels(action: &Value) -> u32 {
    let word = action.as_str().unwrap().strip_prefix("SCMP_ACT_").unwrap();
    ACTIONS.iter().find(|(name, _)| *name == word).unwrap().1
}

fn holds(arg: &Value, args: &[u64; 6]) -> bool {
    let field = |name: &str| arg[name].as_u64().unwrap();
    let (argument, value) = (args[field("index") as usize], field("value"));
    match arg["op"].as_str().unwrap().strip_prefix("SCMP_CMP_").unwrap() {
        "NE" => argument != value,
        "LT" => argument < value,
        "LE" => argument <= value,
        "EQ" => argument == value,
        "GE" => argument >= value,
        "GT" => argument > value,
        _ => argument & value == field("valueTwo"),
    }
}

/// What the file says of a call, read straight off the JSON.
fn expected(file: &Value, name: &str, args: &[u64; 6]) -> u32 {
    let default = &file["defaultAction"];
    let concerned = || {
        file["syscalls"].as_array().unwrap().iter().filter(|entry| {
            entry["action"] != *default
                && entry["names"].as_array().unwrap().iter().any(|other| other == name)
        })
    };
    let conditions = |entry: &Value| entry["args"].as_array().unwrap().clone();
    if let Some(entry) = concerned().find(|entry| conditions(entry).is_empty()) {
        return kernels(&entry["action"]);
    }
    let matches = |entry: &&Value| {
        let conditions = conditions(entry);
        let twice = conditions.len() == 2 && conditions[0]["index"] == conditions[1]["index"];
        match twice {
            true => conditions.iter().any(|arg| holds(arg, args)),
            false => conditions.iter().all(|arg| holds(arg, args)),
        }
    };
    concerned().find(matches).map_or(kernels(default), |entry| kernels(&entry["action"]))
}

#[test]
fn every_number_and_telling_arguments_fare_as_random_files_say() {
    let mut random = Random::seeded(8);
    let arches = Arch::of_target("x86_64").unwrap();
    for _ in 0..150 {
        let entries: Vec<Value> = (0..random.below(12)).map(|_| entry(&mut random)).collect();
        let default = ACTIONS[random.below(5) as usize].0;
        let file = json!({"defaultAction": format!("SCMP_ACT_{default}"),
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"], "syscalls": entries});
        let profile = read(&file.to_string(), &facts(0)).unwrap();
        let program = profile.filter.instructions();
        let fields = |name: &str| -> Vec<u64> {
            let all = entries.iter().flat_map(|entry| entry["args"].as_array().unwrap());
            all.map(|arg| arg[name].as_u64().unwrap()).collect()
        };
        let mut values = fields("value");
        values.extend(fields("valueTwo"));
        values.push(0);
        for arch in arches {
            for (number, name) in arch.syscalls() {
                let named = NAMES.contains(&name);
                for _ in 0..if named { 60 } else { 1 } {
                    let mut args = random.args();
                    for arg in &mut args[..3] {
                        let value = values[random.below(values.len() as u64) as usize];
                        *arg = value.wrapping_add(random.below(3)).wrapping_sub(1);
                    }
                    let found = run(program, &SystemCall { number, audit: arch.audit, args }).0;
                    let seen = match arch.audit {
                        I386 => args.map(|arg| arg & 0xffff_ffff),
                        _ => args,
                    };
                    assert_eq!(found, expected(&file, name, &seen), "{name} {args:x?} of {file}");
                }
            }
            let beyond = SystemCall { number: 900, audit: arch.audit, args: [0; 6] };
            assert_eq!(run(program, &beyond).0, kernels(&file["defaultAction"]));
        }
        for (audit, number) in [(AARCH64, 0), (X86_64, 1 << 30)] {
            let foreign = SystemCall { number, audit, args: [0; 6] };
            assert_eq!(run(program, &foreign).0, libc::SECCOMP_RET_KILL_PROCESS);
        }
    }
}
