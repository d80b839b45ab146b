//! Wrong files: each is refused, with its place and what would be right.

#![forbid(unsafe_code)]

use super::super::{MAX_INSTRUCTIONS, Mistake, read};
use super::facts;

fn mistake(text: &str) -> Mistake {
    read(text, &facts(0)).expect_err(text)
}

/// The place, and words of what is said.
#[track_caller]
fn assert_refused(text: &str, place: &str, words: &[&str]) {
    let mistake = mistake(text);
    assert_eq!(mistake.place, place, "{text}: {mistake:?}");
    let said = format!("{} {}", mistake.what, mistake.remedy);
    for word in words {
        assert!(said.contains(word), "{word:?} is not in {said:?} of {text}");
    }
    assert!(!mistake.remedy.is_empty(), "{text}");
}

fn entry(entry: &str) -> String {
    format!(r#"{{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{entry}]}}"#)
}

#[test]
fn what_is_no_json_is_refused_with_line_and_column() {
    assert_refused("", "line 1 column 0", &["EOF"]);
    assert_refused("{\n  \"a\": }", "line 2 column 8", &["expected value"]);
    assert_refused("[]", "", &["a list is not an object"]);
    let deep = "[".repeat(100_000);
    assert_refused(&deep, "line 1 column 128", &["recursion limit"]);
}

#[test]
fn words_that_mean_nothing_are_refused_with_those_that_do() {
    let action = r#"{"defaultAction": "ALLOW"}"#;
    assert_refused(action, "defaultAction", &["\"ALLOW\" is no action", "SCMP_ACT_ALLOW"]);
    assert_refused("{}", "defaultAction", &["there is none"]);
    let action = r#"{"names": ["read"], "action": "SCMP_ACT_DENY"}"#;
    assert_refused(&entry(action), "syscalls[0].action", &["SCMP_ACT_DENY", "_TRAP"]);
    let operator = r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW"},
        {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{"op": "EQ"}]}"#;
    let words = ["\"EQ\" is no operator", "SCMP_CMP_NE", "_MASKED_EQ"];
    assert_refused(&entry(operator), "syscalls[1].args[0].op", &words);
    let arch =
        r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86", "amd64"]}"#;
    assert_refused(arch, "architectures[1]", &["\"amd64\" is no architecture", "SCMP_ARCH_X86_64"]);
    let arch = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "archMap": [{"architecture": "SCMP_ARCH_X86_64", "subArchitectures": ["x86"]}]}"#;
    assert_refused(arch, "archMap[0].subArchitectures[0]", &["x86"]);
    let flag = r#"{"defaultAction": "SCMP_ACT_ALLOW", "flags": ["LOG"]}"#;
    assert_refused(flag, "flags[0]", &["SECCOMP_FILTER_FLAG_LOG"]);
    let kernel = r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW",
        "includes": {"minKernel": "new"}}"#;
    assert_refused(&entry(kernel), "syscalls[0].includes.minKernel", &["4.8"]);
}

#[test]
fn what_nobody_answers_is_refused() {
    let notify = r#"{"names": ["mount"], "action": "SCMP_ACT_NOTIFY"}"#;
    assert_refused(&entry(notify), "syscalls[0].action", &["SCMP_ACT_NOTIFY", "another action"]);
    let listener = r#"{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/run/x"}"#;
    assert_refused(listener, "listenerPath", &["nothing here listens"]);
    let flag = r#"{"defaultAction": "SCMP_ACT_ALLOW",
        "flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]}"#;
    assert_refused(flag, "flags[0]", &["there is none"]);
}

#[test]
fn contradictions_are_refused() {
    let both = r#"{"name": "read", "names": ["read"], "action": "SCMP_ACT_ALLOW"}"#;
    assert_refused(&entry(both), "syscalls[0]", &["name and names", "names alone"]);
    assert_refused(&entry(r#"{"action": "SCMP_ACT_ALLOW"}"#), "syscalls[0].names", &["named"]);
    assert_refused(&entry(r#"{"names": ["read"]}"#), "syscalls[0].action", &["there is none"]);
    let arch = r#"{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86"],
        "archMap": [{"architecture": "SCMP_ARCH_X86_64"}]}"#;
    assert_refused(arch, "archMap", &["one of them"]);
    let errno = r#"{"names": ["read"], "action": "SCMP_ACT_ALLOW", "errnoRet": 1}"#;
    assert_refused(&entry(errno), "syscalls[0].errnoRet", &["SCMP_ACT_ALLOW returns no number"]);
    let errno = r#"{"defaultAction": "SCMP_ACT_KILL", "defaultErrnoRet": 1}"#;
    assert_refused(errno, "defaultErrnoRet", &["returns no number"]);
    let seccomp = r#"{"ociVersion": "1.0", "linux": {}}"#;
    assert_refused(seccomp, "linux", &["no seccomp"]);
}

#[test]
fn numbers_out_of_range_are_refused() {
    let row = |what: &str| {
        entry(&format!(r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [{what}]}}"#))
    };
    let place = |key: &str| format!("syscalls[0].args[0].{key}");
    let equal = r#""op": "SCMP_CMP_EQ""#;
    assert_refused(&row(&format!(r#"{{"index": 6, {equal}}}"#)), &place("index"), &["0 to 5"]);
    for wrong in ["-1", "18446744073709551616", "1.5", "\"0x10\"", "true"] {
        let text = row(&format!(r#"{{"index": 0, "value": {wrong}, {equal}}}"#));
        assert_refused(&text, &place("value"), &["not a whole number"]);
    }
    let masked = r#"{"value": 6, "valueTwo": 1, "op": "SCMP_CMP_MASKED_EQ"}"#;
    assert_refused(&row(masked), &place("valueTwo"), &["0x1", "0x6", "the mask in value"]);
    let errno = r#"{"names": ["read"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096}"#;
    assert_refused(&entry(errno), "syscalls[0].errnoRet", &["4095"]);
}

#[test]
fn a_policy_too_long_for_the_kernel_is_refused() {
    let rows: Vec<String> = (0..2000)
        .map(|value| {
            format!(
                r#"{{"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [
                    {{"index": 0, "value": {value}, "op": "SCMP_CMP_EQ"}},
                    {{"index": 1, "value": {value}, "op": "SCMP_CMP_EQ"}}]}}"#
            )
        })
        .collect();
    assert_refused(&entry(&rows.join(",")), "syscalls", &["instructions", "4096"]);
    assert_eq!(MAX_INSTRUCTIONS, 4096);
}
