//! What the running kernel answers, asked once more from another place: with the
//! two capabilities alone, and from within pid namespaces.

use std::process::Command;

use super::live::skip;
use super::tasks::{Tasks, Want};

const LIVE: &str = "sys::bpf::live::";
const UNSHARE: [&str; 5] = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

/// Runs the other tests under a command; where that works at all, they must
/// pass, and none may be skipped.
fn again(before: &[&str]) {
    if let Err(refused) = Tasks::load(Want { handlers: false, queue: false }) {
        return skip(&refused.to_string());
    }
    let own = std::env::current_exe().expect("a path");
    let command = |words: &[&str]| Command::new(before[0]).args(&before[1..]).arg(&own).args(words).output();
    match command(&["--list"]) {
        Ok(output) if output.status.success() => {}
        answer => return skip(&format!("{before:?}: {answer:?}")),
    }
    let output = command(&[LIVE, "--nocapture", "--test-threads", "2"]).expect("it runs");
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(output.status.success() && !text.contains("skipped: ") && !text.contains(" 0 passed"), "{text}");
}

#[test]
fn two_capabilities_are_enough() {
    let only = |option: &str| format!("--{option}=-all,+bpf,+perfmon");
    let (inheritable, ambient, bounding) = (only("inh-caps"), only("ambient-caps"), only("bounding-set"));
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    again(&[&user[..], &[&inheritable, &ambient, &bounding]].concat());
}

#[test]
fn numbers_are_those_of_our_pid_namespace() {
    again(&UNSHARE);
}

#[test]
fn numbers_are_those_of_a_pid_namespace_within_another() {
    again(&[UNSHARE, UNSHARE].concat());
}
