//! Selection by name among 10,000 processes: `sigtool decode-status --pids
//! --name`, compared with `pgrep -x` and with a minimal reader of all comm files
//! in two threads.
//!
//! `cargo bench --bench choose [-- COUNT]`. Everything runs in a new PID
//! namespace. The commands take turns, round after round. Prints medians, and the
//! medians of the ratios in each round.

#![allow(clippy::print_stdout)]

mod median;
mod namespace;

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use median::median;

const COUNT: usize = 10_000;
const ROUNDS: usize = 21;
/// The name of one of the processes.
const NAME: &str = "chosen";

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let count = words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT);
    match words.first().map(String::as_str) {
        Some("inside") => compare(count),
        Some("reader") => read_names(),
        _ => namespace::enter(count),
    }
}

fn compare(count: usize) {
    namespace::populate(count);
    // The name of a process is the name of the file that it executes.
    let folder = std::env::temp_dir().join(format!("sigtool-bench-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let link = folder.join(NAME);
    let _ = std::os::unix::fs::symlink("/bin/sleep", &link);
    std::mem::forget(Command::new(&link).arg("100000").spawn().expect("sleep"));
    fs::remove_dir_all(&folder).expect("removed");
    let own = std::env::current_exe().expect("a path").to_string_lossy().into_owned();
    let sigtool = env!("CARGO_BIN_EXE_sigtool");
    let contenders: [(&str, Vec<&str>); 4] = [
        ("pgrep -x", vec!["pgrep", "-x", NAME]),
        ("a bare reader", vec![&own, "reader"]),
        ("--pids --name", vec![sigtool, "decode-status", "--pids", "--name", NAME]),
        ("send -0 --name", vec![sigtool, "send", "-0", "--name", NAME]),
    ];
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); contenders.len()];
    for _ in 0..ROUNDS {
        for ((_, command), times) in contenders.iter().zip(&mut times) {
            let start = Instant::now();
            let status = Command::new(command[0]).args(&command[1..]).stdout(Stdio::null()).status();
            times.push(start.elapsed());
            assert!(status.is_ok_and(|status| status.success()), "{command:?}");
        }
    }
    println!("{count} processes; {ROUNDS} rounds; medians, whole process");
    println!("{:24}{:>10}{:>22}", "", "ms", "ratio to the first");
    for ((name, _), own) in contenders.iter().zip(&times) {
        let millis = own.iter().map(|time| time.as_secs_f64() * 1e3);
        let ratios = own.iter().zip(&times[0]).map(|(own, first)| own.as_secs_f64() / first.as_secs_f64());
        println!("{name:24}{:>10.1}{:>22.3}", median(millis), median(ratios));
    }
}

/// Reads every comm file, half of them in each of two threads.
fn read_names() {
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
        .collect();
    std::thread::scope(|scope| {
        for half in pids.chunks(pids.len().div_ceil(2)) {
            scope.spawn(move || {
                half.iter().filter_map(|pid| fs::read(format!("/proc/{pid}/comm")).ok()).count()
            });
        }
    });
}
