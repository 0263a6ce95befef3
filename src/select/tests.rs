//! Selection of real processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::*;
use crate::exit::ExitStatus;
use crate::procfs::net::Protocol;
use crate::procfs::{PID_MAX_LIMIT, TaskState};
use crate::signal::SignalSet;

/// A directory that is removed when dropped.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> TempDir {
        let path = std::env::temp_dir().join(format!("sigtool-select-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        TempDir(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child process that is killed when dropped.
struct TestChild(Child);

impl TestChild {
    /// Starts it and waits until it has executed the program: std returns when
    /// the old memory is gone; the arguments appear a little later.
    fn start(command: &mut Command) -> TestChild {
        let child = TestChild(command.stdin(Stdio::null()).spawn().expect("a command"));
        let mut reader = ProcReader::new(&ProcRoot::default());
        while reader.arguments(child.pid(), reader::read).expect("a child").is_empty() {
            std::thread::yield_now();
        }
        child
    }

    /// Starts a shell script that prints a ready line; returns the numbers after
    /// its first word.
    fn start_script(script: &str) -> (TestChild, Vec<u32>) {
        let mut command = Command::new("bash");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let numbers = line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        (TestChild(child), numbers)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn kill_and_reap(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for TestChild {
    fn drop(&mut self) {
        self.kill_and_reap();
    }
}

fn selection_with(set: impl FnOnce(&mut Criteria)) -> Selection {
    let mut selection = Selection::default();
    set(&mut selection.criteria);
    selection
}

fn selected_pids(selection: &Selection, candidates: Option<&[u32]>) -> Vec<u32> {
    let result = selection.find_processes(&ProcRoot::default(), candidates).expect("a choice");
    result.processes.iter().map(|found| found.pid).collect()
}

fn start_sleep_named(path: &Path) -> TestChild {
    let sleep = ["/usr/bin/sleep", "/bin/sleep"].into_iter().find(|path| Path::new(path).exists());
    symlink(sleep.expect("sleep"), path).expect("a link");
    TestChild::start(Command::new(path).arg("1000"))
}

#[test]
fn name_matches_exactly_beyond_15_bytes() {
    let directory = TempDir::new("name");
    let name = format!("a-name-longer-than-fifteen-{}", std::process::id());
    let child = start_sleep_named(&directory.0.join(&name));
    let selected =
        |name: &str| selected_pids(&selection_with(|c| c.names = vec![name.as_bytes().to_vec()]), None);
    assert_eq!(selected(&name), [child.pid()]);
    assert!(selected("a-name-longer-t").is_empty(), "only its beginning");
    assert!(selected(&name[..name.len() - 1]).is_empty() && selected(&format!("{name}x")).is_empty());
    let short = format!("s{}", std::process::id());
    let child = start_sleep_named(&directory.0.join(&short));
    assert_eq!(selected(&short), [child.pid()]);
    assert!(selected(&short[..short.len() - 1]).is_empty());
}

#[test]
fn script_matches_by_its_own_name() {
    let directory = TempDir::new("script");
    let name = format!("script-with-a-long-name-{}", std::process::id());
    let path = directory.0.join(&name);
    fs::write(&path, "#!/bin/bash -e\necho ready\nread -r _\n").expect("a script");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let mut command = Command::new(&path);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a script");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let child = TestChild(child);
    assert_eq!(selected_pids(&selection_with(|c| c.names = vec![name.into_bytes()]), None), [child.pid()]);
}

#[test]
fn pattern_searches_whole_command_line() {
    let mark = format!("77{}", std::process::id());
    let long = "0".repeat(100_000);
    let child = TestChild::start(Command::new("sleep").args([&long, "1000", &mark]));
    let selected = |pattern: &str| {
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        selected_pids(&selection_with(|c| c.patterns = vec![pattern]), None)
    };
    assert_eq!(selected(&format!("^sleep 0* 1000 {mark}$")), [child.pid()]);
    assert!(selected(&format!("^{mark}")).is_empty());
}

#[test]
fn zombie_matches_by_name() {
    let directory = TempDir::new("zombie");
    let name = format!("z{}", std::process::id());
    let mut child = start_sleep_named(&directory.0.join(&name));
    child.0.kill().expect("killed");
    let pidfd = crate::sys::process::pidfd::PidFd::open(child.pid()).expect("a zombie");
    assert!(pidfd.wait_for_exit(std::time::Duration::from_secs(60)).expect("its end"));
    let mut selection = selection_with(|c| {
        c.patterns = vec![regex_lite::Regex::new(&format!("^{name}$")).expect("a pattern")]
    });
    assert_eq!(selected_pids(&selection, None), [child.pid()]);
    selection.criteria.states = vec![TaskState::from_letter(b'T'), TaskState::from_letter(b'Z')];
    assert_eq!(selected_pids(&selection, None), [child.pid()]);
    let found = selection.find_processes(&ProcRoot::default(), None).expect("a choice").processes[0];
    child.kill_and_reap();
    assert!(!selection.revalidate(&ProcRoot::default(), &found));
}

#[test]
fn criteria_match_stat_and_status_fields() {
    let child = TestChild::start(Command::new("sleep").arg("1000").process_group(0));
    let pid = child.pid();
    let own = std::process::id();
    let stat = ProcRoot::default().stat(pid).expect("a child");
    let status = ProcRoot::default().status(pid).expect("a child");
    let selected = |set: &dyn Fn(&mut Criteria)| selected_pids(&selection_with(set), None) == [pid];
    assert!(selected(&|c| c.process_groups = vec![pid]));
    assert!(!selected(&|c| c.process_groups = vec![pid + 1]));
    let matches = |set: &dyn Fn(&mut Criteria)| selected_pids(&selection_with(set), Some(&[pid])) == [pid];
    for (criterion, expected) in [
        (&(|c: &mut Criteria| c.parents = vec![own]) as &dyn Fn(&mut Criteria), true),
        (&|c| c.sessions = vec![stat.session], true),
        (&|c| c.sessions = vec![pid], false),
        (&|c| c.terminals = vec![stat.terminal_device.expect("a number")], true),
        (&|c| c.users = vec![status.uids.expect("users").1], true),
        (&|c| c.users = vec![4242], false),
        (&|c| c.gids = vec![status.gids.expect("groups").1], true),
        (&|c| c.max_age = Some(std::time::Duration::from_secs(3600)), true),
        (&|c| c.min_age = Some(std::time::Duration::from_secs(3600)), false),
        (&|c| c.pid_namespaces_of = vec![own], true),
        (&|c| c.cgroups = vec![Vec::new()], true),
        (&|c| c.cgroups = vec![b"/no/such/group".to_vec()], false),
        (&|c| c.catches = Some(SignalSetCriterion::None), true),
        (&|c| c.catches = Some(SignalSetCriterion::Any), false),
        (&|c| c.pending = Some(SignalSetCriterion::Any), false),
        (&|c| c.blocks = Some(SignalSetCriterion::All(SignalSet::from_bits(1 << 8))), false),
        (&|c| c.pending = Some(SignalSetCriterion::None), true),
    ] {
        assert_eq!(matches(criterion), expected, "{:?}", selection_with(criterion));
    }
}

#[test]
fn oldest_and_newest_pick_one_match() {
    let all: Vec<TestChild> = (0..3).map(|_| TestChild::start(Command::new("sleep").arg("1000"))).collect();
    let named: Vec<u32> = all.iter().map(TestChild::pid).collect();
    let start = |pid: u32| ProcRoot::default().stat(pid).expect("a child").start_ticks.expect("a start");
    let picked = |pick| selected_pids(&selection_with(|c| c.pick = Some(pick)), Some(&named));
    let oldest = named.iter().copied().min_by_key(|pid| (start(*pid), *pid)).expect("one");
    let newest = named.iter().copied().max_by_key(|pid| (start(*pid), *pid)).expect("one");
    assert_eq!(picked(AgePick::Oldest), [oldest]);
    assert_eq!(picked(AgePick::Newest), [newest]);
}

#[test]
fn tree_includes_all_descendants_and_counts_them() {
    let (child, mut pids) =
        TestChild::start_script("sleep 1000 & bash -c 'sleep 1000 & echo $0 $$ $!; wait' $! & wait");
    let pid = child.pid();
    let alone = selection_with(|c| {
        c.process_groups = vec![ProcRoot::default().stat(pid).expect("a child").process_group]
    });
    let tree = Selection { includes_descendants: true, ..Selection::default() };
    let result = tree.find_processes(&ProcRoot::default(), Some(&[pid])).expect("a choice");
    pids.push(pid);
    pids.sort_unstable();
    assert_eq!(result.processes.iter().map(|found| found.pid).collect::<Vec<_>>(), pids);
    assert!(result.processes.iter().all(|found| found.is_added_by_tree == (found.pid != pid)));
    assert!(result.processes.iter().all(|found| tree.revalidate(&ProcRoot::default(), found)));
    let root = result.processes.iter().find(|found| found.pid == pid).copied().expect("the root");
    assert!(descendants(&ProcRoot::default(), &[root], &pids).expect("a pass").is_empty());
    assert!(!alone.is_empty() && tree.is_empty());
    let bounded = |at_most| Selection { at_most: Some(at_most), ..tree.clone() };
    assert_eq!(
        bounded(4).find_processes(&ProcRoot::default(), Some(&[pid])).expect("four").processes.len(),
        4
    );
    let error = bounded(3).find_processes(&ProcRoot::default(), Some(&[pid])).expect_err("four");
    assert_eq!(error.to_string(), "4 processes match, and --at-most is 3");
    assert_eq!(error.exit_status(), ExitStatus::Failure);
    for pid in pids.iter().filter(|found| **found != pid) {
        crate::sys::process::pidfd::PidFd::open(*pid)
            .expect("it lives")
            .send(crate::signal::Signal::new(9), None)
            .expect("sent");
    }
}

#[test]
fn self_and_ancestors_are_excluded_unless_named() {
    let own = std::process::id();
    let parent = ProcRoot::default().stat(own).expect("this process").parent_pid;
    let all_pids = selected_pids(&Selection::default(), None);
    assert!(!all_pids.contains(&own) && !all_pids.contains(&parent));
    assert!(
        all_pids
            .iter()
            .all(|pid| ProcRoot::default().stat(*pid).map_or(true, |stat| !stat.is_kernel_thread()))
    );
    assert_eq!(selected_pids(&Selection::default(), Some(&[own])), [own]);
    assert!(selected_pids(&Selection::default(), Some(&[PID_MAX_LIMIT, 0, u32::MAX])).is_empty());
}

#[test]
fn thread_id_is_not_selected() {
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel();
        let (end_sender, end_receiver) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let link = fs::read_link("/proc/thread-self").expect("this thread");
            sender.send(link.file_name().and_then(|tid| tid.to_str()?.parse::<u32>().ok())).expect("told");
            end_receiver.recv().ok();
        });
        let tid = receiver.recv().expect("told").expect("a number");
        assert!(selected_pids(&Selection::default(), Some(&[tid])).is_empty());
        drop(end_sender);
    });
}

#[test]
fn port_selects_process_with_socket() {
    let own = std::process::id();
    let v4 = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let v6 = TcpListener::bind("[::1]:0").ok();
    let port = |address: std::io::Result<std::net::SocketAddr>| address.expect("an address").port();
    let is_selected = |protocol, number| {
        let selection = selection_with(|c| c.ports = vec![PortCriterion { protocol, number }]);
        let found = selected_pids(&selection, Some(&[own])) == [own];
        let own_process = SelectedProcess {
            pid: own,
            start_ticks: ProcRoot::default().stat(own).unwrap().start_ticks.unwrap(),
            is_added_by_tree: false,
        };
        assert_eq!(selection.revalidate(&ProcRoot::default(), &own_process), found);
        assert!(!selected_pids(&selection, None).contains(&own), "never this process unless named");
        found
    };
    let (tcp, udp_protocol) = (Some(Protocol::Tcp), Some(Protocol::Udp));
    let number = port(v4.local_addr());
    assert!(is_selected(None, number) && is_selected(tcp, number));
    let number = port(udp.local_addr());
    assert!(is_selected(None, number) && is_selected(udp_protocol, number));
    if let Some(v6) = &v6 {
        assert!(is_selected(tcp, port(v6.local_addr())));
    }
    drop(v4);
    let closed =
        selection_with(|c| c.ports = vec![PortCriterion { protocol: tcp, number: port(udp.local_addr()) }]);
    // Another process may listen there, but this one does not.
    assert!(selected_pids(&closed, Some(&[own])).is_empty() || v6.is_some());
}

#[test]
fn pidfile_rejects_process_started_later() {
    let directory = TempDir::new("pidfile");
    let file = directory.0.join("x.pid");
    let mut child = TestChild::start(Command::new("sleep").arg("1000"));
    let pid = child.pid();
    let selection = selection_with(|c| c.pidfiles = vec![file.clone()]);
    let error_text = || {
        let error = selection.find_processes(&ProcRoot::default(), None).expect_err("no pidfile");
        assert_eq!(error.exit_status(), ExitStatus::Unreadable);
        error.to_string().replace(&*file.to_string_lossy(), "FILE").replace(&pid.to_string(), "PID")
    };
    assert_eq!(error_text(), "--pidfile FILE: No such file or directory");
    fs::create_dir(&file).expect("a folder");
    assert_eq!(error_text(), "--pidfile FILE: malformed: not a regular file");
    fs::remove_dir(&file).expect("removed");
    fs::write(&file, "").expect("written");
    assert_eq!(error_text(), "--pidfile FILE: malformed: empty");
    fs::write(&file, format!("{pid}\nmore\n")).expect("written");
    assert_eq!(selected_pids(&selection, None), [pid]);
    assert_eq!(selected_pids(&selection, Some(&[pid])), [pid]);
    assert!(selected_pids(&selection, Some(&[std::process::id()])).is_empty());
    let found = selection.find_processes(&ProcRoot::default(), None).expect("a choice").processes[0];
    assert!(selection.revalidate(&ProcRoot::default(), &found));
    let other = SelectedProcess { start_ticks: found.start_ticks + 1, ..found };
    assert!(!selection.revalidate(&ProcRoot::default(), &other), "the number is another's");
    let set_file_age = |seconds| {
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds);
        fs::File::options().write(true).open(&file).expect("a file").set_modified(time).expect("dated");
    };
    set_file_age(1);
    assert_eq!(selected_pids(&selection, None), [pid], "within the allowance");
    set_file_age(100);
    let stale = error_text();
    assert!(stale.starts_with("--pidfile FILE: stale: process PID was started "), "{stale}");
    set_file_age(0);
    child.0.kill().expect("killed");
    let pidfd = crate::sys::process::pidfd::PidFd::open(pid).expect("a zombie");
    assert!(pidfd.wait_for_exit(std::time::Duration::from_secs(60)).expect("its end"));
    assert_eq!(error_text(), "--pidfile FILE: stale: process PID has ended (a zombie)");
    child.kill_and_reap();
    assert_eq!(error_text(), "--pidfile FILE: stale: there is no process PID");
    assert!(!selection.revalidate(&ProcRoot::default(), &found));
}

#[test]
fn selection_fails_if_namespace_or_proc_is_unreadable() {
    let selection = selection_with(|c| c.pid_namespaces_of = vec![PID_MAX_LIMIT]);
    let error = selection.find_processes(&ProcRoot::default(), None).expect_err("nobody");
    assert_eq!(error.to_string(), "--ns 4194304: no such process");
    assert_eq!(error.exit_status(), ExitStatus::Unreadable);
    let error = Selection::default().find_processes(&ProcRoot::new("/nowhere"), None).expect_err("nothing");
    assert_eq!(error.to_string(), "/nowhere: no processes can be read: No such file or directory");
}

#[test]
fn unreadable_namespaces_and_sockets_are_warned_about() {
    let socket = |inode| BoundSocket { protocol: Protocol::Tcp, port: 80, inode, uid: 33 };
    let inputs = ResolvedInputs {
        pidfile_pids: None,
        pid_namespace_links: None,
        port_sockets: Some(vec![socket(5), socket(6)]),
    };
    let found = SelectedProcess { pid: 7, start_ticks: 1, is_added_by_tree: false };
    let match_with_socket = |inode| {
        MatchOutcome::Match(MatchedProcess { process: found, socket_inodes: vec![inode], value: None })
    };
    let denied = || MatchOutcome::SocketsDenied;
    let warnings = |outcomes: &[MatchOutcome<()>]| Selection::default().warnings(&inputs, outcomes);
    assert!(warnings(&[]).is_empty(), "nobody else could hold it: another criterion does not hold");
    assert!(warnings(&[match_with_socket(5), match_with_socket(6), denied()]).is_empty());
    let expected = "--port tcp:80: it has a socket, made by uid 33, and who holds it cannot be seen: the descriptors of 2 \
               other users' processes may not be read, which takes CAP_SYS_PTRACE";
    assert_eq!(warnings(&[match_with_socket(5), denied(), denied()]), [expected]);
    assert_eq!(warnings(&[denied(), denied()]), [expected], "said once for IPv4 and IPv6");
    let namespaces =
        warnings(&[MatchOutcome::NamespaceDenied, MatchOutcome::NamespaceDenied, match_with_socket(5)]);
    assert_eq!(
        namespaces,
        [
            "--ns: 2 left out: the namespaces of other users' processes may not be read, which takes CAP_SYS_PTRACE"
        ]
    );
    let no_command_line = |error| MatchOutcome::NoCommandLine(error);
    let timeout = || no_command_line(ProcReadError::Timeout);
    let io_error = || no_command_line(ProcReadError::Io(std::io::Error::from_raw_os_error(11)));
    let expected = "1 process not examined: its command line did not arrive in time";
    assert_eq!(warnings(&[timeout(), match_with_socket(5)]), [expected]);
    assert_eq!(
        warnings(&[timeout(), io_error(), timeout()]),
        [
            "2 processes not examined: their command lines did not arrive in time",
            "1 process not examined: its command line could not be read: Resource temporarily unavailable"
        ]
    );
}

#[test]
fn zombie_reports_termination() {
    let mut child = Command::new("sh").args(["-c", "exit 7"]).spawn().expect("a shell");
    let pidfd = PidFd::open(child.id()).expect("a held child");
    assert!(pidfd.wait_for_exit(Duration::from_secs(60)).expect("poll"));
    assert_eq!(read_termination(child.id(), &pidfd), Some(Termination::Exited(7)));
    child.wait().expect("reaped");
    // Then only new kernels report the end.
    assert!(matches!(read_termination(child.id(), &pidfd), None | Some(Termination::Exited(7))));
}

#[test]
fn check_native_proc_accepts_other_root() {
    assert!(check_native_proc(&ProcRoot::default()).is_ok());
    assert!(check_native_proc(&ProcRoot::new("/nowhere")).is_ok());
}
