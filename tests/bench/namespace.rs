//! A PID namespace with many processes, for the benches that need it.

use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Executes `inside COUNT` as the init of a PID namespace; all its processes end
/// with it. Returns only if that fails.
pub(crate) fn enter(count: usize) {
    let own = std::env::current_exe().expect("a path");
    let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
    let error = Command::new("unshare").args(namespace).arg(own).arg("inside").arg(count.to_string()).exec();
    println!("unshare: {error}");
}

/// Starts processes that sleep until the namespace ends.
pub(crate) fn populate(count: usize) {
    for _ in 0..count {
        let sleep = Command::new("sleep").arg("100000").stdin(Stdio::null()).spawn().expect("sleep");
        std::mem::forget(sleep);
    }
}
