//! Choosing instead of naming. What could choose others runs in a namespace.

use std::process::{Command, Stdio};

use super::{fixture, send};
use crate::support::{Fixture, in_namespace, run, skipped};

fn numbers(ids: &[u32]) -> String {
    ids.iter().map(|id| format!("{id}\n")).collect()
}

/// A name that no other test has.
fn name(what: &str) -> String {
    format!("{what}-{}", std::process::id())
}

#[test]
fn a_whole_name_chooses_and_a_part_of_it_does_not() {
    let (name, longer) = (name("ch"), name("ch") + "x");
    let mut meant = fixture(&["--name", &name]);
    let other = fixture(&["--name", &longer]);
    let ran = run(["decode-status", "--pids", "--name", &name]);
    assert_eq!((ran.code, ran.stdout), (Some(0), numbers(&[meant.pid])));
    let ran = run(["decode-status", "--pids", "--name", &name[..name.len() - 1]]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), "sigtool: no process matches\n"));
    let ran = send(&["--name", &name]);
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    assert_eq!(meant.ended_by(), Some(15));
    assert_eq!(send(&["-0", &other.pid.to_string()]).code, Some(0));
    let ran = send(&["--name", "no-such-name-anywhere"]);
    assert_eq!(ran.stderr, "sigtool: no process matches; nothing was sent\n");
    assert_eq!(ran.code, Some(1));
}

/// All that is given must hold.
#[test]
fn criteria_narrow_what_is_named() {
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
    let ran = send(&["-0", &one, &other, "--catches", "HUP"]);
    let expected =
        format!("sigtool: {one} ({name}, uid {}): it does not match the options that select\n", uid());
    assert_eq!((ran.code, ran.stderr), (Some(64), expected));
    let ran = send(&["-0", "--name", &name, "--at-most", "1"]);
    let said = "sigtool: 2 processes match, and --at-most is 1; nothing was sent\n";
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), said));
}

fn uid() -> u32 {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").expect("/proc"))
}

fn is_root() -> bool {
    uid() == 0
}

#[test]
fn what_makes_no_sense_together_is_refused() {
    for (words, said) in [
        (&["--tree"][..], "no target: name one"),
        (&["--oldest"], "no target: name one"),
        (&["--at-most", "3"], "no target: name one"),
        (&["--name", "x", "-TERM", "-77"], "-77: --tree and the options that select go with a PID"),
        (&["-TERM", "-77", "--tree"], "-77: --tree and the options that select go with a PID"),
        (&["--tree", "100/101"], "100/101: --tree and the options that select go with a PID"),
        (&["--name", "x", "--match", "("], "--match (: not a regular expression"),
        (&["--user", "no-such-user", "100"], "--user no-such-user: there is no such user"),
        (&["--then", "KILL", "100"], "--wait"),
        (&["--wait", "soon", "100"], "--wait soon: not a duration"),
        (&["--wait", "1s", "--then", "FOO", "100"], "--then FOO: unknown signal"),
        (&["--interactive", "100"], "--interactive: standard input is no terminal"),
        (&["--broadcast", "--wait", "1s", "--", "-1"], "-1: everybody cannot be waited for"),
    ] {
        let ran = send(words);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{words:?}: {}", ran.stderr);
    }
}

#[test]
fn pidfiles_that_cannot_be_meant_are_refused() {
    let folder = std::env::temp_dir().join(format!("sigtool-pidfile-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("daemon.pid");
    let path = file.to_str().expect("UTF-8");
    let mut meant = fixture(&[]);
    for (text, said) in
        [("", "malformed"), ("nginx", "malformed"), ("4194304\n", "stale"), ("0", "malformed")]
    {
        std::fs::write(&file, text).expect("a file");
        let ran = send(&["--pidfile", path]);
        assert_eq!(ran.code, Some(3), "{text:?}: {}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("sigtool: --pidfile {path}: ")), "{}", ran.stderr);
        assert!(ran.stderr.contains(said) && ran.stderr.ends_with("nothing was sent\n"), "{}", ran.stderr);
    }
    std::fs::write(&file, format!("{}\n", meant.pid)).expect("a file");
    // Written an hour before the process was started: it means another one.
    let hour = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(hour))
        .expect("a time");
    let ran = send(&["--pidfile", path]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    assert!(ran.stderr.contains("stale"), "{}", ran.stderr);
    std::fs::write(&file, format!("{}\n", meant.pid)).expect("a file");
    assert_eq!(send(&["--pidfile", path, "--wait", "60s"]).code, Some(0));
    assert_eq!(meant.ended_by(), Some(15));
    std::fs::remove_dir_all(&folder).expect("removed");
    assert_eq!(send(&["--pidfile", path]).code, Some(3), "no file");
}

/// A shell with a child and a grandchild, in their own namespace.
#[test]
fn a_tree_is_signalled_with_all_its_descendants() {
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
    let Some(ran) = in_namespace(script) else { return };
    // At last the shell itself was named, and so was not spared; it is an init
    // without a handler.
    assert_eq!(ran.stdout, "5\n1\n0\n137\n1\n0\n143\n", "{}", ran.stderr);
    let said = "sigtool: 4 processes match, and --at-most is 3; nothing was sent\n";
    assert!(ran.stderr.starts_with(said), "{}", ran.stderr);
}

/// sigtool and what called it are never among what is chosen.
#[test]
fn sigtool_and_its_ancestors_are_spared() {
    let script = "
        sleep 1000 & one=$!
        bash -c '\"$SIGTOOL\" send --match . --wait 60s; echo $?'
        wait $one; echo $?; \"$SIGTOOL\" send --match .; echo $?
    ";
    let Some(ran) = in_namespace(script) else { return };
    assert_eq!(ran.stdout, "0\n143\n1\n", "{}", ran.stderr);
}

/// Whoever is held and dies is gone, even if another has its number by then.
#[test]
fn a_number_that_is_anothers_by_now_is_not_signalled() {
    let script = "
        command -v script > /dev/null || { echo skipped; exit; }
        cd \"$(mktemp -d)\"; mkfifo answer
        take() { echo $(($1 - 1)) > /proc/sys/kernel/ns_last_pid; }
        take 5000; \"$FIXTURE\" --default '~[KILL STOP]' --name victim > ready & victim=$!
        until grep -qs ready ready; do :; done
        script -qefc '\"$SIGTOOL\" send -TERM --interactive --name victim' shown < answer > /dev/null & asking=$!
        exec 3> answer
        until grep -qs 'Send it?' shown; do :; done
        kill -KILL $victim; wait $victim
        take 5000; sleep 1000 & other=$!
        echo y >&3; wait $asking; echo $?
        echo $((victim == other)); kill -0 $other; echo $?
        grep -c 'no process matches\\|victim' shown
    ";
    let Some(ran) = in_namespace(script) else { return };
    if ran.stdout == "skipped\n" {
        return skipped("script(1) is missing");
    }
    assert!(ran.stdout.starts_with("1\n1\n0\n"), "{}{}", ran.stdout, ran.stderr);
}

/// What has become another program while somebody thought about the answer.
#[test]
fn an_answer_is_for_what_was_asked_about() {
    let script = "
        command -v script > /dev/null || { echo skipped; exit; }
        cd \"$(mktemp -d)\"; mkfifo answer go
        bash -c 'read -r _ < go; exec sleep 1000' & other=$!
        script -qefc \"\\\"$SIGTOOL\\\" send -TERM --interactive --name bash $other\" shown < answer > /dev/null & asking=$!
        exec 3> answer
        until grep -qs 'Send it?' shown; do :; done
        echo go > go; until grep -q sleep /proc/$other/comm; do :; done
        echo y >&3; wait $asking; echo $?
        kill -0 $other; echo $?; grep -c 'not what was meant any more' shown
    ";
    let Some(ran) = in_namespace(script) else { return };
    if ran.stdout == "skipped\n" {
        return skipped("script(1) is missing");
    }
    assert_eq!(ran.stdout, "1\n0\n1\n", "{}", ran.stderr);
}

/// A parent that never stops to start children: none of them is left.
#[test]
fn a_tree_that_grows_is_killed_whole() {
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
    let Some(ran) = in_namespace(script) else { return };
    assert_eq!(ran.stdout, "0\n".repeat(2), "{}", ran.stderr);
}

#[test]
fn nothing_chosen_is_a_document_too() {
    let ran = run(["send", "--json", "--name", "no-such-name-anywhere"]);
    assert!(ran.stdout.ends_with("\"targets\":[]}\n") && ran.code == Some(1), "{}", ran.stdout);
    let ran = run(["decode-status", "--json", "--name", "no-such-name-anywhere"]);
    assert!(ran.stdout.starts_with("{\"processes\":[]") && ran.code == Some(1), "{}", ran.stdout);
    let ran = run(["decode-status", "--json", "--pids", "--name", "no-such-name-anywhere"]);
    assert!(ran.stdout == "{\"pids\":[]}\n" && ran.code == Some(1), "{}", ran.stdout);
}

#[test]
fn who_listens_at_a_port_is_found() {
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
fn a_long_name_is_compared_whole() {
    let folder = std::env::temp_dir().join(format!("sigtool-names-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let long = folder.join("fifteen-bytes-and-more");
    let _ = std::fs::remove_file(&long);
    std::os::unix::fs::symlink("/bin/sleep", &long).expect("a link");
    let mut child = Command::new(&long).arg("1000").spawn().expect("sleep runs");
    // Another run of the tests may have one of the same name.
    let own = std::process::id().to_string();
    let found = |name: &str| run(["decode-status", "--pids", "--parent", &own, "--name", name]).stdout;
    assert_eq!(found("fifteen-bytes-and-more"), numbers(&[child.id()]));
    assert_eq!((found("fifteen-bytes-a"), found("fifteen-bytes-and")), (String::new(), String::new()));
    child.kill().expect("its end");
    child.wait().expect("it ends");
    std::fs::remove_dir_all(&folder).expect("removed");
}

#[test]
fn several_processes_have_an_effect_each() {
    let name = name("each");
    let _ignoring = Fixture::start(["--name", &name, "--ignore", "TERM"]);
    let _blocking = Fixture::start(["--name", &name, "--block", "TERM"]);
    let ran = run(["decode-status", "--signal", "TERM", "--name", &name]);
    assert_eq!(ran.code, Some(0));
    let effects: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split("TERM    ").nth(1)).collect();
    assert!(
        effects.contains(&"ignored") && effects.contains(&"stays pending because the process blocks it"),
        "{}",
        ran.stdout
    );
    run(["decode-status", "--json", "--signal", "TERM", "--name", &name]);
    run(["decode-status", "--json", "--pids", "--name", &name]);
}

/// Tests that take over 5 s: `--skip slow` leaves them out.
mod slow {
    use super::*;

    /// Victims come and go while they are looked for, and each leaves its number
    /// to somebody else.
    #[test]
    fn numbers_that_are_reused_while_it_looks_do_no_harm() {
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
        let Some(ran) = in_namespace(script) else { return };
        // Without victims that were met and numbers that were reused it tests nothing.
        assert_eq!(ran.stdout, "hit 0\nmet\nreused\n", "{}", ran.stderr);
    }
}
