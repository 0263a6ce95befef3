//! The cost of forwarding a signal: without a wrapper, with tini, and with
//! `sigtool watch -- COMMAND`, quiet and with its log in a file.
//!
//! `cargo bench --bench forward [-- COUNT]`. The sender waits until the command
//! has taken a signal before it sends the next one; the time of such a round trip
//! is measured. The wrappers take turns, with COUNT trips a round. Prints the
//! medians of the rounds.

#![allow(unsafe_code, clippy::print_stdout, clippy::print_stderr)]

mod median;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::Instant;

use median::median;

const COUNT: usize = 20_000;
const ROUNDS: usize = 9;
const SIGNAL: i32 = libc::SIGUSR1;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("taker") => taker(),
        _ => compare(words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT)),
    }
}

fn compare(count: usize) {
    let own = std::env::current_exe().expect("a path").to_string_lossy().into_owned();
    let sigtool = env!("CARGO_BIN_EXE_sigtool");
    let log = std::env::temp_dir().join(format!("sigtool-bench-forward-{}", std::process::id()));
    let log = log.to_string_lossy().into_owned();
    let mut contenders: Vec<(&str, Vec<&str>, Vec<f64>)> = vec![
        ("no wrapper", vec![], vec![]),
        ("tini", vec!["tini", "--"], vec![]),
        ("sigtool watch --quiet", vec![sigtool, "watch", "--quiet", "--"], vec![]),
        ("sigtool watch --log", vec![sigtool, "watch", "--log", &log, "--"], vec![]),
    ];
    contenders.retain(|(name, ..)| *name != "tini" || Command::new("tini").arg("--version").output().is_ok());
    for _ in 0..ROUNDS {
        for (_, wrapper, times) in &mut contenders {
            times.push(round(wrapper, &own, count) / count as f64 * 1e6);
            let _ = std::fs::remove_file(&log);
        }
    }
    println!("{count} signals to and fro a round, {ROUNDS} rounds; medians");
    println!("{:24}{:>12}{:>16}", "", "us a trip", "of it, wrapper");
    let bare = median(contenders[0].2.clone());
    for (name, _, times) in contenders {
        let time = median(times);
        println!("{name:24}{time:>12.2}{:>16.2}", time - bare);
    }
}

/// Returns the duration of `count` trips in seconds.
fn round(wrapper: &[&str], own: &str, count: usize) -> f64 {
    let words = [wrapper, &[own, "taker"]].concat();
    let mut command = Command::new(words[0]);
    // tini prints a warning because it is not PID 1; it is discarded.
    command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("the taker prints a line");
    let pid = i32::try_from(child.id()).expect("a pid");
    let mut byte = [0];
    let start = Instant::now();
    for _ in 0..count {
        // SAFETY: kill(2) takes plain numbers; the process has not been waited for.
        assert_eq!(unsafe { libc::kill(pid, SIGNAL) }, 0);
        stdout.read_exact(&mut byte).expect("it is taken");
    }
    let time = start.elapsed().as_secs_f64();
    // SAFETY: as above.
    assert_eq!(unsafe { libc::kill(pid, libc::SIGTERM) }, 0);
    child.wait().expect("it ends");
    time
}

/// Takes signals and writes a byte for each.
fn taker() {
    // SAFETY: sigemptyset initialises the set before it is read, and one byte is
    // written.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, SIGNAL);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        println!("ready");
        loop {
            let mut signal = 0;
            libc::sigwait(&raw const set, &raw mut signal);
            libc::write(1, b".".as_ptr().cast(), 1);
        }
    }
}
