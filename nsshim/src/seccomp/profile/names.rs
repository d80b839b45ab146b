//! The words of the format: actions, operators, architectures, flags.

#![forbid(unsafe_code)]

use seccompiler::{SeccompAction, SeccompCmpOp};

use super::json::{Mistake, Object};

/// The action at `key`, if there is one, with the number at `number_key`.
pub(super) fn action(
    object: &Object<'_>,
    key: &str,
    number_key: &str,
) -> Result<Option<SeccompAction>, Mistake> {
    let Some(word) = object.string(key)? else { return Ok(None) };
    let number = object.number(number_key)?;
    // As runc; TRACE gives it to the tracer.
    let or_eperm = |most: u64| match number.unwrap_or(libc::EPERM as u64) {
        number if number <= most => Ok(number as u32),
        number => Err(Mistake::new(
            object.at(number_key),
            format!("{number} is more than the kernel can return"),
        )
        .try_this(format!("a number up to {most}"))),
    };
    let action = match word {
        "SCMP_ACT_ALLOW" => SeccompAction::Allow,
        // MAX_ERRNO, include/linux/err.h.
        "SCMP_ACT_ERRNO" => return or_eperm(4095).map(|errno| Some(SeccompAction::Errno(errno))),
        // SECCOMP_RET_DATA has 16 bits.
        "SCMP_ACT_TRACE" => return or_eperm(0xffff).map(|data| Some(SeccompAction::Trace(data))),
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => SeccompAction::KillThread,
        "SCMP_ACT_KILL_PROCESS" => SeccompAction::KillProcess,
        "SCMP_ACT_LOG" => SeccompAction::Log,
        "SCMP_ACT_TRAP" => SeccompAction::Trap,
        "SCMP_ACT_NOTIFY" => {
            return Err(Mistake::new(
                object.at(key),
                "SCMP_ACT_NOTIFY needs a program that answers, and there is none".into(),
            )
            .try_this("another action"));
        }
        _ => {
            return Err(Mistake::new(object.at(key), format!("{word:?} is no action")).try_this(
                "one of SCMP_ACT_ALLOW, _ERRNO, _KILL, _KILL_THREAD, _KILL_PROCESS, _LOG, \
                 _TRACE, _TRAP",
            ));
        }
    };
    match number {
        None => Ok(Some(action)),
        Some(_) => Err(Mistake::new(object.at(number_key), format!("{word} returns no number"))
            .try_this("SCMP_ACT_ERRNO, or no number")),
    }
}

/// The operator of a condition, and what is compared with.
pub(super) fn comparison(object: &Object<'_>) -> Result<(SeccompCmpOp, u64), Mistake> {
    let word = object.string("op")?.unwrap_or_default();
    let value = object.number("value")?.unwrap_or(0);
    let second = object.number("valueTwo")?.unwrap_or(0);
    let operator = match word {
        "SCMP_CMP_NE" => SeccompCmpOp::Ne,
        "SCMP_CMP_LT" => SeccompCmpOp::Lt,
        "SCMP_CMP_LE" => SeccompCmpOp::Le,
        "SCMP_CMP_EQ" => SeccompCmpOp::Eq,
        "SCMP_CMP_GE" => SeccompCmpOp::Ge,
        "SCMP_CMP_GT" => SeccompCmpOp::Gt,
        // The bits of the first value that the argument has are the second value.
        "SCMP_CMP_MASKED_EQ" if second & !value == 0 => {
            return Ok((SeccompCmpOp::MaskedEq(value), second));
        }
        "SCMP_CMP_MASKED_EQ" => {
            let what = format!("{second:#x} has bits that the mask {value:#x} has not");
            return Err(Mistake::new(object.at("valueTwo"), what)
                .try_this("the mask in value, the bits that are wanted in valueTwo"));
        }
        _ => {
            return Err(Mistake::new(object.at("op"), format!("{word:?} is no operator"))
                .try_this("one of SCMP_CMP_NE, _LT, _LE, _EQ, _GE, _GT, _MASKED_EQ"));
        }
    };
    Ok((operator, value))
}

/// An architecture of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    X86_64,
    X86,
    X32,
    /// One whose programs do not run here.
    Foreign,
}

/// The others of OCI's runtime specification.
const FOREIGN: &str = "ARM AARCH64 MIPS MIPS64 MIPS64N32 MIPSEL MIPSEL64 MIPSEL64N32 PPC PPC64 \
                       PPC64LE S390 S390X PARISC PARISC64 RISCV64 LOONGARCH64 M68K SH SHEB";

pub(super) fn architecture(word: &str, place: &str) -> Result<Architecture, Mistake> {
    match word.strip_prefix("SCMP_ARCH_") {
        Some("X86_64") => Ok(Architecture::X86_64),
        Some("X86") => Ok(Architecture::X86),
        Some("X32") => Ok(Architecture::X32),
        Some(other) if FOREIGN.split_whitespace().any(|known| known == other) => {
            Ok(Architecture::Foreign)
        }
        _ => Err(Mistake::new(place.into(), format!("{word:?} is no architecture"))
            .try_this("SCMP_ARCH_X86_64, SCMP_ARCH_X86, SCMP_ARCH_X32, …")),
    }
}

/// A flag of seccomp(2), as the kernel has it.
pub(super) fn flag(word: &str, place: &str) -> Result<u32, Mistake> {
    match word {
        // There is one thread.
        "SECCOMP_FILTER_FLAG_TSYNC" => Ok(0),
        "SECCOMP_FILTER_FLAG_LOG" => Ok(libc::SECCOMP_FILTER_FLAG_LOG as u32),
        "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => Ok(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW as u32),
        "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" => Err(Mistake::new(
            place.into(),
            format!("{word} is for a program that answers, and there is none"),
        )
        .try_this("the profile without it")),
        _ => Err(Mistake::new(place.into(), format!("{word:?} is no flag"))
            .try_this("SECCOMP_FILTER_FLAG_LOG, _SPEC_ALLOW, _TSYNC")),
    }
}
