//! Continuing the command, exactly once.

use super::run_on_terminal;

#[test]
fn shell_continues_command_once() {
    let script = r#"
shell()
for options in ["", "--group"]:
    keys("$SIGTOOL watch --quiet %s -- python3 -c \"$LISTENER\" CONT\n" % options)
    command, parent = pids = expect(r"pids (\d+) (\d+)").groups()
    count = 0
    def once():
        global count
        count += 1
        expect("cont %d\\b" % count)
    # The terminal or another process stops all of it.
    def stop():
        idle(parent); keys("\x1a")
    def stop_all():
        idle(parent)
        for pid in pids: os.kill(int(pid), signal.SIGSTOP)
    for by in [stop, stop_all, stop, stop_all]:
        by(); expect("Stopped"); expect("ready> ")
        wait_for_value("TT", lambda: states(pids))
        keys("fg\n"); once()
        keys("a\n"); expect("<a>")
    # CONT to sigtool only: sigtool continues the command, stopped or not.
    idle(parent); os.kill(int(parent), signal.SIGCONT); once()
    stop(); expect("Stopped"); expect("ready> ")
    wait_for_value("TT", lambda: states(pids))
    count += 1
    keys("bg\n"); expect("(?s)ready> .*cont {0}\\b|cont {0}\\b.*ready> ".format(count))
    idle(parent); os.kill(int(command), signal.SIGSTOP)
    wait_for_value("TT", lambda: states(pids))
    os.kill(int(parent), signal.SIGCONT); once()
    os.kill(int(command), signal.SIGTERM)
    keys("wait; echo over\n"); expect("over"); expect("ready> ")
    if "cont %d" % (count + 1) in seen[seen.rindex("pids"):]: sys.exit("continued twice: %r" % seen)
end()
"#;
    run_on_terminal(script, &[]);
}
