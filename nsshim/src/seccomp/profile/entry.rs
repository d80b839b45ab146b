//! One entry of `syscalls`: which calls, for whom, what happens, when.

#![forbid(unsafe_code)]

use caps::Capability;
use seccompiler::{SeccompAction, SeccompCmpOp};

use super::Facts;
use super::json::{Mistake, Object};
use super::names;

/// An entry, read.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub names: Vec<&'a str>,
    pub action: SeccompAction,
    pub conditions: Vec<Comparison>,
    /// Where it is in the file.
    pub place: String,
}

/// A comparison of an argument, before it is known how wide the argument is.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    /// 0 to 5.
    pub argument: u8,
    pub operator: SeccompCmpOp,
    pub value: u64,
}

impl<'a> Entry<'a> {
    /// Reads an entry; `None` if it is not for this container.
    pub fn read(object: &Object<'a>, facts: &Facts) -> Result<Option<Self>, Mistake> {
        let names = match (object.string("name")?, object.strings("names")?) {
            (Some(name), names) if names.is_empty() => vec![name],
            (None, names) if !names.is_empty() => names,
            (None, _) => {
                return Err(Mistake::new(object.at("names"), "no system call is named".into())
                    .try_this("\"names\": [\"read\", …]"));
            }
            (Some(_), _) => {
                return Err(Mistake::new(object.place.clone(), "it has name and names".into())
                    .try_this("names alone"));
            }
        };
        let action = names::action(object, "action", "errnoRet")?.ok_or_else(|| {
            Mistake::new(object.at("action"), "there is none".into()).try_this("SCMP_ACT_ALLOW")
        })?;
        let conditions =
            object.objects("args")?.iter().map(Comparison::read).collect::<Result<_, _>>()?;
        // Read before the decision, so that a mistake shows everywhere.
        let entry = Self { names, action, conditions, place: object.place.clone() };
        let excluded = match object.object("excludes")? {
            Some(filter) => Wanted::read(&filter, facts)?.any(),
            None => false,
        };
        let included = match object.object("includes")? {
            Some(filter) => Wanted::read(&filter, facts)?.all(),
            None => true,
        };
        Ok((included && !excluded).then_some(entry))
    }
}

impl Comparison {
    fn read(object: &Object<'_>) -> Result<Self, Mistake> {
        let index = object.number("index")?.unwrap_or(0);
        let argument = u8::try_from(index).ok().filter(|index| *index < 6).ok_or_else(|| {
            Mistake::new(object.at("index"), format!("{index}: a system call has six arguments"))
                .try_this("a number from 0 to 5")
        })?;
        let (operator, value) = names::comparison(object)?;
        Ok(Self { argument, operator, value })
    }
}

/// Which of the things that `includes` or `excludes` names hold.
struct Wanted {
    architectures: Option<bool>,
    capabilities: Vec<bool>,
    kernel: Option<bool>,
}

impl Wanted {
    fn read(object: &Object<'_>, facts: &Facts) -> Result<Self, Mistake> {
        let arches = object.strings("arches")?;
        // docker's words for the processor, not for what else its kernel runs.
        let ours = |arch: &&str| matches!(*arch, "amd64" | "x86_64");
        let capability = |name: &&str| {
            let capability: Result<Capability, _> = name.parse();
            // One that is not known here nobody has.
            capability.is_ok_and(|capability| facts.capabilities & capability.bitmask() != 0)
        };
        let kernel = match object.string("minKernel")? {
            Some(text) => Some(facts.kernel >= version(text, &object.at("minKernel"))?),
            None => None,
        };
        Ok(Self {
            architectures: (!arches.is_empty()).then(|| arches.iter().any(ours)),
            capabilities: object.strings("caps")?.iter().map(capability).collect(),
            kernel,
        })
    }

    fn every(&self) -> impl Iterator<Item = bool> {
        self.architectures.into_iter().chain(self.capabilities.iter().copied()).chain(self.kernel)
    }

    fn any(&self) -> bool {
        self.every().any(|holds| holds)
    }

    fn all(&self) -> bool {
        self.every().all(|holds| holds)
    }
}

fn version(text: &str, place: &str) -> Result<(u32, u32), Mistake> {
    let (major, minor) = text.split_once('.').unwrap_or((text, ""));
    let number = |text: &str| text.parse().ok();
    number(major).zip(number(minor)).ok_or_else(|| {
        Mistake::new(place.into(), format!("{text:?} is no kernel version")).try_this("\"4.8\"")
    })
}
