//! The speed of receiving queued signals: `sigtool watch` into a file, compared
//! with a minimal reader of a signalfd.
//!
//! `cargo bench --bench receive [-- COUNT]`. The sender queues COUNT real-time
//! signals with values as fast as it can and retries while the queue is full. The
//! time from the first signal until the receiver exits is measured; it exits
//! after COUNT signals. The receivers take turns for five rounds. Prints medians.

#![allow(unsafe_code, clippy::print_stdout, clippy::print_stderr)]

mod median;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use median::median;

const COUNT: usize = 300_000;
const ROUNDS: usize = 5;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["reader", count] => reader(count.parse().expect("a number")),
        ["flood", pid, count] => flood(pid.parse().expect("a pid"), count.parse().expect("a number")),
        _ => compare(words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT)),
    }
}

fn compare(count: usize) {
    let own = std::env::current_exe().expect("a path");
    let sigtool = env!("CARGO_BIN_EXE_sigtool");
    let number = count.to_string();
    let mut contenders: Vec<(&str, Vec<String>, Vec<f64>)> = vec![
        ("bare reader", vec![own.to_string_lossy().into_owned(), "reader".into(), number.clone()], vec![]),
        ("watch", watch(sigtool, &number, &[]), vec![]),
        ("watch --json", watch(sigtool, &number, &["--json"]), vec![]),
    ];
    for _ in 0..ROUNDS {
        for (_, command, rates) in &mut contenders {
            rates.push(count as f64 / round(command, &own.to_string_lossy(), &number));
        }
    }
    println!("{count} queued signals, {ROUNDS} rounds; medians");
    println!("{:16}{:>12}{:>10}", "", "signals/s", "ratio");
    let first = median(contenders[0].2.clone());
    for (name, _, rates) in contenders {
        let rate = median(rates);
        println!("{name:16}{rate:>12.0}{:>10.2}", rate / first);
    }
}

fn watch(sigtool: &str, count: &str, more: &[&str]) -> Vec<String> {
    let words = [sigtool, "watch", "--count", count, "RTMIN"].into_iter().chain(more.iter().copied());
    words.map(str::to_owned).collect()
}

/// Returns the seconds from the first signal until the receiver has received all.
fn round(receiver: &[String], own: &str, count: &str) -> f64 {
    let file = File::create(std::env::temp_dir().join("sigtool-bench-receive")).expect("a file");
    let mut receiver: Child = Command::new(&receiver[0])
        .args(&receiver[1..])
        .stdout(file)
        .stderr(Stdio::piped())
        .spawn()
        .expect("a receiver");
    let mut ready = String::new();
    BufReader::new(receiver.stderr.take().expect("a pipe")).read_line(&mut ready).expect("it is ready");
    let start = Instant::now();
    let sender = Command::new(own).args(["flood", &receiver.id().to_string(), count]).status();
    assert!(sender.expect("a sender").success());
    assert!(receiver.wait().expect("it ends").success());
    start.elapsed().as_secs_f64()
}

fn reader(count: usize) {
    // SAFETY: sigemptyset initialises the set before it is read. The buffer has
    // the length passed to read(2), and its content is not used.
    unsafe {
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGRTMIN());
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        let descriptor = libc::signalfd(-1, &raw const set, 0);
        eprintln!("ready");
        let mut buffer = vec![0u8; 256 * size_of::<libc::signalfd_siginfo>()];
        let mut left = count;
        while left > 0 {
            let length = libc::read(descriptor, buffer.as_mut_ptr().cast(), buffer.len());
            left -= usize::try_from(length).expect("signals") / size_of::<libc::signalfd_siginfo>();
        }
    }
}

fn flood(pid: i32, count: usize) {
    for number in 0..count {
        let value = libc::sigval { sival_ptr: number as *mut libc::c_void };
        // SAFETY: sigqueue takes plain values.
        while unsafe { libc::sigqueue(pid, libc::SIGRTMIN(), value) } != 0 {
            std::thread::yield_now();
        }
    }
    std::io::stdout().flush().expect("nothing to flush");
}
