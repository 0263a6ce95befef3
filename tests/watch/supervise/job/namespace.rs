//! sigtool as PID 1 of a namespace that a shell outside has started. Its process
//! group has no ID in that namespace.

use std::process::{Command, Stdio};

use super::{run_on_terminal, session};
use crate::support::skipped;

const INSIDE: &str = "unshare --pid --fork --kill-child ";

fn is_possible() -> bool {
    let mut tried = Command::new("sh");
    tried.args(["-c", &format!("{INSIDE} true")]).stdin(Stdio::null()).stderr(Stdio::null());
    let possible = tried.status().is_ok_and(|status| status.success());
    if !possible {
        skipped("no pid namespace here");
    }
    possible
}

#[test]
fn outer_shell_stops_and_continues_namespace_as_job() {
    for options in ["", "--group"] {
        let Some((seen, forwarded)) = is_possible().then(|| session(options, INSIDE, "TS")).flatten() else {
            return;
        };
        assert_eq!(forwarded, 0, "{seen}");
        assert!(!seen.contains("int 3"), "{seen}");
    }
}

/// sigtool cannot give the terminal back to the group outside. So a command that
/// does not read the terminal does not get it.
#[test]
fn terminal_stays_with_outer_shell() {
    let script = r#"
shell()
inside = more[0] + "$SIGTOOL watch --quiet --group -- "
# Typed keys still reach the command.
keys(inside + "python3 -c \"$LISTENER\"\n")
pids = expect(r"pids (\d+) (\d+)").groups()
keys("\x03"); expect("int 1")
keys("\x1a"); expect("Stopped"); expect("ready> ")
wait_for_value("TS", lambda: states(pids))
keys("fg\n"); wait_for_value("S", lambda: state(pids[0]))
keys("\x03"); expect("int 2")
keys("end\n"); expect("<end>"); expect("ready> ")
if "int 3" in seen: sys.exit("INT delivered twice: %r" % seen)
keys("bash -c '%s true; read line; echo \"<$line>\"'\n" % inside)
keys("a\n"); expect("<a>"); expect("ready> ")
# Another process stops the command: the shell gets the terminal back.
keys(inside + "python3 -c \"$LISTENER\"\n")
pids = expect(r"pids (\d+) (\d+)").groups()
keys("a\n"); expect("<a>")
idle(pids[1]); os.kill(int(pids[0]), signal.SIGSTOP)
expect("Stopped"); expect("ready> ")
wait_for_value("TS", lambda: states(pids))
keys("fg\n"); keys("end\n"); expect("<end>"); expect("ready> ")
end()
"#;
    if is_possible() {
        run_on_terminal(script, &[INSIDE]);
    }
}

/// unshare leads the session, so no shell could continue it. Ctrl-Z has no
/// effect.
#[test]
fn namespace_is_not_a_job_without_outer_shell() {
    let script = r#"
start(*more[0].split(), sigtool, "watch", *more[1:], "--quiet", "--", "bash", "-c", 'stty -echo; echo up; while :; do if read -r line; then echo "<$line>"; fi; done')
expect("up")
keys("\x1a")
keys("a\n"); expect("<a>")
keys("\x1a")
keys("b\n"); expect("<b>")
end()
"#;
    for options in [&[INSIDE][..], &[INSIDE, "--group"]] {
        if is_possible() {
            run_on_terminal(script, options);
        }
    }
}

/// PID 1 cannot be killed from inside, so it exits with a status.
#[test]
fn init_status_reports_typed_signal() {
    let script = r#"
start(*more[0].split(), sigtool, "watch", "--", "sh", "-c", "echo up; exec sleep 1000")
expect("up"); keys("\x03")
found = os.waitstatus_to_exitcode(status())
if found != 130: sys.exit("%r: %r" % (found, seen))
"#;
    if is_possible() {
        run_on_terminal(script, &[INSIDE]);
    }
}
