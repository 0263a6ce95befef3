//! `sigtool watch -- COMMAND` at a terminal: a real shell on a pseudo-terminal
//! of its own, with job control.

use std::process::{Command, Stdio};

use super::command::{file, log};
use crate::support::{SIGTOOL, skipped};

/// Types at a shell, and waits for what appears; says what went wrong.
const TYPIST: &str = r#"
import os, pty, re, select, sys, time
sigtool, options, log = sys.argv[1], sys.argv[2], sys.argv[3]
pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "ready> "
    os.environ["LISTENER"] = sys.argv[4]
    os.execvp("bash", ["bash", "--norc", "--noprofile", "-i"])
seen, at = "", 0
def until(wanted):
    global seen, at
    end = time.monotonic() + 30
    while True:
        found = re.search(wanted, seen[at:])
        if found:
            at += found.end()
            return found
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (wanted, seen))
        seen += os.read(fd, 4096).decode()
def keys(text):
    os.write(fd, text.encode())
def state(pid):
    return re.search(r"State:\t(.)", open("/proc/%s/status" % pid).read()).group(1)
until("ready> ")
keys("stty -echo; PS1='re''ady> '\n")
until("ready> ")
keys("%s watch %s --json --log %s -- python3 -c \"$LISTENER\"\n" % (sigtool, options, log))
pids = until(r"pids (\d+) (\d+)").groups()
keys("a\n"); until("<a>")
keys("\x03"); until("int 1")
keys("b\n"); until("<b>")
for round in range(2):
    keys("\x1a"); until("Stopped"); until("ready> ")
    if [state(each) for each in pids] != ["T", "T"]:
        sys.exit("not stopped: %r" % seen)
    keys("fg\n")
    keys("c\n"); until("<c>")
keys("\x03"); until("int 2")
keys("end\n"); until("<end>"); until("ready> ")
keys("echo status $?\n"); until(r"status 5\b")
keys("exit\n")
os.waitpid(pid, 0)
print(seen)
"#;

/// The command: says each INT and each line. A shell's trap could come to wait
/// behind its read.
const LISTENER: &str = r#"
import os, select, signal
reader, writer = os.pipe()
os.set_blocking(writer, False)
signal.set_wakeup_fd(writer)
signal.signal(signal.SIGINT, lambda *_: None)
print("pids", os.getpid(), os.getppid(), flush=True)
count, line = 0, ""
while line != "end":
    ready = select.select([0, reader], [], [])[0]
    if reader in ready:
        for _ in os.read(reader, 64):
            count += 1
            print("int", count, flush=True)
    if 0 in ready:
        line = os.read(0, 64).decode().strip()
        print("<%s>" % line, flush=True)
os._exit(5)
"#;

/// What happened on the terminal, and how often the log has an INT that was
/// forwarded; `None` where there is no terminal to be had.
fn session(options: &str) -> Option<(String, usize)> {
    let path = file(&format!("job{options}"));
    let output = Command::new("python3")
        .args(["-c", TYPIST, SIGTOOL, options])
        .arg(&path)
        .arg(LISTENER)
        .stdin(Stdio::null())
        .output();
    let Ok(output) = output else {
        skipped("python3 is missing");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("out of pty devices") || said.contains("No module named") {
        skipped(&said);
        return None;
    }
    assert!(output.status.success(), "{said}");
    let sent = log(&path).into_iter().filter(|event| event.signal == "INT" && event.forwarded != Some(None));
    Some((String::from_utf8_lossy(&output.stdout).into_owned(), sent.count()))
}

#[test]
fn a_shell_stops_and_continues_it_as_a_job() {
    let Some((seen, forwarded)) = session("") else { return };
    // The terminal itself has sent INT to the command.
    assert_eq!(forwarded, 0, "{seen}");
    assert!(!seen.contains("int 3"), "{seen}");
}

#[test]
fn the_foreground_is_handed_over_and_taken_back() {
    let Some((seen, forwarded)) = session("--group") else { return };
    assert_eq!(forwarded, 0, "{seen}");
    assert!(!seen.contains("int 3"), "{seen}");
}

/// Where nobody could continue it, Ctrl-Z stops neither it nor the command: it
/// leads the terminal's session.
#[test]
fn without_a_shell_there_is_no_job_to_stop() {
    let typist = r#"
import os, pty, re, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], ["sigtool", "watch", *sys.argv[2:], "--quiet", "--", "bash", "-c", 'trap "echo cont" CONT; stty -echo; echo up; while :; do if read -r line; then echo "<$line>"; fi; done'])
seen = ""
def until(wanted):
    global seen
    end = time.monotonic() + 30
    while wanted not in seen:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit("no %r in %r" % (wanted, seen))
        try: seen += os.read(fd, 4096).decode()
        except OSError: sys.exit("ended: %r" % seen)
until("up")
os.write(fd, b"\x1a")
os.write(fd, b"a\n"); until("<a>")
os.close(fd)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;
    for options in [&[][..], &["--group"]] {
        let output = Command::new("python3").args(["-c", typist, SIGTOOL]).args(options).output();
        let Ok(output) = output else { return skipped("python3 is missing") };
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if said.contains("out of pty devices") {
            return skipped(&said);
        }
        assert!(output.status.success(), "{options:?}: {said}");
        // The terminal hangs up: HUP ends the command.
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "129", "{options:?}");
    }
}
