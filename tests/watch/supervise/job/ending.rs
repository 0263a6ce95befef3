//! The exit status of sigtool when a key typed on the terminal has terminated the
//! command.

use super::typed;

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
    until(r"up (\d+)"); keys("\x03")
    if "next" in until("(?s).*ready> ").group(): sys.exit("it went on: %r" % seen)
    keys("echo status $?\n"); until("status 130"); until("ready> ")
# The others of a pipeline have got it as well.
keys("bash -c 'sleep 1000 | $SIGTOOL watch --quiet --group -- python3 -c \"$DIES\"; echo next'\n")
until(r"up (\d+)"); keys("\x03")
if "next" in until("(?s).*ready> ").group(): sys.exit("it went on: %r" % seen)
for options in ["", "--group"]:
    keys(once % ("bash -c ", options))
    # In a group of its own, what kills the command counts as typed: nobody tells.
    pid = int(until(r"up (\d+)").group(1))
    # To sigtool, which sends it on, it is told apart.
    parent = int(re.search(r"PPid:\t(\d+)", open("/proc/%s/status" % pid).read()).group(1))
    os.kill(parent if options else pid, signal.SIGINT)
    until("next 130"); until("ready> ")
    # A loop of the shell itself, which the key does not reach.
    keys("for each in 1 2; do $SIGTOOL watch --quiet %s -- python3 -c \"$DIES\"; done; echo over\n" % options)
    until("up"); keys("\x03"); until("ready> ")
    keys("echo status $?\n"); until("status 130"); until("ready> ")
end()
"#;
    typed(&format!("{DIES}{script}"), &[]);
}

#[test]
fn exit_status_distinguishes_typed_signal() {
    let script = r#"
def ends(how, wanted, *before, more=[]):
    global at
    at = len(seen)
    start(*before, sigtool, "watch", *more, "--", "python3", "-c", dies)
    if how: how(int(until(r"up (\d+)").group(1)))
    found = status()
    if os.waitstatus_to_exitcode(found) != wanted or os.WCOREDUMP(found): sys.exit("%r: %r" % (found, seen))
for options in [], ["--group"]:
    ends(lambda _: keys("\x03"), -signal.SIGINT, more=options)
    ends(lambda _: keys("\x1c"), -signal.SIGQUIT, more=options)
    ends(lambda pid: os.kill(pid, signal.SIGTERM), 128 + signal.SIGTERM, more=options)
    # INT of a process, to either.
    ends(lambda _: os.kill(typist, signal.SIGINT), 128 + signal.SIGINT, more=options)
    ends(lambda _: os.kill(typist, signal.SIGTERM), 128 + signal.SIGINT, more=options + ["--map", "TERM=INT"])
    # A time that has run out beats it.
    ends(None, 124, more=options + ["--timeout", "100ms"])
ends(lambda pid: os.kill(pid, signal.SIGINT), 128 + signal.SIGINT)
"#;
    typed(&format!("{DIES}{script}"), &[]);
}
