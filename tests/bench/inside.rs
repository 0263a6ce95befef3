//! What ptrace costs the process that is looked into.
//!
//! `cargo bench --bench inside [-- COUNT]`. How long a thread of a process with
//! 8 handlers stands still for them, and for its queue; and how long a process
//! takes for COUNT queued signals that it catches: by itself, traced by us, and
//! by strace(1) where there is one. In turn, in one run; medians.

#![allow(unsafe_code, clippy::print_stdout, clippy::print_stderr)]

use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use sigtool::signal::{Arch, SignalSet};
use sigtool::sys::pidfd;
use sigtool::sys::ptrace::{self, Tracer, Wanted};

const COUNT: i32 = 100_000;
const ROUNDS: usize = 5;
const LOOKS: usize = 300;
const HANDLED: [i32; 8] = [1, 2, 3, 10, 12, 14, 15, 17];

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("target") => target(),
        Some("catcher") => catcher(words[1].parse().expect("a number")),
        _ => {
            looks();
            deliveries(words.iter().find_map(|word| word.parse().ok()).unwrap_or(COUNT));
        }
    }
}

/// A target of this bench: what it is, and its output.
fn start(words: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let own = std::env::current_exe().expect("a path");
    let mut child =
        Command::new(own).args(words).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it speaks");
    assert_eq!(line, "ready\n");
    (child, stdout)
}

fn looks() {
    let (mut child, _stdout) = start(&["target"]);
    let handlers = SignalSet::parse("HUP,INT,QUIT,USR1,USR2,ALRM,TERM,CHLD", Arch::NATIVE).expect("a set");
    println!("{LOOKS} looks; us that a thread stood still, and that a look took");
    println!("{:24}{:>10}{:>10}{:>10}{:>12}", "", "median", "p90", "most", "look");
    for (name, handlers, queue) in
        [("8 handlers", handlers, false), ("queue of 3", SignalSet::EMPTY, true), ("both", handlers, true)]
    {
        let (mut stopped, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..LOOKS {
            let begin = std::time::Instant::now();
            let seen = ptrace::look(child.id(), Wanted { handlers, queue }, Duration::from_secs(10));
            whole.push(begin.elapsed().as_secs_f64() * 1e6);
            let seen = seen.expect("a look");
            assert_eq!(
                (seen.actions.len(), seen.queue.len()),
                (handlers.len() as usize, usize::from(queue) * 3)
            );
            stopped.push(seen.stopped.as_secs_f64() * 1e6);
        }
        stopped.sort_by(f64::total_cmp);
        let at = |part: f64| stopped[((stopped.len() - 1) as f64 * part) as usize];
        println!("{name:24}{:>10.0}{:>10.0}{:>10.0}{:>12.0}", at(0.5), at(0.9), at(1.0), median(whole));
    }
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
}

fn deliveries(count: i32) {
    let mut contenders: Vec<(&str, Vec<f64>)> =
        vec![("nothing", vec![]), ("Tracer", vec![]), ("strace", vec![])];
    contenders.retain(|(name, _)| *name != "strace" || Command::new("strace").arg("-V").output().is_ok());
    for _ in 0..ROUNDS {
        for (name, times) in &mut contenders {
            times.push(round(name, count));
        }
    }
    println!("\n{count} queued signals, caught; {ROUNDS} rounds; medians");
    println!("{:24}{:>10}{:>10}", "attached", "s", "times");
    let bare = median(contenders[0].1.clone());
    for (name, times) in contenders {
        let time = median(times);
        println!("{name:24}{time:>10.3}{:>10.2}", time / bare);
    }
}

/// The seconds from the first to the last signal.
fn round(name: &str, count: i32) -> f64 {
    let (mut child, mut stdout) = start(&["catcher", &count.to_string()]);
    let pid = child.id();
    let tracer = (name == "Tracer").then(|| Tracer::attach(pid).expect("it can be traced"));
    let mut strace = (name == "strace").then(|| {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-e", "trace=none", "-o", "/dev/null", "-p", &pid.to_string()]);
        let mut strace = strace.stderr(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        BufReader::new(strace.stderr.take().expect("a pipe")).read_line(&mut line).expect("it speaks");
        strace
    });
    let reader = tracer.map(|mut tracer| {
        std::thread::spawn(move || {
            let (mut events, mut told) = (Vec::new(), 0);
            while tracer.read(&mut events).expect("events") {
                told += events.len();
                events.clear();
                pidfd::wait_for_any(tracer.as_fd(), &[], None).expect("it can be waited for");
            }
            told + events.len()
        })
    });
    for value in 0..count {
        let value = libc::sigval { sival_ptr: value as usize as *mut libc::c_void };
        // SAFETY: sigqueue(3) takes plain numbers.
        while unsafe { libc::sigqueue(pid as i32, libc::SIGRTMIN(), value) } != 0 {
            std::thread::yield_now();
        }
    }
    let mut line = String::new();
    stdout.read_line(&mut line).expect("it speaks");
    child.wait().expect("it ends");
    if let Some(strace) = &mut strace {
        strace.wait().expect("it ends");
    }
    if let Some(reader) = reader {
        // Each signal, and the end.
        assert_eq!(reader.join().expect("it reads"), count as usize + 1);
    }
    line.trim().parse().expect("seconds")
}

extern "C" fn caught(_: i32) {
    CAUGHT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
}

static CAUGHT: std::sync::atomic::AtomicI32 = std::sync::atomic::AtomicI32::new(0);

/// Handlers, a queue, and sleep.
fn target() {
    // SAFETY: plain numbers, and a handler that does nothing but count; the set
    // is made by sigemptyset before it is read.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        for signal in HANDLED {
            libc::signal(signal, caught as *const () as libc::sighandler_t);
        }
        let mut set = std::mem::zeroed::<libc::sigset_t>();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGRTMIN());
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        for _ in 0..3 {
            libc::sigqueue(
                libc::getpid(),
                libc::SIGRTMIN(),
                libc::sigval { sival_ptr: std::ptr::null_mut() },
            );
        }
        println!("ready");
        loop {
            libc::pause();
        }
    }
}

/// Takes so many signals, and says how many seconds that took.
fn catcher(count: i32) {
    use std::sync::atomic::Ordering::Relaxed;
    // SAFETY: as above.
    unsafe {
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::signal(libc::SIGRTMIN(), caught as *const () as libc::sighandler_t);
        let (mut set, mut old) = (std::mem::zeroed::<libc::sigset_t>(), std::mem::zeroed::<libc::sigset_t>());
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGRTMIN());
        libc::sigprocmask(libc::SIG_BLOCK, &raw const set, &raw mut old);
        println!("ready");
        let mut begin = None;
        while CAUGHT.load(Relaxed) < count {
            libc::sigsuspend(&raw const old);
            begin.get_or_insert_with(std::time::Instant::now);
        }
        println!("{}", begin.map_or(0.0, |begin| begin.elapsed().as_secs_f64()));
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
