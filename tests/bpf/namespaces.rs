//! Repeats the kernel tests with minimal capabilities and in PID namespaces.

use std::process::Command;

use sigtool::sys::bpf::task_iter::{TaskFields, TaskIterator};

use crate::support::skipped;

const KERNEL_TESTS: &str = "bpf::kernel::";
const UNSHARE: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Runs the kernel tests under a command. If the command works here, every test must
/// pass and none may be skipped.
fn rerun_kernel_tests(prefix: &[&str]) {
    if let Err(error) = TaskIterator::load(TaskFields { actions: false, queue: false }) {
        return skipped(&error.to_string());
    }
    let test_binary = std::env::current_exe().expect("a path");
    let run = |arguments: &[&str]| {
        Command::new(prefix[0]).args(&prefix[1..]).arg(&test_binary).args(arguments).output()
    };
    match run(&["--list"]) {
        Ok(output) if output.status.success() => {}
        result => return skipped(&format!("{prefix:?}: {result:?}")),
    }
    let output = run(&[KERNEL_TESTS, "--nocapture", "--test-threads", "2"]).expect("the tests run");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && !text.contains("skipped: ") && !text.contains(" 0 passed"), "{text}");
}

#[test]
fn cap_bpf_and_cap_perfmon_suffice() {
    let only = |option: &str| format!("--{option}=-all,+bpf,+perfmon");
    let (inheritable, ambient, bounding) = (only("inh-caps"), only("ambient-caps"), only("bounding-set"));
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    rerun_kernel_tests(&[&user[..], &[&inheritable, &ambient, &bounding]].concat());
}

#[test]
fn pids_are_of_own_pid_namespace() {
    rerun_kernel_tests(&UNSHARE);
}

#[test]
fn pids_are_of_nested_pid_namespace() {
    rerun_kernel_tests(&[UNSHARE, UNSHARE].concat());
}
