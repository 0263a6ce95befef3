//! Which rights it takes to look inside, and which are missing.

use std::process::{Command, Stdio};

use crate::support::{Fixture, Ran, SIGTOOL, run, skipped};

/// Another user, with these capabilities alone.
fn user(capabilities: &str) -> Vec<String> {
    let all = ["bpf", "perfmon", "sys_admin", "sys_ptrace"];
    let given = all.iter().filter(|name| capabilities.split(',').any(|given| given == **name));
    let only = given.fold("-all".to_owned(), |all, name| format!("{all},+{name}"));
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(str::to_owned);
    let sets = ["inh-caps", "ambient-caps", "bounding-set"].map(|set| format!("--{set}={only}"));
    [&user[..], &sets].concat()
}

/// What `decode-status --handlers` says to somebody; `None` where nobody can be
/// that here, which is said.
fn asked(who: &[String], target: &Fixture, backend: &str) -> Option<Ran> {
    // By its descriptor: the user may not reach the folder that it lies in.
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let pid = target.pid.to_string();
    let words = ["/proc/self/fd/0", "decode-status", "--handlers", "--backend", backend, &pid];
    let output = Command::new(&who[0]).args(&who[1..]).args(words).stdin(Stdio::from(binary)).output();
    let ran = match output {
        Ok(output) => Ran::from(output),
        Err(error) => {
            skipped(&format!("{}: {error}", who[0]));
            return None;
        }
    };
    if ran.stderr.starts_with(&who[0]) {
        skipped(ran.stderr.trim());
        return None;
    }
    Some(ran)
}

/// Whether BPF is to be had here at all.
fn is_possible(target: &Fixture) -> bool {
    let ran = run(["decode-status", "--handlers", "--backend", "bpf", &target.pid.to_string()]);
    if ran.code != Some(0) {
        skipped(ran.stderr.trim());
    }
    ran.code == Some(0)
}

/// What follows "Seen by". The column is wider if a line "Not seen" follows,
/// because the user may not read the program.
fn seen_by(ran: &Ran) -> &str {
    let found = ran.stdout.lines().find_map(|line| line.strip_prefix("Seen by"));
    found.unwrap_or_default().trim_start()
}

#[test]
fn the_right_that_bpf_misses_is_named() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_possible(&target) {
        return;
    }
    for (capabilities, missing) in [
        ("", "CAP_BPF and CAP_PERFMON are missing"),
        ("bpf", "CAP_PERFMON is missing (CAP_BPF is there)"),
        ("perfmon", "CAP_BPF is missing (CAP_PERFMON is there)"),
        ("sys_ptrace", "CAP_BPF and CAP_PERFMON are missing"),
    ] {
        let Some(ran) = asked(&user(capabilities), &target, "bpf") else { return };
        assert_eq!(ran.code, Some(3), "{capabilities}: {}", ran.stderr);
        assert!(ran.stderr.contains(&format!("BPF: not permitted: {missing}\n")), "{}", ran.stderr);
    }
    for capabilities in ["bpf,perfmon", "sys_admin"] {
        let Some(ran) = asked(&user(capabilities), &target, "bpf") else { return };
        assert_eq!(ran.code, Some(0), "{capabilities}: {}", ran.stderr);
        assert!(seen_by(&ran).starts_with("BPF"), "{capabilities}: {}", ran.stdout);
    }
}

/// What `auto` makes of it, for another user's process.
#[test]
fn ptrace_takes_a_right_of_its_own() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_possible(&target) {
        return;
    }
    let Some(ran) = asked(&user("sys_ptrace"), &target, "auto") else { return };
    if ran.code == Some(0) {
        assert!(seen_by(&ran).starts_with("ptrace; the process was stopped for "), "{}", ran.stdout);
    } else {
        skipped(ran.stderr.trim());
    }
    let Some(ran) = asked(&user("bpf"), &target, "auto") else { return };
    assert_eq!(ran.code, Some(3));
    assert!(
        ran.stderr.contains("CAP_PERFMON is missing") && ran.stderr.contains("; ptrace: it belongs to uid ")
    );
}

/// All capabilities of a user namespace are none of the machine's.
#[test]
fn root_of_a_user_namespace_has_no_right() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_possible(&target) {
        return;
    }
    let who = ["unshare", "--user", "--map-root-user"].map(str::to_owned);
    let Some(ran) = asked(&who, &target, "auto") else { return };
    assert_eq!(ran.code, Some(3));
    let bpf = "BPF: not permitted: CAP_BPF and CAP_PERFMON do not count in a user namespace";
    assert!(
        ran.stderr.contains(bpf) && ran.stderr.contains("another user namespace than you"),
        "{}",
        ran.stderr
    );
}

/// Who is chosen is not stopped; that ptrace would stop him is said where it may.
#[test]
fn of_chosen_ones_ptrace_is_told_where_it_is_allowed() {
    let target = Fixture::start(["--name", "forbidden-here", "--catch", "USR1"]);
    if !is_possible(&target) {
        return;
    }
    // A shell of the user's own waits meanwhile, which is no ancestor of sigtool;
    // best in a user namespace: it has all capabilities there, and its maker may
    // trace it all the same.
    let script = "wait='trap : USR1; echo ready; read'; own='unshare --user --map-root-user'; \
                  $own true 2>/dev/null || own=; coproc { exec $own bash -c \"$wait\"; }; read <&${COPROC[0]}; \
                  for name in forbidden-here bash; do \
                  /proc/self/fd/0 decode-status --handlers --name $name --user 0,65534; done";
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let who = user("");
    let output = Command::new(&who[0]).args(&who[1..]).args(["bash", "-c", script]).stdin(binary).output();
    let Ok(output) = output else { return skipped("setpriv is missing") };
    let ran = Ran::from(output);
    if ran.stderr.starts_with("setpriv") {
        return skipped(ran.stderr.trim());
    }
    let bpf = "cannot inspect: BPF: not permitted: CAP_BPF and CAP_PERFMON are missing";
    let said = |line: &&str, name: &str, uid: u32| {
        line.contains(&format!("({name}, uid {uid})")) && line.contains(bpf)
    };
    let line = |name: &str, uid| {
        let line = ran.stderr.lines().find(|line| said(line, name, uid));
        line.unwrap_or_else(|| panic!("{name}: {}", ran.stderr))
    };
    let forbidden = line("forbidden-here", 0);
    assert!(forbidden.ends_with("; ptrace: it belongs to uid 0: that takes CAP_SYS_PTRACE"), "{forbidden}");
    let allowed = line("bash", 65534);
    let is_hinted = allowed.ends_with("; --backend ptrace would stop each process");
    // Of one's own only descendants, where Yama says so.
    assert!(is_hinted || allowed.contains("kernel.yama.ptrace_scope"), "{allowed}");
}
