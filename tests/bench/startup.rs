//! The cost of a whole process: `sigtool send -0 PID` and `decode-status PID`,
//! compared with the kill(1) of procps and of dash.
//!
//! `cargo bench --bench startup [-- ROUNDS]`. The static binary is measured too
//! if `cargo static` has built one. The commands take turns, so that changes in
//! the machine's speed affect all of them. Prints the medians, and the medians of
//! the ratios to the first command in each round.

#![allow(clippy::print_stdout)]

mod median;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use median::median;

/// The rounds that are not counted.
const WARM_UP: usize = 50;
const ROUNDS: usize = 2000;

struct Contender {
    name: String,
    command: Vec<String>,
    times: Vec<Duration>,
}

fn main() {
    let rounds = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let mut target = Command::new("sleep").arg("100000").spawn().expect("sleep");
    let mut contenders = contenders(&target.id().to_string());
    for round in 0..rounds + WARM_UP {
        for contender in &mut contenders {
            let time = run(&contender.command);
            if round >= WARM_UP {
                contender.times.push(time);
            }
        }
    }
    target.kill().and_then(|()| target.wait()).expect("sleep ends");
    report(&contenders, rounds);
}

fn contenders(pid: &str) -> Vec<Contender> {
    let sigtool = env!("CARGO_BIN_EXE_sigtool");
    let mut found: Vec<(&str, Vec<&str>)> = vec![
        ("/usr/bin/kill -0", vec!["/usr/bin/kill", "-0", pid]),
        ("dash -c 'kill -0'", vec!["/usr/bin/dash", "-c", "kill -0 $0", pid]),
        ("send -0", vec![sigtool, "send", "-0", pid]),
        ("decode-status", vec![sigtool, "decode-status", pid]),
    ];
    let link = PathBuf::from(sigtool).with_file_name("kill");
    let _ = std::os::unix::fs::symlink(sigtool, &link);
    let link = link.to_string_lossy().into_owned();
    found.push(("(as kill) -0", vec![&link, "-0", pid]));
    let fixed = static_binary().map(|path| path.to_string_lossy().into_owned());
    if let Some(path) = &fixed {
        found.push(("static send -0", vec![path, "send", "-0", pid]));
        found.push(("static decode-status", vec![path, "decode-status", pid]));
    } else {
        println!("no static binary: `cargo static` builds it");
    }
    let there = found.into_iter().filter(|(name, command)| {
        let there = PathBuf::from(command[0]).exists();
        if !there {
            println!("{name}: {} is missing", command[0]);
        }
        there
    });
    there
        .map(|(name, command)| Contender {
            name: name.to_owned(),
            command: command.into_iter().map(str::to_owned).collect(),
            times: Vec::new(),
        })
        .collect()
}

/// Returns the binary that `cargo static` has built, in the directory of its
/// target.
fn static_binary() -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target");
    let folders = std::fs::read_dir(target).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let triples = folders.filter(|path| path.to_string_lossy().contains("-linux-"));
    triples.map(|path| path.join("release/sigtool")).find(|path| path.exists())
}

/// Returns the time from before the start of a process until it is reaped.
fn run(command: &[String]) -> Duration {
    let mut prepared = Command::new(&command[0]);
    prepared.args(&command[1..]).arg0(&command[0]).stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = prepared.status().expect("it runs");
    let time = start.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    time
}

fn report(contenders: &[Contender], rounds: usize) {
    println!("{rounds} rounds; medians, whole process");
    println!("{:24}{:>10}{:>22}", "", "us", "ratio to the first");
    for contender in contenders {
        let times: Vec<f64> = contender.times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        let first = contenders[0].times.iter().map(|time| time.as_secs_f64() * 1e6);
        let ratios: Vec<f64> = times.iter().zip(first).map(|(time, first)| time / first).collect();
        println!("{:24}{:>10.0}{:>22.3}", contender.name, median(times), median(ratios));
    }
}
