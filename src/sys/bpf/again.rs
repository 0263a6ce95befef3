//! What the running kernel answers, asked once more from another place: with the
//! two capabilities alone, and from within pid namespaces.

use std::process::Command;

use super::live::report_skipped;
use super::task_iter::{TaskFields, TaskIterator};

const KERNEL_TESTS: &str = "sys::bpf::live::";
const UNSHARE: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Runs the other tests under a command; where that works at all, they must
/// pass, and none may be skipped.
fn rerun_kernel_tests(before: &[&str]) {
    if let Err(refused) = TaskIterator::load(TaskFields { actions: false, queue: false }) {
        return report_skipped(&refused.to_string());
    }
    let own = std::env::current_exe().expect("a path");
    let command = |words: &[&str]| Command::new(before[0]).args(&before[1..]).arg(&own).args(words).output();
    match command(&["--list"]) {
        Ok(output) if output.status.success() => {}
        answer => return report_skipped(&format!("{before:?}: {answer:?}")),
    }
    let output = command(&[KERNEL_TESTS, "--nocapture", "--test-threads", "2"]).expect("it runs");
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
