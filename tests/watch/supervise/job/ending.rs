//! The exit status of sigtool when a key typed on the terminal has terminated the
//! command.

use super::run_on_terminal;

/// A command that INT and QUIT kill.
const DIES: &str = r#"
os.environ["DIES"] = dies = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.write(1, b"up %s\\n" % os.readlink(b"/proc/self"))
signal.pause()
"""
"#;

#[test]
fn script_ends_only_by_typed_signal() {
    let script = r#"
shell()
once = "%s'$SIGTOOL watch --quiet %s -- python3 -c \"$DIES\"; echo next $?'\n"
for options in ["", "--on 'EXIT=true'", "--on 'INT=true'", "--group"]:
    keys(once % ("bash -c ", options.replace("'", '"')))
    expect(r"up (\d+)"); keys("\x03")
    if "next" in expect("(?s).*ready> ").group(): sys.exit("it continued: %r" % seen)
    keys("echo status $?\n"); expect("status 130"); expect("ready> ")
# The other processes of the pipeline get INT as well.
keys("bash -c 'sleep 1000 | $SIGTOOL watch --quiet --group -- python3 -c \"$DIES\"; echo next'\n")
expect(r"up (\d+)"); keys("\x03")
if "next" in expect("(?s).*ready> ").group(): sys.exit("it continued: %r" % seen)
for options in ["", "--group"]:
    keys(once % ("bash -c ", options))
    # With --group, a signal that kills the command counts as typed, because sigtool cannot know its sender.
    pid = int(expect(r"up (\d+)").group(1))
    # sigtool can distinguish a signal that it forwards.
    parent = int(re.search(r"PPid:\t(\d+)", open("/proc/%s/status" % pid).read()).group(1))
    os.kill(parent if options else pid, signal.SIGINT)
    expect("next 130"); expect("ready> ")
    # A loop of the shell itself, which does not get the signal.
    keys("for each in 1 2; do $SIGTOOL watch --quiet %s -- python3 -c \"$DIES\"; done; echo over\n" % options)
    expect("up"); keys("\x03"); expect("ready> ")
    keys("echo status $?\n"); expect("status 130"); expect("ready> ")
end()
"#;
    run_on_terminal(&format!("{DIES}{script}"), &[]);
}

#[test]
fn exit_status_distinguishes_typed_signal() {
    let script = r#"
def ends(how, wanted, *before, more=[]):
    global at
    at = len(seen)
    start(*before, sigtool, "watch", *more, "--", "python3", "-c", dies)
    if how: how(int(expect(r"up (\d+)").group(1)))
    found = status()
    if os.waitstatus_to_exitcode(found) != wanted or os.WCOREDUMP(found): sys.exit("%r: %r" % (found, seen))
for options in [], ["--group"]:
    ends(lambda _: keys("\x03"), -signal.SIGINT, more=options)
    ends(lambda _: keys("\x1c"), -signal.SIGQUIT, more=options)
    ends(lambda pid: os.kill(pid, signal.SIGTERM), 128 + signal.SIGTERM, more=options)
    # A process sends INT to the command or to sigtool.
    ends(lambda _: os.kill(typist, signal.SIGINT), 128 + signal.SIGINT, more=options)
    ends(lambda _: os.kill(typist, signal.SIGTERM), 128 + signal.SIGINT, more=options + ["--map", "TERM=INT"])
    # A timeout has priority.
    ends(None, 124, more=options + ["--timeout", "100ms"])
ends(lambda pid: os.kill(pid, signal.SIGINT), 128 + signal.SIGINT)
"#;
    run_on_terminal(&format!("{DIES}{script}"), &[]);
}
