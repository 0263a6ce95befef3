//! The rights that an inspection needs, and the messages about missing ones.

use std::process::{Command, Stdio};

use crate::support::{CommandResult, Fixture, SIGTOOL, run, skipped};

/// Returns a command prefix that runs as another user with only these
/// capabilities.
fn user(capabilities: &str) -> Vec<String> {
    let all = ["bpf", "perfmon", "sys_admin", "sys_ptrace"];
    let granted = all.iter().filter(|name| capabilities.split(',').any(|granted| granted == **name));
    let only = granted.fold("-all".to_owned(), |all, name| format!("{all},+{name}"));
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(str::to_owned);
    let sets = ["inh-caps", "ambient-caps", "bounding-set"].map(|set| format!("--{set}={only}"));
    [&user[..], &sets].concat()
}

/// Runs `decode-status --handlers` with a command prefix that changes the user.
/// Prints the reason and returns `None` if that is not possible.
fn inspect_as(prefix: &[String], target: &Fixture, backend: &str) -> Option<CommandResult> {
    // The binary is opened here because the user may not enter its directory.
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let pid = target.pid.to_string();
    let words = ["/proc/self/fd/0", "decode-status", "--handlers", "--backend", backend, &pid];
    let output = Command::new(&prefix[0]).args(&prefix[1..]).args(words).stdin(Stdio::from(binary)).output();
    let result = match output {
        Ok(output) => CommandResult::from(output),
        Err(error) => {
            skipped(&format!("{}: {error}", prefix[0]));
            return None;
        }
    };
    if result.stderr.starts_with(&prefix[0]) {
        skipped(result.stderr.trim());
        return None;
    }
    Some(result)
}

/// Returns true if BPF is available.
fn is_bpf_available(target: &Fixture) -> bool {
    let result = run(["decode-status", "--handlers", "--backend", "bpf", &target.pid.to_string()]);
    if result.code != Some(0) {
        skipped(result.stderr.trim());
    }
    result.code == Some(0)
}

/// What follows "Seen by". The column is wider if a line "Not seen" follows,
/// because the user may not read the program.
fn seen_by(result: &CommandResult) -> &str {
    let found = result.stdout.lines().find_map(|line| line.strip_prefix("Seen by"));
    found.unwrap_or_default().trim_start()
}

#[test]
fn missing_bpf_capability_is_named() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_bpf_available(&target) {
        return;
    }
    for (capabilities, missing) in [
        ("", "CAP_BPF and CAP_PERFMON"),
        ("bpf", "CAP_PERFMON"),
        ("perfmon", "CAP_BPF"),
        ("sys_ptrace", "CAP_BPF and CAP_PERFMON"),
    ] {
        let Some(result) = inspect_as(&user(capabilities), &target, "bpf") else { return };
        assert_eq!(result.code, Some(3), "{capabilities}: {}", result.stderr);
        assert!(
            result.stderr.contains(&format!("BPF is not permitted without {missing}\n")),
            "{}",
            result.stderr
        );
    }
    for capabilities in ["bpf,perfmon", "sys_admin"] {
        let Some(result) = inspect_as(&user(capabilities), &target, "bpf") else { return };
        assert_eq!(result.code, Some(0), "{capabilities}: {}", result.stderr);
        assert!(seen_by(&result).starts_with("BPF"), "{capabilities}: {}", result.stdout);
    }
}

/// With `auto`, for another user's process.
#[test]
fn missing_ptrace_permission_is_named() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_bpf_available(&target) {
        return;
    }
    let Some(result) = inspect_as(&user("sys_ptrace"), &target, "auto") else { return };
    if result.code == Some(0) {
        assert!(seen_by(&result).starts_with("ptrace; the process was stopped for "), "{}", result.stdout);
    } else {
        skipped(result.stderr.trim());
    }
    let Some(result) = inspect_as(&user("bpf"), &target, "auto") else { return };
    assert_eq!(result.code, Some(3));
    assert!(
        result.stderr.contains("without CAP_PERFMON; ")
            && result.stderr.contains(" because it belongs to uid ")
    );
}

/// Capabilities in a user namespace do not count outside it.
#[test]
fn root_of_user_namespace_may_not_use_bpf() {
    let target = Fixture::start(["--catch", "USR1"]);
    if !is_bpf_available(&target) {
        return;
    }
    let prefix = ["unshare", "--user", "--map-root-user"].map(str::to_owned);
    let Some(result) = inspect_as(&prefix, &target, "auto") else { return };
    assert_eq!(result.code, Some(3));
    let bpf = "BPF is not permitted in a user namespace other than the initial one";
    assert!(
        result.stderr.contains(bpf) && result.stderr.contains("CAP_SYS_PTRACE in its user namespace"),
        "{}",
        result.stderr
    );
}

/// A selected process is not stopped. The error suggests ptrace only if the user
/// may use it.
#[test]
fn ptrace_is_suggested_for_selected_processes_if_permitted() {
    let target = Fixture::start(["--name", "forbidden-here", "--catch", "USR1"]);
    if !is_bpf_available(&target) {
        return;
    }
    // A shell of the same user waits meanwhile. It is not an ancestor of sigtool.
    // It runs in a user namespace if possible: there it has all capabilities, but
    // the user who created the namespace may still trace it.
    let script = "wait='trap : USR1; echo ready; read'; own='unshare --user --map-root-user'; \
                  $own true 2>/dev/null || own=; coproc { exec $own bash -c \"$wait\"; }; read <&${COPROC[0]}; \
                  for name in forbidden-here bash; do \
                  /proc/self/fd/0 decode-status --handlers --name $name --user 0,65534; done";
    let binary = std::fs::File::open(SIGTOOL).expect("the binary");
    let prefix = user("");
    let output =
        Command::new(&prefix[0]).args(&prefix[1..]).args(["bash", "-c", script]).stdin(binary).output();
    let Ok(output) = output else { return skipped("setpriv is missing") };
    let result = CommandResult::from(output);
    if result.stderr.starts_with("setpriv") {
        return skipped(result.stderr.trim());
    }
    let bpf = "cannot inspect: BPF is not permitted without CAP_BPF and CAP_PERFMON";
    let is_refusal = |line: &&str, name: &str, uid: u32| {
        line.contains(&format!("({name}, uid {uid})")) && line.contains(bpf)
    };
    let line = |name: &str, uid| {
        let line = result.stderr.lines().find(|line| is_refusal(line, name, uid));
        line.unwrap_or_else(|| panic!("{name}: {}", result.stderr))
    };
    let forbidden = line("forbidden-here", 0);
    assert!(
        forbidden.ends_with("; ptrace is not permitted without CAP_SYS_PTRACE because it belongs to uid 0"),
        "{forbidden}"
    );
    let allowed = line("bash", 65534);
    let is_hinted = allowed.ends_with("; --backend ptrace can inspect it but stops it for a moment");
    // Yama may restrict ptrace to descendants.
    assert!(is_hinted || allowed.contains("kernel.yama.ptrace_scope"), "{allowed}");
}
