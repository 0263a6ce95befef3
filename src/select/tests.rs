//! Choosing among real processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::*;
use crate::proc::net::Protocol;
use crate::proc::{PID_MAX, State};
use crate::signal::SignalSet;

/// A folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("sigtool-select-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A child that is ended when it is dropped.
struct Running(Child);

impl Running {
    /// Starts it and waits until it has become the program: std returns when
    /// the old memory is gone, and the arguments come a little later.
    fn start(command: &mut Command) -> Running {
        let running = Running(command.stdin(Stdio::null()).spawn().expect("a command"));
        let mut files = Files::new(&Root::default());
        while files.arguments(running.pid(), reader::read).expect("a child").is_empty() {
            std::thread::yield_now();
        }
        running
    }

    /// Starts a shell script that says its word once it is ready; gives the
    /// numbers that follow.
    fn script(script: &str) -> (Running, Vec<u32>) {
        let mut command = Command::new("bash");
        command.args(["-c", script]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let numbers = line.split_whitespace().map(|word| word.parse().expect("a number")).collect();
        (Running(child), numbers)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn end(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn by(set: impl FnOnce(&mut Criteria)) -> Selection {
    let mut selection = Selection::default();
    set(&mut selection.criteria);
    selection
}

fn pids(selection: &Selection, among: Option<&[u32]>) -> Vec<u32> {
    let choice = selection.find(&Root::default(), among).expect("a choice");
    choice.found.iter().map(|found| found.pid).collect()
}

fn sleep_as(path: &Path) -> Running {
    let sleep = ["/usr/bin/sleep", "/bin/sleep"].into_iter().find(|path| Path::new(path).exists());
    symlink(sleep.expect("sleep"), path).expect("a link");
    Running::start(Command::new(path).arg("1000"))
}

#[test]
fn a_name_is_whole_however_long() {
    let folder = Folder::new("name");
    let name = format!("a-name-longer-than-fifteen-{}", std::process::id());
    let child = sleep_as(&folder.0.join(&name));
    let chosen = |name: &str| pids(&by(|c| c.names = vec![name.as_bytes().to_vec()]), None);
    assert_eq!(chosen(&name), [child.pid()]);
    assert!(chosen("a-name-longer-t").is_empty(), "only its beginning");
    assert!(chosen(&name[..name.len() - 1]).is_empty() && chosen(&format!("{name}x")).is_empty());
    let short = format!("s{}", std::process::id());
    let child = sleep_as(&folder.0.join(&short));
    assert_eq!(chosen(&short), [child.pid()]);
    assert!(chosen(&short[..short.len() - 1]).is_empty());
}

#[test]
fn a_script_has_its_own_name() {
    let folder = Folder::new("script");
    let name = format!("script-with-a-long-name-{}", std::process::id());
    let path = folder.0.join(&name);
    fs::write(&path, "#!/bin/bash -e\necho ready\nread -r _\n").expect("a script");
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    let mut command = Command::new(&path);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a script");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe")).read_line(&mut line).expect("a line");
    let child = Running(child);
    assert_eq!(pids(&by(|c| c.names = vec![name.into_bytes()]), None), [child.pid()]);
}

#[test]
fn the_whole_command_line_is_searched() {
    let mark = format!("77{}", std::process::id());
    let long = "0".repeat(100_000);
    let child = Running::start(Command::new("sleep").args([&long, "1000", &mark]));
    let chosen = |pattern: &str| {
        let pattern = regex_lite::Regex::new(pattern).expect("a pattern");
        pids(&by(|c| c.patterns = vec![pattern]), None)
    };
    assert_eq!(chosen(&format!("^sleep 0* 1000 {mark}$")), [child.pid()]);
    assert!(chosen(&format!("^{mark}")).is_empty());
}

#[test]
fn a_zombie_is_matched_by_its_name() {
    let folder = Folder::new("zombie");
    let name = format!("z{}", std::process::id());
    let mut child = sleep_as(&folder.0.join(&name));
    child.0.kill().expect("killed");
    let held = crate::sys::pidfd::PidFd::open(child.pid()).expect("a zombie");
    assert!(held.wait(std::time::Duration::from_secs(60)).expect("its end"));
    let mut selection =
        by(|c| c.patterns = vec![regex_lite::Regex::new(&format!("^{name}$")).expect("a pattern")]);
    assert_eq!(pids(&selection, None), [child.pid()]);
    selection.criteria.states = vec![State::new(b'T'), State::new(b'Z')];
    assert_eq!(pids(&selection, None), [child.pid()]);
    let found = selection.find(&Root::default(), None).expect("a choice").found[0];
    child.end();
    assert!(!selection.still_means(&Root::default(), &found));
}

#[test]
fn numbers_of_stat_and_status_are_compared() {
    let child = Running::start(Command::new("sleep").arg("1000").process_group(0));
    let pid = child.pid();
    let own = std::process::id();
    let stat = Root::default().stat(pid).expect("a child");
    let status = Root::default().status(pid).expect("a child");
    let chosen = |set: &dyn Fn(&mut Criteria)| pids(&by(set), None) == [pid];
    assert!(chosen(&|c| c.groups = vec![pid]));
    assert!(!chosen(&|c| c.groups = vec![pid + 1]));
    let among = |set: &dyn Fn(&mut Criteria)| pids(&by(set), Some(&[pid])) == [pid];
    for (criterion, fits) in [
        (&(|c: &mut Criteria| c.parents = vec![own]) as &dyn Fn(&mut Criteria), true),
        (&|c| c.sessions = vec![stat.session], true),
        (&|c| c.sessions = vec![pid], false),
        (&|c| c.terminals = vec![stat.terminal.expect("a number")], true),
        (&|c| c.users = vec![status.uids.expect("users").1], true),
        (&|c| c.users = vec![4242], false),
        (&|c| c.gids = vec![status.gids.expect("groups").1], true),
        (&|c| c.newer = Some(std::time::Duration::from_secs(3600)), true),
        (&|c| c.older = Some(std::time::Duration::from_secs(3600)), false),
        (&|c| c.namespaces_of = vec![own], true),
        (&|c| c.cgroups = vec![Vec::new()], true),
        (&|c| c.cgroups = vec![b"/no/such/group".to_vec()], false),
        (&|c| c.catches = Some(Wanted::None), true),
        (&|c| c.catches = Some(Wanted::Any), false),
        (&|c| c.pending = Some(Wanted::Any), false),
        (&|c| c.blocks = Some(Wanted::All(SignalSet::from_bits(1 << 8))), false),
        (&|c| c.pending = Some(Wanted::None), true),
    ] {
        assert_eq!(among(criterion), fits, "{:?}", by(criterion));
    }
}

#[test]
fn the_oldest_and_the_newest_are_one_of_those_that_match() {
    let all: Vec<Running> = (0..3).map(|_| Running::start(Command::new("sleep").arg("1000"))).collect();
    let named: Vec<u32> = all.iter().map(Running::pid).collect();
    let start = |pid: u32| Root::default().stat(pid).expect("a child").start.expect("a start");
    let picked = |pick| pids(&by(|c| c.pick = Some(pick)), Some(&named));
    let oldest = named.iter().copied().min_by_key(|pid| (start(*pid), *pid)).expect("one");
    let newest = named.iter().copied().max_by_key(|pid| (start(*pid), *pid)).expect("one");
    assert_eq!(picked(Pick::Oldest), [oldest]);
    assert_eq!(picked(Pick::Newest), [newest]);
}

#[test]
fn a_tree_is_found_to_its_leaves_and_counted() {
    let (child, mut family) =
        Running::script("sleep 1000 & bash -c 'sleep 1000 & echo $0 $$ $!; wait' $! & wait");
    let pid = child.pid();
    let alone = by(|c| c.groups = vec![Root::default().stat(pid).expect("a child").group]);
    let tree = Selection { tree: true, ..Selection::default() };
    let choice = tree.find(&Root::default(), Some(&[pid])).expect("a choice");
    family.push(pid);
    family.sort_unstable();
    assert_eq!(choice.found.iter().map(|found| found.pid).collect::<Vec<_>>(), family);
    assert!(choice.found.iter().all(|found| found.by_tree == (found.pid != pid)));
    assert!(choice.found.iter().all(|found| tree.still_means(&Root::default(), found)));
    let root = choice.found.iter().find(|found| found.pid == pid).copied().expect("the root");
    assert!(descendants(&Root::default(), &[root], &family).expect("a pass").is_empty());
    assert!(!alone.is_empty() && tree.is_empty());
    let bounded = |at_most| Selection { at_most: Some(at_most), ..tree.clone() };
    assert_eq!(bounded(4).find(&Root::default(), Some(&[pid])).expect("four").found.len(), 4);
    let error = bounded(3).find(&Root::default(), Some(&[pid])).expect_err("four");
    assert_eq!(error.to_string(), "4 processes match, and --at-most is 3");
    assert!(!error.is_unreadable());
    for pid in family.iter().filter(|found| **found != pid) {
        crate::sys::pidfd::PidFd::open(*pid)
            .expect("it lives")
            .send(crate::signal::Signal::new(9), None)
            .expect("sent");
    }
}

#[test]
fn neither_this_process_nor_its_ancestors_are_found_unless_named() {
    let own = std::process::id();
    let parent = Root::default().stat(own).expect("this process").parent;
    let everybody = pids(&Selection::default(), None);
    assert!(!everybody.contains(&own) && !everybody.contains(&parent));
    assert!(
        everybody.iter().all(|pid| Root::default().stat(*pid).map_or(true, |stat| !stat.is_kernel_thread()))
    );
    assert_eq!(pids(&Selection::default(), Some(&[own])), [own]);
    assert!(pids(&Selection::default(), Some(&[PID_MAX, 0, u32::MAX])).is_empty());
}

#[test]
fn a_thread_is_no_process() {
    std::thread::scope(|scope| {
        let (tell, told) = std::sync::mpsc::channel();
        let (done, end) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let link = fs::read_link("/proc/thread-self").expect("this thread");
            tell.send(link.file_name().and_then(|tid| tid.to_str()?.parse::<u32>().ok())).expect("told");
            end.recv().ok();
        });
        let tid = told.recv().expect("told").expect("a number");
        assert!(pids(&Selection::default(), Some(&[tid])).is_empty());
        drop(done);
    });
}

#[test]
fn a_holder_of_a_port_is_found() {
    let own = std::process::id();
    let v4 = TcpListener::bind("127.0.0.1:0").expect("a port");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let v6 = TcpListener::bind("[::1]:0").ok();
    let port = |address: std::io::Result<std::net::SocketAddr>| address.expect("an address").port();
    let holds = |protocol, number| {
        let selection = by(|c| c.ports = vec![Port { protocol, number }]);
        let found = pids(&selection, Some(&[own])) == [own];
        let again =
            Found { pid: own, start: Root::default().stat(own).unwrap().start.unwrap(), by_tree: false };
        assert_eq!(selection.still_means(&Root::default(), &again), found);
        assert!(!pids(&selection, None).contains(&own), "never this process unless named");
        found
    };
    let (tcp, datagrams) = (Some(Protocol::Tcp), Some(Protocol::Udp));
    let number = port(v4.local_addr());
    assert!(holds(None, number) && holds(tcp, number));
    let number = port(udp.local_addr());
    assert!(holds(None, number) && holds(datagrams, number));
    if let Some(v6) = &v6 {
        assert!(holds(tcp, port(v6.local_addr())));
    }
    drop(v4);
    let closed = by(|c| c.ports = vec![Port { protocol: tcp, number: port(udp.local_addr()) }]);
    // Somebody else may listen there, but it is not this process.
    assert!(pids(&closed, Some(&[own])).is_empty() || v6.is_some());
}

#[test]
fn a_pidfile_means_a_process_that_is_older() {
    let folder = Folder::new("pidfile");
    let file = folder.0.join("x.pid");
    let mut child = Running::start(Command::new("sleep").arg("1000"));
    let pid = child.pid();
    let selection = by(|c| c.pidfiles = vec![file.clone()]);
    let refused = || {
        let error = selection.find(&Root::default(), None).expect_err("no pidfile");
        assert!(error.is_unreadable());
        error.to_string().replace(&*file.to_string_lossy(), "FILE").replace(&pid.to_string(), "PID")
    };
    assert_eq!(refused(), "--pidfile FILE: No such file or directory");
    fs::create_dir(&file).expect("a folder");
    assert_eq!(refused(), "--pidfile FILE: malformed: not a regular file");
    fs::remove_dir(&file).expect("removed");
    fs::write(&file, "").expect("written");
    assert_eq!(refused(), "--pidfile FILE: malformed: empty");
    fs::write(&file, format!("{pid}\nmore\n")).expect("written");
    assert_eq!(pids(&selection, None), [pid]);
    assert_eq!(pids(&selection, Some(&[pid])), [pid]);
    assert!(pids(&selection, Some(&[std::process::id()])).is_empty());
    let found = selection.find(&Root::default(), None).expect("a choice").found[0];
    assert!(selection.still_means(&Root::default(), &found));
    let other = Found { start: found.start + 1, ..found };
    assert!(!selection.still_means(&Root::default(), &other), "the number is another's");
    let age = |seconds| {
        let time = std::time::SystemTime::now() - std::time::Duration::from_secs(seconds);
        fs::File::options().write(true).open(&file).expect("a file").set_modified(time).expect("dated");
    };
    age(1);
    assert_eq!(pids(&selection, None), [pid], "within the allowance");
    age(100);
    let stale = refused();
    assert!(stale.starts_with("--pidfile FILE: stale: process PID was started "), "{stale}");
    age(0);
    child.0.kill().expect("killed");
    let held = crate::sys::pidfd::PidFd::open(pid).expect("a zombie");
    assert!(held.wait(std::time::Duration::from_secs(60)).expect("its end"));
    assert_eq!(refused(), "--pidfile FILE: stale: process PID has ended (a zombie)");
    child.end();
    assert_eq!(refused(), "--pidfile FILE: stale: there is no process PID");
    assert!(!selection.still_means(&Root::default(), &found));
}

#[test]
fn what_cannot_be_read_is_said() {
    let nobody = by(|c| c.namespaces_of = vec![PID_MAX]);
    let error = nobody.find(&Root::default(), None).expect_err("nobody");
    assert_eq!(error.to_string(), "--ns 4194304: no such process");
    assert!(error.is_unreadable());
    let error = Selection::default().find(&Root::at("/nowhere"), None).expect_err("nothing");
    assert_eq!(error.to_string(), "/nowhere: no processes can be read: No such file or directory");
}

#[test]
fn what_could_not_be_seen_is_warned_of() {
    let socket = |inode| Socket { protocol: Protocol::Tcp, port: 80, inode, uid: 33 };
    let given = Given { pids: None, namespaces: None, sockets: Some(vec![socket(5), socket(6)]) };
    let found = Found { pid: 7, start: 1, by_tree: false };
    let holder = |inode| Seen::Match(Match { found, sockets: vec![inode], taken: None });
    let denied = || Seen::SocketsDenied;
    let warnings = |seen: &[Seen<()>]| Selection::default().warnings(&given, seen);
    assert!(warnings(&[]).is_empty(), "nobody else could hold it: another criterion does not hold");
    assert!(warnings(&[holder(5), holder(6), denied()]).is_empty());
    let one = "--port tcp:80: it has a socket, made by uid 33, and who holds it cannot be seen: the descriptors of 2 \
               other users' processes may not be read, which takes CAP_SYS_PTRACE";
    assert_eq!(warnings(&[holder(5), denied(), denied()]), [one]);
    assert_eq!(warnings(&[denied(), denied()]), [one], "said once for IPv4 and IPv6");
    let namespaces = warnings(&[Seen::NamespaceDenied, Seen::NamespaceDenied, holder(5)]);
    assert_eq!(
        namespaces,
        [
            "--ns: 2 left out: the namespaces of other users' processes may not be read, which takes CAP_SYS_PTRACE"
        ]
    );
    let unread = |error| Seen::NoCommandLine(error);
    let late = || unread(ReadError::Timeout);
    let failed = || unread(ReadError::Io(std::io::Error::from_raw_os_error(11)));
    let one = "1 process not examined: its command line did not arrive in time";
    assert_eq!(warnings(&[late(), holder(5)]), [one]);
    assert_eq!(
        warnings(&[late(), failed(), late()]),
        [
            "2 processes not examined: their command lines did not arrive in time",
            "1 process not examined: its command line could not be read: Resource temporarily unavailable"
        ]
    );
}
