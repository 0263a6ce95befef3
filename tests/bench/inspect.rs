//! The cost of inspecting a process: its handlers, its queue, and every signal
//! that it gets.
//!
//! `cargo bench --bench inspect [-- COUNT]` measures in turns:
//!
//! - how long ptrace stops a target with 8 handlers, and one whose queue is read;
//!   how long `decode-status --handlers` runs with BPF. Prints medians of
//!   INSPECTIONS runs.
//! - how long a target needs to catch COUNT queued signals one by one: without an
//!   observer, with `watch --pid` by BPF and by ptrace, and with strace if it is
//!   installed. Prints medians of ROUNDS runs and the number of reported signals.
//!
//! Needs root or the rights that sigtool-watch(1) names.

#![allow(unsafe_code, clippy::print_stdout, clippy::print_stderr)]

mod median;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use median::median;

const COUNT: usize = 100_000;
const ROUNDS: usize = 5;
const INSPECTIONS: usize = 200;
const SIGTOOL: &str = env!("CARGO_BIN_EXE_sigtool");

/// The signal that the target of a flood catches.
const FLOOD: i32 = libc::SIGUSR1 + 30;
/// The signals that the target of inspections catches.
const CAUGHT: [i32; 8] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGUSR1,
    libc::SIGUSR2,
    libc::SIGALRM,
    libc::SIGWINCH,
    libc::SIGCHLD,
];
/// The number of signals queued to it.
const QUEUED_COUNT: usize = 3;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("target") => target(),
        Some("catcher") => catcher(words[1].parse().expect("a count")),
        _ => {
            measure_inspections();
            measure_floods(words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT));
        }
    }
}

/// A process of this program that is ready. Killed when dropped.
struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Target {
    fn start(words: &[&str]) -> Target {
        let program = std::env::current_exe().expect("a path");
        let mut command = Command::new(program);
        let mut child =
            command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it runs");
        let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut target = Target { stdin: child.stdin.take(), child, stdout };
        target.line();
        target
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("it prints a line");
        line
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn measure_inspections() {
    let target = Target::start(&["target"]);
    let pid = target.pid();
    println!("{INSPECTIONS} inspections each; medians");
    for (name, option) in [("handlers", "--handlers"), ("queue", "--queue")] {
        let times: Option<Vec<f64>> = (0..INSPECTIONS)
            .map(|_| {
                let output = Command::new(SIGTOOL)
                    .args(["decode-status", option, "--backend", "ptrace", "--json", &pid])
                    .output()
                    .expect("it runs");
                stopped(&output.stdout)
            })
            .collect();
        match times {
            Some(times) => println!("{name:>10} by ptrace: stops the target for {:.0} us", median(times)),
            None => println!("{name:>10} by ptrace: not possible here"),
        }
    }
    for (name, options) in
        [("handlers", &["--handlers"][..]), ("both", &["--handlers", "--queue"]), ("neither", &[])]
    {
        let backend = if options.is_empty() { &[][..] } else { &["--backend", "bpf"] };
        let times: Option<Vec<f64>> = (0..INSPECTIONS / 4)
            .map(|_| {
                let start = Instant::now();
                let mut command = Command::new(SIGTOOL);
                command.arg("decode-status").args(options).args(backend).arg(&pid);
                let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
                status.success().then(|| start.elapsed().as_secs_f64() * 1e3)
            })
            .collect();
        match times {
            Some(times) => println!("{name:>10} by BPF: takes {:.1} ms", median(times)),
            None => println!("{name:>10} by BPF: not possible here"),
        }
    }
}

/// Returns how long the target was stopped, in microseconds.
fn stopped(json: &[u8]) -> Option<f64> {
    let document: serde_json::Value = serde_json::from_slice(json).ok()?;
    document["processes"][0]["means"]["stopped_us"].as_f64()
}

/// A program that watches the target.
struct Observer {
    name: &'static str,
    command: &'static [&'static str],
    /// The text that it prints when it has started.
    started_text: &'static str,
    times: Vec<f64>,
    reported: usize,
}

fn measure_floods(count: usize) {
    let observer = |name, command, started_text| Observer {
        name,
        command,
        started_text,
        times: Vec::new(),
        reported: 0,
    };
    let mut observers = [
        observer("nothing attached", &[], ""),
        observer("watch, BPF", &[SIGTOOL, "watch", "--json", "--backend", "bpf", "--pid"], "watch: "),
        observer("watch, ptrace", &[SIGTOOL, "watch", "--json", "--backend", "ptrace", "--pid"], "watch: "),
        observer("strace", &["strace", "-f", "-e", "trace=none", "-p"], "attached"),
    ];
    for _ in 0..ROUNDS {
        for observer in &mut observers {
            if let Some((time, reported)) = flood(observer, count) {
                observer.times.push(time);
                observer.reported = reported;
            }
        }
    }
    println!("{count} queued signals, each caught, {ROUNDS} rounds in turn; medians");
    let alone = median(observers[0].times.iter().copied());
    for observer in &observers {
        let time = median(observer.times.iter().copied());
        let name = observer.name;
        println!("{name:>18}: {:>8.1} ms  {:>6.2}  reported {}", time * 1e3, time / alone, observer.reported);
    }
}

/// Returns the seconds from the first signal to the last, and the number of
/// reported signals.
fn flood(observer: &Observer, count: usize) -> Option<(f64, usize)> {
    let mut target = Target::start(&["catcher", &count.to_string()]);
    let pid = target.pid();
    let path = std::env::temp_dir().join(format!("sigtool-bench-inspect-{}", std::process::id()));
    let mut attached = None;
    if let [program, arguments @ ..] = observer.command {
        let (reader, writer) = pipe();
        let mut command = Command::new(program);
        command.args(arguments).arg(&pid).stdin(Stdio::null());
        let strace = *program == "strace";
        let file = File::create(&path).expect("a file");
        // strace prints that it has attached on standard error.
        if strace {
            command.args(["-o", path.to_str()?]).stderr(writer);
        } else {
            command.stdout(file).stderr(writer);
        }
        let child = command.spawn().ok()?;
        drop(command);
        let mut stderr = BufReader::new(File::from(reader));
        let mut line = String::new();
        while !line.contains(observer.started_text) {
            line.clear();
            if stderr.read_line(&mut line).ok()? == 0 {
                return None;
            }
        }
        attached = Some((child, stderr));
    }
    let target_pid = i32::try_from(target.child.id()).ok()?;
    let start = Instant::now();
    for value in 0..count {
        let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
        // SAFETY: sigqueue(3) takes plain values, and the target has not been
        // reaped. The loop waits while the queue is full.
        while unsafe { libc::sigqueue(target_pid, FLOOD, value) } != 0 {
            std::thread::yield_now();
        }
    }
    assert_eq!(target.line(), "all\n");
    let time = start.elapsed().as_secs_f64();
    drop(target);
    let mut reported = 0;
    if let Some((mut child, mut stderr)) = attached {
        let _ = stderr.read_to_end(&mut Vec::new());
        let _ = child.wait();
        let lines = BufReader::new(File::open(&path).ok()?).lines();
        let name = format!("RTMIN+{}", FLOOD - 34);
        let of_strace = format!("--- SIGRT_{}", FLOOD - 32);
        reported = lines
            .map_while(Result::ok)
            .filter(|line| line.contains(&format!("\"{name}\"")) || line.contains(&of_strace))
            .count();
        let _ = std::fs::remove_file(&path);
    }
    Some((time, reported))
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    (reader.into(), writer.into())
}

/// Catches eight signals, has some pending, and waits for the end of its input.
fn target() {
    // SAFETY: actions and sets are initialised before the kernel reads them, and
    // the handler does nothing.
    unsafe {
        for signal in CAUGHT {
            catch(signal, nothing);
        }
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, FLOOD);
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        for value in 0..QUEUED_COUNT {
            let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(value) };
            libc::sigqueue(libc::getpid(), FLOOD, value);
        }
    }
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// The number of signals that have not arrived yet.
static LEFT: AtomicUsize = AtomicUsize::new(0);

/// Catches `count` signals, then prints `all`.
fn catcher(count: usize) {
    LEFT.store(count, Ordering::Relaxed);
    // SAFETY: as above; the handler counts down.
    unsafe { catch(FLOOD, count_down) };
    println!("ready");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

unsafe fn catch(signal: i32, handler: extern "C" fn(i32)) {
    // SAFETY: zeroes are a valid sigaction; the handler is set.
    unsafe {
        let mut action = std::mem::zeroed::<libc::sigaction>();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_RESTART;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut());
    }
}

extern "C" fn nothing(_: i32) {}

extern "C" fn count_down(_: i32) {
    if LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
        // SAFETY: write(2) is async-signal-safe, and the buffer has 4 bytes.
        unsafe { libc::write(1, b"all\n".as_ptr().cast(), 4) };
    }
}
