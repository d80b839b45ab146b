//! docker's words, right and wrong.

use nsshim::spec::Propagation;

use super::super::samples;
use super::*;

fn volume(text: &str) -> (Volume, Below) {
    match parse(text.as_bytes()) {
        Ok(MountOption::Bind(volume, below)) => (volume, below),
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn dockers_words_for_a_bind_are_read() {
    let (plain, below) = volume("type=bind,src=/a,dst=/b");
    assert_eq!((plain.source, plain.target, below), ("/a".into(), "/b".into(), Below::Same));
    for text in ["ro", "readonly", "ro=true", "readonly=1", "bind-recursive=readonly,ro"] {
        let text = format!("type=bind,source=a,target=/b,{text}");
        assert!(volume(&text).0.words.flags.has("ro"), "{text}");
    }
    let (written, _) = volume("destination=/b,readonly=false,type=bind,source=a");
    assert!(written.words.flags.has("rw"));
    let (slave, _) = volume("type=bind,src=a,dst=/b,bind-propagation=rslave,consistency=cached");
    assert_eq!(slave.words.propagation(), Propagation::Slave);
    for text in ["bind-nonrecursive", "bind-nonrecursive=true", "bind-recursive=disabled"] {
        assert!(!volume(&format!("type=bind,src=a,dst=/b,{text}")).0.words.recursive());
    }
    assert!(volume("type=bind,src=a,dst=/b,bind-nonrecursive=false").0.words.recursive());
    assert_eq!(volume("type=bind,src=a,dst=/b,ro,bind-recursive=writable").1, Below::Untouched);
    assert!(volume("type=bind,src=a,dst=/b,noexec,dev").0.words.flags.has("noexec"));
}

#[test]
fn quotes_protect_paths() {
    let (quoted, _) = volume(r#"type=bind,"src=/a,""b"":c","dst=/d e=f""#);
    assert_eq!(quoted.source, PathBuf::from(r#"/a,"b":c"#));
    assert_eq!(quoted.target, PathBuf::from("/d e=f"));
}

#[test]
fn each_type_has_its_keys() {
    for right in [
        "type=tmpfs,dst=/t",
        "type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770,ro,exec",
        "type=tmpfs,dst=/t,size=64m,mode=700,uid=1,gid=2",
        "type=overlay,dst=/o,lowerdir=/a",
        "type=overlay,dst=/o,lowerdir=/a,lowerdir=b,upper=c,noexec",
        "type=overlay,dst=/o,lowerdir=/a,upperdir=b,workdir=c",
        "type=overlay,dst=/o,lowerdir=/a,lowerdir=/b,ro",
        "type=proc,dst=/p,hidepid=2",
        "type=proc,dst=/proc",
        "type=sysfs,dst=/s,rw,src=sysfs",
        "type=mqueue,dst=/m",
        "type=devpts,dst=/d,mode=600,max=10",
        "type=cgroup,dst=/c",
        "type=cgroup2,dst=/c",
    ] {
        assert!(parse(right.as_bytes()).is_ok(), "{right}: {:?}", parse(right.as_bytes()));
    }
}

#[test]
fn wrong_mounts_are_refused_with_what_is_wrong() {
    for (text, reason) in [
        ("", "field is empty"),
        ("type=bind", "dst= is missing"),
        ("src=/a,dst=/b", "type= is missing"),
        ("type=bind,dst=/b", "src= is missing"),
        ("type=bind,src=,dst=/b", "src= is missing"),
        ("type=bind,src=/a,dst=", "missing"),
        ("type=bind,src=/a,dst=b", "does not begin with /"),
        ("type=bind,src=/a,dst=/b,dst=/c", "said twice"),
        ("type=bind,src=/a,source=/c,dst=/b", "said twice"),
        ("type=bind,type=bind,src=/a,dst=/b", "said twice"),
        ("type=bind,src=/a,dst=/b,", "field is empty"),
        ("type=bind,src=/a,dst=/b,=x", "field is empty"),
        ("type=bind,src=/a,dst=/b,ro=maybe", "neither true nor false"),
        ("type=bind,src=/a,dst=/b,ro,rw", "contradict"),
        ("type=bind,src=/a,dst=/b,ro,readonly=false", "contradict"),
        ("type=bind,src=/a,dst=/b,bind-propagation=none", "rprivate"),
        ("type=bind,src=/a,dst=/b,bind-propagation=ro", "rprivate"),
        ("type=bind,src=/a,dst=/b,bind-recursive", "enabled"),
        ("type=bind,src=/a,dst=/b,bind-recursive=maybe", "enabled"),
        ("type=bind,src=/a,dst=/b,bind-recursive=readonly", "needs readonly"),
        ("type=bind,src=/a,dst=/b,bind-nonrecursive,bind-recursive=enabled", "contradict"),
        ("type=bind,src=/a,dst=/b,tmpfs-size=1m", "has no tmpfs-size=1m"),
        ("type=bind,src=/a,dst=/b,O", "type=overlay"),
        ("type=bind,src=/a,dst=/b,idmap=x", "has no idmap=x"),
        ("type=bind,src=/a,dst=/b,noexec=1", "has no noexec=1"),
        ("type=bind,src=/a,dst=/proc", "must stay"),
        ("type=tmpfs,dst=/proc", "must stay"),
        ("type=proc,dst=/proc/sys", "must stay"),
        ("type=tmpfs,dst=/t,src=/a", "has no src=/a"),
        ("type=tmpfs,dst=/t,tmpfs-size=0", "no limit"),
        ("type=tmpfs,dst=/t,tmpfs-uid=0", "has no tmpfs-uid=0"),
        ("type=volume,src=x,dst=/b", "no volumes"),
        ("type=Bind,src=/a,dst=/b", "no type \"Bind\""),
        ("type=ext4,src=/dev/sda,dst=/b", "no type \"ext4\""),
        ("type=overlay,dst=/o", "lowerdir= is missing"),
        ("type=overlay,dst=/o,lowerdir=", "lowerdir= is missing"),
        ("type=overlay,dst=/o,lowerdir=/a,upperdir=/b", "upperdir= without workdir="),
        ("type=overlay,dst=/o,lowerdir=/a,workdir=/b", "workdir= without upperdir="),
        ("type=overlay,dst=/o,lowerdir=/a,upper=/b,upperdir=/b,workdir=/c", "said twice"),
        ("type=overlay,dst=/o,lowerdir=/a,workdir=/b,workdir=/c", "said twice"),
        ("type=overlay,dst=/o,lowerdir=/a,metacopy=on", "has no metacopy=on"),
        ("type=sysfs,dst=/s,hidepid=2", "has no hidepid=2"),
        ("type=mqueue,dst=/m,size=1", "has no size=1"),
        (r#"type=bind,src="/a",dst=/b"#, "double quote"),
    ] {
        let why = parse(text.as_bytes()).unwrap_err();
        assert!(why.contains(reason), "{text}: {why}");
    }
}

#[test]
fn no_input_makes_it_panic() {
    for sample in samples() {
        for start in ["", "type=bind,src=/a,dst=/b,", "type=tmpfs,dst=/b,", "type=devpts,dst=/b,"] {
            let _ = parse(&[start.as_bytes(), &sample].concat());
        }
    }
}
