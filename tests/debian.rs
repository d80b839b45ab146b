//! A real system in a root of the container's own: packages, accounts, owners, a compiler.

use super::common::{Debian, as_each, as_each_debian, have, nsctl};

/// A package of one script.
const PACKAGE: &str = r#"
    cd /tmp && mkdir -p tree/DEBIAN tree/usr/bin repository
    printf '%s\n' 'Package: tiny' 'Version: 1' 'Architecture: all' \
        'Maintainer: Robin <robin@example.org>' 'Description: says so' >tree/DEBIAN/control
    printf '%s\n' '#!/bin/sh' 'echo tiny is here' >tree/usr/bin/tiny
    chmod 755 tree/usr/bin/tiny
    dpkg-deb --build tree repository/tiny.deb >/dev/null
"#;

/// Runs it with changes that vanish.
#[track_caller]
fn inside(debian: &Debian, script: &str) -> String {
    let ran = debian.run(&["--overlay"], script);
    ran.success().to_string()
}

#[test]
fn apt_updates_and_installs_from_a_directory() {
    as_each_debian(|debian| {
        // apt becomes the user _apt to look at what it fetches.
        let install = r#"
            cd repository
            { dpkg-deb -f tiny.deb; echo 'Filename: ./tiny.deb'; stat -c 'Size: %s' tiny.deb
              echo "SHA256: $(sha256sum tiny.deb | cut -d ' ' -f 1)"; } >Packages
            rm -rf /etc/apt/sources.list.d/*
            echo 'deb [trusted=yes] file:/tmp/repository ./' >/etc/apt/sources.list
            exec 3>&1 >/tmp/log
            apt-get update
            apt-get install -y tiny
            apt-get check
            tiny >&3
            stat -c '%U %a' /var/lib/apt/lists/partial >&3
            apt-get remove -y tiny
            test ! -e /usr/bin/tiny
        "#;
        let shown = inside(debian, &format!("{PACKAGE}{install}"));
        assert_eq!(shown, "tiny is here\n_apt 700");
    });
}

#[test]
fn dpkg_installs_and_the_system_is_whole() {
    as_each_debian(|debian| {
        let script = "dpkg -i repository/tiny.deb >/dev/null; tiny; dpkg --verify; dpkg --audit; \
                      dpkg-query -W -f '${Status}' tiny; apt-get --version | head -n 1 | cut -c1-4";
        let shown = inside(debian, &format!("{PACKAGE}{script}"));
        assert_eq!(shown, "tiny is here\ninstall ok installedapt ");
    });
}

#[test]
fn accounts_are_made_and_become_somebody() {
    as_each_debian(|debian| {
        let script = r#"
            useradd --create-home --uid 1234 --groups staff --shell /bin/bash robin
            echo robin:nest | chpasswd
            su robin -c 'id; umask 077; echo x >~/egg; cat /etc/shadow 2>/dev/null || echo denied'
            su - robin -c 'pwd; echo $USER'
            stat -c '%U:%G %a' /home/robin/egg
            userdel --remove robin 2>/dev/null; getent passwd robin || ls /home
        "#;
        let expected = "uid=1234(robin) gid=1234(robin) groups=1234(robin),50(staff)\ndenied\n\
                        /home/robin\nrobin\nrobin:robin 600";
        assert_eq!(inside(debian, script), expected);
    });
}

#[test]
fn tar_keeps_owners_modes_and_links() {
    as_each_debian(|debian| {
        let script = r#"
            mkdir /tmp/from /tmp/to; cd /tmp/from
            mkdir d; touch a b c; ln a e; ln -s nowhere f; mkfifo g
            chown 1:2 a; chown 65535:65535 b; chown 0:42 c d; chown -h 7:7 f
            chmod 2755 d; chmod 4711 b; chmod 0 c
            list() { find . ! -name . -printf '%p %U:%G %m %n %y\n' | sort; }
            tar -cf ../archive .; list >../before; cd ../to; tar -xpf ../archive; list >../after
            cmp ../before ../after; cat ../after
        "#;
        let expected = "./a 1:2 644 2 f\n./b 65535:65535 4711 1 f\n./c 0:42 0 1 f\n\
                        ./d 0:42 2755 2 d\n./e 1:2 644 2 f\n./f 7:7 777 1 l\n./g 0:0 644 1 p";
        assert_eq!(inside(debian, script), expected);
    });
}

#[test]
fn an_id_outside_of_the_range_cannot_own() {
    as_each_debian(|debian| {
        let script = "touch /tmp/x; chown 65536 /tmp/x 2>&1 || stat -c %u /tmp/x";
        let shown = inside(debian, script);
        let whole = debian.run(&["--overlay"], "cat /proc/self/uid_map").stdout;
        if whole.contains("4294967295") {
            assert_eq!(shown, "");
        } else {
            assert!(shown.contains("Invalid argument") && shown.ends_with("\n0"), "{shown}");
        }
    });
}

#[test]
fn changes_to_a_system_vanish_or_are_kept() {
    as_each_debian(|debian| {
        let there = "command -v tiny || echo no tiny";
        let install = format!("{PACKAGE} dpkg -i repository/tiny.deb >/dev/null; {there}");
        assert_eq!(inside(debian, &install), "/usr/bin/tiny");
        assert_eq!(inside(debian, there), "no tiny");
        let kept = debian.directory();
        let layer = format!("--overlay={}", kept.display());
        assert_eq!(debian.run(&[&layer], &install).success(), "/usr/bin/tiny");
        let shown = debian.run(&[&layer], "tiny; dpkg --verify tiny; rm -r /usr/share/doc");
        assert_eq!(shown.success(), "tiny is here");
        let shown =
            debian.run(&[&layer], "ls /usr/share/doc 2>/dev/null || dpkg -r tiny | tail -n1");
        assert_eq!(shown.success(), "Removing tiny (1) ...");
        assert_eq!(inside(debian, "ls -d /usr/share/doc"), "/usr/share/doc");
    });
}

#[test]
fn a_read_only_system_works_and_stays() {
    as_each_debian(|debian| {
        let script = format!(
            "{PACKAGE} dpkg -i repository/tiny.deb 2>&1 | grep -o 'Read-only file system' | uniq; \
             perl -e 'print 6*7, \"\\n\"'; su nobody -s /bin/sh -c 'id -un'; date >/run/x"
        );
        let options = ["--read-only", "--tmpfs", "/tmp", "--tmpfs", "/run"];
        let shown = debian.run(&options, &script);
        assert_eq!(shown.success(), "Read-only file system\n42\nnobody");
    });
}

/// Of the host's toolchain nothing but /usr is there, and /usr is read-only.
#[test]
fn a_compiler_works_in_a_root_composed_of_mounts() {
    if !have("cc") {
        return;
    }
    as_each(|who| {
        let script = r#"
            cd /tmp; printf '#include <stdio.h>\nint main(){puts("compiled");}' >x.c
            cc -o x x.c && ./x && touch /usr/x 2>/dev/null || echo and no more
        "#;
        let options = ["--rootfs", "none", "-v", "/usr:/usr:ro", "-v", "/etc:/etc:ro", "--tmpfs"];
        let links =
            ["bin", "lib", "lib64", "sbin"].map(|name| format!("--symlink=/{name}=usr/{name}"));
        let words: Vec<&str> = ["run"]
            .into_iter()
            .chain(options)
            .chain(["/tmp:exec"])
            .chain(links.iter().map(String::as_str))
            .chain(["sh", "-c", script])
            .collect();
        let ran = nsctl(who, words).run();
        assert_eq!(ran.success(), "compiled\nand no more");
    });
}
