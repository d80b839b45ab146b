//! nsctl's own start: that it is in, and that the C library works after it.

use std::ffi::CStr;

use super::common::{as_each, nsctl, skip};

#[test]
fn with_a_known_c_library_the_start_is_our_own() {
    // SAFETY: the library's own constant string.
    let version = unsafe { CStr::from_ptr(nix::libc::gnu_get_libc_version()) };
    let version = version.to_str().unwrap();
    if option_env!("NSCTL_ORDINARY_START").is_some() {
        return skip("built with NSCTL_ORDINARY_START");
    }
    if !cfg!(target_feature = "crt-static") || !["2.36", "2.41", "2.43"].contains(&version) {
        return skip(&format!("glibc {version}, or not linked statically"));
    }
    as_each(|who| {
        let ran = nsctl(who, ["--version"]).run();
        ran.expect_code(0);
        assert_eq!(ran.stdout.lines().nth(1), Some(&*format!("start: own, glibc {version}")));
    });
}

#[test]
fn settings_of_the_c_library_do_no_harm() {
    as_each(|who| {
        for settings in [
            "glibc.cpu.x86_non_temporal_threshold=1:glibc.cpu.x86_rep_movsb_threshold=1",
            "glibc.cpu.hwcaps=-AVX2,-ERMS,Prefer_No_VZEROUPPER",
            "glibc.malloc.check=3:glibc.malloc.perturb=7:glibc.malloc.tcache_count=0",
            "glibc.rtld.optional_static_tls=4096:glibc.pthread.rseq=0",
            "::=:glibc.no.such=1:",
        ] {
            let mut run = nsctl(who, ["run", "sh", "-c", "echo $GLIBC_TUNABLES"]);
            run.command.env("GLIBC_TUNABLES", settings);
            let ran = run.run();
            ran.expect_code(0);
            assert_eq!(ran.stdout.trim_end(), settings);
        }
    });
}
