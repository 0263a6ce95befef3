//! Continuing the command, exactly once.

use super::typed;

#[test]
fn shell_continues_command_once() {
    let script = r#"
shell()
for options in ["", "--group"]:
    keys("$SIGTOOL watch --quiet %s -- python3 -c \"$LISTENER\" CONT\n" % options)
    command, parent = pids = until(r"pids (\d+) (\d+)").groups()
    count = 0
    def once():
        global count
        count += 1
        until("cont %d\\b" % count)
    # Stopped by the terminal, or by a process, all of it.
    def stop():
        idle(parent); keys("\x1a")
    def stop_all():
        idle(parent)
        for pid in pids: os.kill(int(pid), signal.SIGSTOP)
    for by in [stop, stop_all, stop, stop_all]:
        by(); until("Stopped"); until("ready> ")
        same("TT", lambda: states(pids))
        keys("fg\n"); once()
        keys("a\n"); until("<a>")
    # To sigtool alone: it goes on, whether or not the command has stopped.
    idle(parent); os.kill(int(parent), signal.SIGCONT); once()
    stop(); until("Stopped"); until("ready> ")
    same("TT", lambda: states(pids))
    count += 1
    keys("bg\n"); until("(?s)ready> .*cont {0}\\b|cont {0}\\b.*ready> ".format(count))
    idle(parent); os.kill(int(command), signal.SIGSTOP)
    same("TT", lambda: states(pids))
    os.kill(int(parent), signal.SIGCONT); once()
    os.kill(int(command), signal.SIGTERM)
    keys("wait; echo over\n"); until("over"); until("ready> ")
    if "cont %d" % (count + 1) in seen[seen.rindex("pids"):]: sys.exit("once more: %r" % seen)
end()
"#;
    typed(script, &[]);
}
