//! `sigtool decode-status --all` with 10,000 processes, compared with `ps` and
//! with a minimal reader of all status files in two threads; also with 100 and
//! 1,000 processes, and with one process of 5,000 threads.
//!
//! `cargo bench --bench many [-- COUNT]`. Everything runs in a new PID namespace.
//! The commands take turns, round after round. Prints medians, and the medians of
//! the ratios in each round.

#![allow(clippy::print_stdout)]

mod median;
mod namespace;

use std::fs::{self, File};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Instant;

use median::median;

const COUNT: usize = 10_000;
const THREADS: usize = 5_000;
const ROUNDS: usize = 11;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT);
    match words.first().map(String::as_str) {
        Some("inside") => inside(count),
        Some("reader") => read_all(),
        Some("threads") => live_with_threads(count),
        _ => namespace::enter(count),
    }
}

fn inside(count: usize) {
    let own = std::env::current_exe().expect("a path").to_string_lossy().into_owned();
    let all = |more: &[&'static str]| decode(&[&["--all"], more].concat());
    let contenders = [
        ("ps", command(&["ps", "-eo", "pid,pending,blocked,ignored,caught,comm"])),
        ("a bare reader", command(&[&own, "reader"])),
        ("--all", all(&[])),
        ("--all --sort -threads", all(&["--sort", "-threads"])),
        ("--all --blocks none", all(&["--blocks", "none"])),
        ("--all --user root", all(&["--user", "root"])),
        ("--all --format table", all(&["--format", "table"])),
        ("--all --threads", all(&["--threads"])),
        ("--all --json", all(&["--json"])),
        ("--all --signal TERM", all(&["--signal", "TERM"])),
        ("--all --signal TSTP", all(&["--signal", "TSTP"])),
    ];
    let mut started = 0;
    for step in [count / 100, count / 10, count] {
        namespace::populate(step - started);
        started = step;
        println!("\n{step} processes; {ROUNDS} rounds");
        compare(&contenders);
    }
    // All processes of the namespace end with this process, its init.
    #[allow(clippy::zombie_processes)]
    let mut threads = Command::new(&own)
        .args(["threads", &THREADS.to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("threads");
    let mut ready = [0];
    threads.stdout.as_mut().expect("a pipe").read_exact(&mut ready).expect("it is ready");
    let pid = threads.id().to_string();
    println!("\none process with {THREADS} threads; {ROUNDS} rounds");
    compare(&[
        ("ps -L -p", command(&["ps", "-L", "-p", &pid, "-o", "pid,lwp,pending,blocked,comm"])),
        ("a bare reader", command(&[&own, "reader", &pid])),
        ("PID", decode(&[&pid])),
        ("--threads PID", decode(&["--threads", &pid])),
        ("--threads --json PID", decode(&["--threads", "--json", &pid])),
        ("--signal TERM PID", decode(&["--signal", "TERM", &pid])),
    ]);
}

fn command(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn decode(options: &[&str]) -> Vec<String> {
    command(&[&[env!("CARGO_BIN_EXE_sigtool"), "decode-status"], options].concat())
}

/// The duration of a run in milliseconds, and its peak memory in megabytes.
struct Run {
    time: f64,
    memory: f64,
}

fn compare(contenders: &[(&str, Vec<String>)]) {
    let mut runs: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((_, command), runs) in contenders.iter().zip(&mut runs) {
            runs.push(run(command));
        }
    }
    println!("{:24}{:>10}{:>14}{:>16}{:>12}", "", "ms", "of the first", "of the reader", "peak MB");
    let [first, reader, ..] = runs.as_slice() else { return };
    for ((name, _), own) in contenders.iter().zip(&runs) {
        let ratio = |other: &[Run]| median(own.iter().zip(other).map(|(own, other)| own.time / other.time));
        let time = median(own.iter().map(|run| run.time));
        let memory = own.iter().map(|run| run.memory).fold(0.0, f64::max);
        println!("{name:24}{time:>10.1}{:>14.3}{:>16.3}{memory:>12.1}", ratio(first), ratio(reader));
    }
}

#[allow(unsafe_code, clippy::zombie_processes)]
fn run(words: &[String]) -> Run {
    let start = Instant::now();
    let mut command = Command::new(&words[0]);
    let child =
        command.args(&words[1..]).stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it runs");
    let mut status = 0;
    // SAFETY: all fields are numbers, and zero is valid for them.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid until the call returns. The child belongs
    // to this function, and only this call waits for it.
    let waited = unsafe { libc::wait4(child.id().cast_signed(), &mut status, 0, &mut usage) };
    let time = start.elapsed().as_secs_f64() * 1e3;
    assert!(waited > 0 && status == 0, "{words:?}: {status}");
    Run { time, memory: usage.ru_maxrss as f64 / 1024.0 }
}

/// Reads all status files, or those of a process's threads. Each of two threads
/// reads half of them: one open, one read, one close, one buffer.
fn read_all() {
    let directory = match std::env::args().nth(2) {
        Some(pid) => format!("/proc/{pid}/task"),
        None => "/proc".to_owned(),
    };
    let entries = fs::read_dir(&directory).expect("a directory");
    let ids: Vec<u32> = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect();
    let directory = &directory;
    std::thread::scope(|scope| {
        for half in ids.chunks(ids.len().div_ceil(2)) {
            scope.spawn(move || {
                let mut buffer = [0; 8192];
                let read =
                    |id: &u32| File::open(format!("{directory}/{id}/status")).ok()?.read(&mut buffer).ok();
                half.iter().filter_map(read).sum::<usize>()
            });
        }
    });
}

/// Starts threads, prints a line, and waits to be killed.
fn live_with_threads(count: usize) {
    for _ in 1..count {
        let builder = std::thread::Builder::new().stack_size(16 * 1024);
        builder.spawn(std::thread::park).expect("a thread");
    }
    println!();
    loop {
        std::thread::park();
    }
}
