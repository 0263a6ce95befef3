//! The processes that stop together with the command.

use super::run_on_terminal;

/// With --group the terminal stops only the command. sigtool stops the rest of
/// the job, because the shell waits until all of it is stopped.
#[test]
fn pipeline_is_stopped_and_continued() {
    let script = r#"
shell()
for options in ["", "--group"]:
    keys("$SIGTOOL watch --quiet %s -- python3 -c \"$LISTENER\" | cat; echo status ${PIPESTATUS[0]}\n" % options)
    pids = expect(r"pids (\d+) (\d+)").groups()
    keys("a\n"); expect("<a>")
    for round in range(2):
        idle(pids[1]); keys("\x1a"); expect("Stopped"); expect("ready> ")
        wait_for_value("TT", lambda: states(pids))
        keys("fg\n")
        keys("c\n"); expect("<c>")
    keys("end\n"); expect("<end>"); expect("ready> ")
end()
"#;
    run_on_terminal(script, &[]);
}

/// A shell script that runs the command stops together with it.
#[test]
fn script_is_stopped_and_continued() {
    let script = r#"
shell()
for script in ["sh", "bash"]:
    keys("%s -c '\"$SIGTOOL\" watch --quiet --group -- python3 -c \"$LISTENER\"; echo next $?'\n" % script)
    pids = expect(r"pids (\d+) (\d+)").groups()
    keys("a\n"); expect("<a>")
    keys("\x1a"); expect("Stopped"); expect("ready> ")
    wait_for_value("TT", lambda: states(pids))
    keys("fg\n")
    keys("c\n"); expect("<c>")
    keys("end\n"); expect("next 5"); expect("ready> ")
end()
"#;
    run_on_terminal(script, &[]);
}

/// A shell does not notify a running job that it moves to the foreground. The
/// command stops when it reads, and then gets the terminal.
#[test]
fn background_command_gets_terminal_on_request() {
    let script = r#"
import tempfile
with tempfile.TemporaryDirectory() as folder:
    os.environ["FIFO"] = fifo = folder + "/fifo"
    os.mkfifo(fifo)
    shell()
    for options in ["", "--group"]:
        keys("$SIGTOOL watch --quiet %s -- bash -c 'read go < $FIFO; read line; echo \"<$line>\"' | cat &\n" % options)
        job = int(expect(r"\[1\] (\d+)").group(1)); expect("ready> ")
        with open(fifo, "w") as go:
            keys("fg\n")
            wait_for_value(os.getpgid(job), lambda: os.tcgetpgrp(fd))
            go.write("go\n")
        keys("one\n"); expect("<one>"); expect("ready> ")
    end()
"#;
    run_on_terminal(script, &[]);
}

/// A command that another process stops with STOP is a stopped job.
#[test]
fn shell_regains_terminal_when_command_is_stopped() {
    let script = r#"
shell()
for options in ["", "--group"]:
    keys("$SIGTOOL watch --quiet %s -- python3 -c \"$LISTENER\"\n" % options)
    pids = expect(r"pids (\d+) (\d+)").groups()
    for round in range(2):
        idle(pids[1]); os.kill(int(pids[0]), signal.SIGSTOP)
        expect("Stopped"); expect("ready> ")
        wait_for_value("TT", lambda: states(pids))
        keys("fg\n")
        keys("a\n"); expect("<a>")
    keys("end\n"); expect("<end>"); expect("ready> ")
end()
"#;
    run_on_terminal(script, &[]);
}

/// If no shell could continue it, sigtool keeps running. It has the terminal
/// until the command is continued.
#[test]
fn stopped_command_returns_terminal_without_shell() {
    let script = r#"
def foreground(pid): wait_for_value(os.getpgid(int(pid)), lambda: os.tcgetpgrp(fd))
def stop_and_continue(command, sigtool):
    foreground(command)
    idle(sigtool); os.kill(int(command), signal.SIGSTOP)
    foreground(sigtool)
    wait_for_value("TS", lambda: states([command, sigtool]))
    os.kill(int(command), signal.SIGCONT)
    foreground(command)
    keys("a\n"); expect("<a>")
# sigtool leads the session.
start(sigtool, "watch", "--quiet", "--group", "--", "python3", "-c", listener)
pids = expect(r"pids (\d+) (\d+)").groups()
stop_and_continue(*pids)
keys("end\n"); expect("<end>")
end()
# A script runs sigtool, and would not notice that it stops.
shell()
keys("sh -c '$SIGTOOL watch --quiet --group -- python3 -c \"$LISTENER\"; echo next'\n")
pids = expect(r"pids (\d+) (\d+)").groups()
stop_and_continue(*pids)
keys("end\n"); expect("next"); expect("ready> ")
end()
"#;
    run_on_terminal(script, &[]);
}
