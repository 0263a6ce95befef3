//! Selection of processes by criteria. Tests that could select other processes
//! run in a PID namespace.

use std::process::{Command, Stdio};

use super::{fixture, send};
use crate::support::{Fixture, in_namespace, run, skipped};

fn numbers(ids: &[u32]) -> String {
    ids.iter().map(|id| format!("{id}\n")).collect()
}

/// Returns a name that no other test uses.
fn name(prefix: &str) -> String {
    format!("{prefix}-{}", std::process::id())
}

#[test]
fn name_matches_whole_name_only() {
    let (name, longer) = (name("ch"), name("ch") + "x");
    let mut target = fixture(&["--name", &name]);
    let other = fixture(&["--name", &longer]);
    let result = run(["decode-status", "--pids", "--name", &name]);
    assert_eq!((result.code, result.stdout), (Some(0), numbers(&[target.pid])));
    let result = run(["decode-status", "--pids", "--name", &name[..name.len() - 1]]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(1), "sigtool: no process matches\n"));
    let result = send(&["--name", &name]);
    assert_eq!((result.code, result.stdout.as_str(), result.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(target.terminating_signal(), Some(15));
    assert_eq!(send(&["-0", &other.pid.to_string()]).code, Some(0));
    let result = send(&["--name", "no-such-name-anywhere"]);
    assert_eq!(result.stderr, "sigtool: no process matches; nothing was sent\n");
    assert_eq!(result.code, Some(1));
}

/// A process must match all criteria.
#[test]
fn criteria_restrict_named_targets() {
    let name = name("narrow");
    let blocking = fixture(&["--name", &name, "--block", "USR1,USR2"]);
    let catching = fixture(&["--name", &name, "--catch", "HUP"]);
    let (one, other) = (blocking.pid.to_string(), catching.pid.to_string());
    let chosen =
        |words: &[&str]| run(["decode-status", "--pids", "--name", &name].iter().chain(words)).stdout;
    let both = [blocking.pid.min(catching.pid), blocking.pid.max(catching.pid)];
    assert_eq!(chosen(&[]), numbers(&both));
    assert_eq!(chosen(&["--blocks", "USR1,USR2"]), numbers(&[blocking.pid]));
    assert_eq!(chosen(&["--blocks", "USR1", "--catches", "HUP"]), "");
    assert_eq!(chosen(&["--catches", "HUP"]), numbers(&[catching.pid]));
    assert_eq!(chosen(&["--user", "0", "--state", "S", "--newer", "1h"]).is_empty(), !is_root());
    assert_eq!(chosen(&["--parent", &std::process::id().to_string()]), numbers(&both));
    assert_eq!(chosen(&["--oldest", &one]), numbers(&[blocking.pid]));
    let result = send(&["-0", &one, &other, "--catches", "HUP"]);
    let expected =
        format!("sigtool: {one} ({name}, uid {}): it does not match the selection options\n", uid());
    assert_eq!((result.code, result.stderr), (Some(64), expected));
    let result = send(&["-0", "--name", &name, "--at-most", "1"]);
    let message = "sigtool: 2 processes match, but --at-most allows 1; nothing was sent\n";
    assert_eq!((result.code, result.stderr.as_str()), (Some(1), message));
}

fn uid() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc"))
}

fn is_root() -> bool {
    uid() == 0
}

#[test]
fn selection_rejects_conflicting_options() {
    for (words, message) in [
        (&["--tree"][..], "no target given"),
        (&["--oldest"], "no target given"),
        (&["--at-most", "3"], "no target given"),
        (
            &["--name", "x", "-TERM", "-77"],
            "-77: selection options and --tree can be combined only with PIDs",
        ),
        (&["-TERM", "-77", "--tree"], "-77: selection options and --tree can be combined only with PIDs"),
        (&["--tree", "100/101"], "100/101: selection options and --tree can be combined only with PIDs"),
        (&["--name", "x", "--match", "("], "--match (: invalid regular expression"),
        (&["--user", "no-such-user", "100"], "--user no-such-user: no such user"),
        (&["--then", "KILL", "100"], "--wait"),
        (&["--wait", "soon", "100"], "--wait soon: invalid duration"),
        (&["--wait", "1s", "--then", "FOO", "100"], "--then FOO: unknown signal"),
        (&["--interactive", "100"], "--interactive: standard input is not a terminal"),
        (&["--broadcast", "--wait", "1s", "--", "-1"], "-1: cannot wait for every process"),
    ] {
        let result = send(words);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{words:?}: {}", result.stderr);
        assert!(result.stderr.contains(message), "{words:?}: {}", result.stderr);
    }
}

#[test]
fn unusable_pidfiles_are_rejected() {
    let folder = std::env::temp_dir().join(format!("sigtool-pidfile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("daemon.pid");
    let path = file.to_str().expect("UTF-8");
    let mut target = fixture(&[]);
    for (text, message) in
        [("", "malformed"), ("nginx", "malformed"), ("4194304\n", "stale"), ("0", "malformed")]
    {
        std::fs::write(&file, text).expect("a file");
        let result = send(&["--pidfile", path]);
        assert_eq!(result.code, Some(3), "{text:?}: {}", result.stderr);
        assert!(result.stderr.starts_with(&format!("sigtool: --pidfile {path}: ")), "{}", result.stderr);
        assert!(
            result.stderr.contains(message) && result.stderr.ends_with("nothing was sent\n"),
            "{}",
            result.stderr
        );
    }
    std::fs::write(&file, format!("{}\n", target.pid)).expect("a file");
    // A pidfile written an hour before the process started names another process.
    let hour = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(hour))
        .expect("a time");
    let result = send(&["--pidfile", path]);
    assert_eq!(result.code, Some(3), "{}", result.stderr);
    assert!(result.stderr.contains("stale"), "{}", result.stderr);
    std::fs::write(&file, format!("{}\n", target.pid)).expect("a file");
    assert_eq!(send(&["--pidfile", path, "--wait", "60s"]).code, Some(0));
    assert_eq!(target.terminating_signal(), Some(15));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(send(&["--pidfile", path]).code, Some(3), "no file");
}

/// A shell with a child and a grandchild, in a PID namespace.
#[test]
fn tree_signals_all_descendants() {
    let script = "
        cd \"$(mktemp -d)\"
        bash -c 'sleep 1000 & bash -c \"sleep 1000 & echo > ready; wait\" & wait' & root=$!
        sleep 1000 & other=$!
        until test -e ready; do :; done
        \"$SIGTOOL\" send --dry-run --tree $root | wc -l
        \"$SIGTOOL\" send --tree --at-most 3 $root; echo $?
        \"$SIGTOOL\" send -KILL --tree --wait 60s $root; echo $?
        wait $root; echo $?
        \"$SIGTOOL\" decode-status --pids --name sleep | wc -l
        \"$SIGTOOL\" send --tree 1; echo $?; wait $other; echo $?
    ";
    let Some(result) = in_namespace(script) else { return };
    // Finally the shell itself was named, so it was not excluded. It is an init
    // without a handler.
    assert_eq!(result.stdout, "5\n1\n0\n137\n1\n0\n143\n", "{}", result.stderr);
    let message = "sigtool: 4 processes match, but --at-most allows 3; nothing was sent\n";
    assert!(result.stderr.starts_with(message), "{}", result.stderr);
}

/// sigtool and its ancestors are never selected.
#[test]
fn selection_excludes_sigtool_and_ancestors() {
    let script = "
        sleep 1000 & one=$!
        bash -c '\"$SIGTOOL\" send --match . --wait 60s; echo $?'
        wait $one; echo $?; \"$SIGTOOL\" send --match .; echo $?
    ";
    let Some(result) = in_namespace(script) else { return };
    assert_eq!(result.stdout, "0\n143\n1\n", "{}", result.stderr);
}

/// A target that is kept open by a pidfd and exits is gone, even if its PID is
/// reused.
#[test]
fn reused_pid_is_not_signalled() {
    let script = "
        command -v script > /dev/null || { echo skipped; exit; }
        cd \"$(mktemp -d)\"; mkfifo answer
        take() { echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; }
        take 5000; \"$FIXTURE\" --default '~[KILL STOP]' --name victim > ready & victim=$!
        until grep -qs ready ready; do :; done
        script -qefc '\"$SIGTOOL\" send -TERM --interactive --name victim' shown < answer > /dev/null & asking=$!
        exec 3> answer
        until grep -qs 'Send TERM to ' shown; do :; done
        kill -KILL $victim; wait $victim
        take 5000; sleep 1000 & other=$!
        echo y >&3; wait $asking; echo $?
        echo $((victim == other)); kill -0 $other; echo $?
        grep -c 'no process matches\\|victim' shown
    ";
    let Some(result) = in_namespace(script) else { return };
    if result.stdout == "skipped\n" {
        return skipped("script(1) is missing");
    }
    assert!(result.stdout.starts_with("1\n1\n0\n"), "{}{}", result.stdout, result.stderr);
}

/// A process that executes another program while the user answers is not
/// signalled.
#[test]
fn prompt_answer_applies_to_shown_process() {
    let script = "
        command -v script > /dev/null || { echo skipped; exit; }
        cd \"$(mktemp -d)\"; mkfifo answer go
        bash -c 'read -r _ < go; exec sleep 1000' & other=$!
        script -qefc \"\\\"$SIGTOOL\\\" send -TERM --interactive --name bash $other\" shown < answer > /dev/null & asking=$!
        exec 3> answer
        until grep -qs 'Send TERM to ' shown; do :; done
        echo go > go; until grep -q sleep /proc/$other/comm; do :; done
        echo y >&3; wait $asking; echo $?
        kill -0 $other; echo $?; grep -c 'it exited or no longer matches' shown
    ";
    let Some(result) = in_namespace(script) else { return };
    if result.stdout == "skipped\n" {
        return skipped("script(1) is missing");
    }
    assert_eq!(result.stdout, "1\n0\n1\n", "{}", result.stderr);
}

/// A parent that starts children continuously: no child is missed.
#[test]
fn growing_tree_is_killed_completely() {
    let script = "
        grow() { while :; do sleep 1000 & /bin/true; done; }
        for round in 1 2; do
            grow & root=$!
            until test $(\"$SIGTOOL\" decode-status --pids --name sleep 2> /dev/null | wc -l) -gt 3; do :; done
            \"$SIGTOOL\" send -KILL --tree --wait 60s $root; echo $?
            wait $root 2> /dev/null
            \"$SIGTOOL\" decode-status --pids --name sleep --state SR
        done
    ";
    let Some(result) = in_namespace(script) else { return };
    assert_eq!(result.stdout, "0\n".repeat(2), "{}", result.stderr);
}

#[test]
fn empty_selection_prints_json_document() {
    let result = run(["send", "--json", "--name", "no-such-name-anywhere"]);
    assert!(result.stdout.ends_with("\"targets\":[]}\n") && result.code == Some(1), "{}", result.stdout);
    let result = run(["decode-status", "--json", "--name", "no-such-name-anywhere"]);
    assert!(result.stdout.starts_with("{\"processes\":[]") && result.code == Some(1), "{}", result.stdout);
    let result = run(["decode-status", "--json", "--pids", "--name", "no-such-name-anywhere"]);
    assert!(result.stdout == "{\"pids\":[]}\n" && result.code == Some(1), "{}", result.stdout);
}

#[test]
fn port_selects_listening_process() {
    let listen = "import socket,sys\ns=socket.create_server(('127.0.0.1',0))\n\
        u=socket.socket(socket.AF_INET6,socket.SOCK_DGRAM); u.bind(('::1',0))\n\
        print(s.getsockname()[1],u.getsockname()[1],flush=True)\nsys.stdin.read()";
    let child =
        Command::new("python3").args(["-c", listen]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return skipped("python3 is missing") };
    let mut line = String::new();
    let stdout = child.stdout.take().expect("a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("its ports");
    let ports: Vec<&str> = line.split_whitespace().collect();
    if let [tcp, udp] = ports[..] {
        let found = |port: &str| run(["decode-status", "--pids", "--port", port]).stdout;
        let expected = numbers(&[child.id()]);
        assert_eq!((found(tcp), found(&format!("tcp:{tcp}"))), (expected.clone(), expected.clone()));
        assert_eq!(found(&format!("udp:{udp}")), expected);
        assert_eq!(found(&format!("udp:{tcp}")), "");
    } else {
        skipped("python3 opens no sockets here");
    }
    drop(child.stdin.take());
    child.wait().expect("it ends");
}

#[test]
fn long_name_is_compared_in_full() {
    let folder = std::env::temp_dir().join(format!("sigtool-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let long = folder.join("fifteen-bytes-and-more");
    let _ = std::fs::remove_file(&long);
    std::os::unix::fs::symlink("/bin/sleep", &long).expect("a link");
    let mut child = Command::new(&long).arg("1000").spawn().expect("sleep runs");
    // Another run of the tests may have a process of the same name.
    let own = std::process::id().to_string();
    let found = |name: &str| run(["decode-status", "--pids", "--parent", &own, "--name", name]).stdout;
    assert_eq!(found("fifteen-bytes-and-more"), numbers(&[child.id()]));
    assert_eq!((found("fifteen-bytes-a"), found("fifteen-bytes-and")), (String::new(), String::new()));
    child.kill().expect("its end");
    child.wait().expect("it ends");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn dry_run_shows_effect_of_each_process() {
    let name = name("each");
    let _ignoring = Fixture::start(["--name", &name, "--ignore", "TERM"]);
    let _blocking = Fixture::start(["--name", &name, "--block", "TERM"]);
    let result = run(["decode-status", "--signal", "TERM", "--name", &name]);
    assert_eq!(result.code, Some(0));
    let effects: Vec<&str> = result.stdout.lines().filter_map(|line| line.split("TERM    ").nth(1)).collect();
    assert!(
        effects.contains(&"ignored") && effects.contains(&"stays pending because the process blocks it"),
        "{}",
        result.stdout
    );
    run(["decode-status", "--json", "--signal", "TERM", "--name", &name]);
    run(["decode-status", "--json", "--pids", "--name", &name]);
}

/// Tests that take over 5 s: `--skip slow` leaves them out.
mod slow {
    use super::*;

    /// Processes come and go while they are searched, and other processes reuse
    /// their PIDs.
    #[test]
    fn pids_reused_during_selection_are_not_signalled() {
        let script = "
            cd \"$(mktemp -d)\"
            take() { echo 4999 > /proc/sys/kernel/ns_last_pid; }
            (while ! test -e stop; do \"$SIGTOOL\" send -TERM --name victim 2> /dev/null; done) & sender=$!
            hit=0 met=0 same=0
            for round in $(seq 150); do
                take; \"$FIXTURE\" --default TERM --name victim > ready & victim=$!
                until grep -qs ready ready; do kill -0 $victim 2> /dev/null || break; done
                kill -KILL $victim 2> /dev/null; wait $victim 2> /dev/null; test $? = 143 && met=$((met + 1)); rm -f ready
                take; \"$FIXTURE\" --default TERM --name other > ready & other=$!
                until grep -qs ready ready; do kill -0 $other 2> /dev/null || break; done
                test $victim = $other && same=$((same + 1))
                kill -KILL $other; wait $other 2> /dev/null; test $? = 137 || hit=$((hit + 1)); rm -f ready
            done
            touch stop; wait $sender
            echo hit $hit; test $met -gt 0 && echo met; test $same -gt 20 && echo reused
        ";
        let Some(result) = in_namespace(script) else { return };
        // The test is void if no process was hit and no PID was reused.
        assert_eq!(result.stdout, "hit 0\nmet\nreused\n", "{}", result.stderr);
    }
}
