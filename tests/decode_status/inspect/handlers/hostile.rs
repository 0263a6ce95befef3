//! Targets that replace the files they have mapped: sigtool opens only the mapped
//! file.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::*;
use crate::support::Folder;

const NOBODY: &str = "65534";

/// A process that maps `lib.so`, a copy of the fixture, and has a handler in it.
struct Target {
    folder: Folder,
    user: &'static str,
    fixture: Fixture,
}

/// Returns a command that runs as this user.
fn command_of(user: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--regid", user, "--clear-groups"]);
    command
}

fn shell(folder: &Folder, script: &str) {
    let shell = Command::new("sh").args(["-ec", script]).current_dir(&folder.0).status();
    assert!(shell.expect("sh").success(), "{script}");
}

/// Copies the fixture into a directory that every user may enter: as `fixture`,
/// and without debugging symbols as `lib.so`.
fn copies() -> Folder {
    let folder = Folder::new();
    let copy = format!("chmod 755 .; cp '{}' fixture", fixture_path().display());
    shell(&folder, &format!("{copy}; strip -g -o lib.so fixture || cp fixture lib.so"));
    folder
}

impl Target {
    /// Starts a target. Prints the reason and returns `None` if this is not
    /// permitted.
    fn start(copies: &Folder, user: &'static str, prepare: &str, settings: &[&str]) -> Option<Target> {
        let started = command_of(user).arg("true").output();
        if !started.as_ref().is_ok_and(|output| output.status.success()) {
            skipped(&format!("setpriv: {started:?}"));
            return None;
        }
        let folder = Folder::new();
        let copies = copies.0.display();
        shell(&folder, &format!("cp '{copies}/lib.so' .; chmod 777 . lib.so; {prepare}"));
        let copy = format!("copy:{}", folder.0.join("lib.so").display());
        let mut command = command_of(user);
        command.arg(format!("{copies}/fixture")).args(["--catch-at", &copy, "USR1"]).args(settings);
        let fixture = Fixture::start_command(&mut command);
        Some(Target { folder, user, fixture })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    /// Returns the handler as the same user sees it. Prints the reason and
    /// returns `None` if it cannot be read.
    fn handler(&self) -> Option<Value> {
        let output = command_of(self.user)
            .args(["/proc/self/fd/0", "decode-status", "--handlers", "--json"])
            .arg(self.fixture.pid.to_string())
            .stdin(std::fs::File::open(SIGTOOL).expect("the binary"))
            .output();
        let result = CommandResult::from(output.expect("setpriv"));
        if result.code != Some(0) {
            skipped(result.stderr.trim());
            return None;
        }
        let document: Value = serde_json::from_str(&result.stdout).expect("JSON");
        Some(handlers(&document["processes"][0])[0].clone())
    }
}

fn has_symbol(handler: &Value) -> bool {
    handler["symbol"].as_str().is_some_and(|symbol| symbol.ends_with("state::handler"))
}

/// Counts how often a file is opened. Opening with O_PATH is not counted.
struct OpenCounter(Inotify);

impl OpenCounter {
    fn of(path: &Path) -> OpenCounter {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC).expect("inotify");
        inotify.add_watch(path, AddWatchFlags::IN_OPEN).expect("a watch");
        OpenCounter(inotify)
    }

    fn is_zero(&self) -> bool {
        matches!(self.0.read_events(), Err(Errno::EAGAIN))
    }
}

/// A process that waits for a reader of a FIFO.
struct Writer(Child);

impl Writer {
    fn start(fifo: &Path) -> Writer {
        let command = format!("exec 3> '{}'", fifo.display());
        let writer = Writer(Command::new("sh").args(["-c", &command]).spawn().expect("sh"));
        while !writer.is_blocked() {
            std::thread::yield_now();
        }
        writer
    }

    /// Returns true if it sleeps in openat(2) or open(2).
    fn is_blocked(&self) -> bool {
        let read = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id()));
        let call = read("syscall").unwrap_or_default();
        let calls: &[libc::c_long] = &[
            libc::SYS_openat,
            #[cfg(target_arch = "x86_64")]
            libc::SYS_open,
        ];
        let is_open = calls.iter().any(|number| call.starts_with(&format!("{number} ")));
        is_open && read("wchan").is_ok_and(|wchan| wchan.contains("fifo") || wchan.contains("partner"))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Root can still open the mapped file. Without the right to follow map_files,
/// the symbol is missing.
#[test]
fn replacement_of_deleted_library_is_not_opened() {
    let (copies, mut violations) = (copies(), Vec::new());
    for (bait, link) in [
        ("mkfifo -m 666 bait", "ln -s \"$PWD/bait\""),
        ("mkfifo -m 666 bait", "ln"),
        ("mknod -m 666 bait c 1 3", "ln -s \"$PWD/bait\""),
        ("mknod -m 666 bait c 5 2", "ln"),
        ("cp lib.so bait", "ln"),
        ("cp lib.so bait", "ln -s \"$PWD/bait\""),
        ("mkdir bait", "ln -s \"$PWD/bait\""),
    ] {
        for user in ["0", NOBODY] {
            let Some(target) = Target::start(&copies, user, bait, &[]) else { return };
            let links = ["lib.so", "lib.so (deleted)"].map(|name| format!("{link} bait '{name}'"));
            let links = links.map(|setup| setup.replace("\"$PWD/bait\" bait", "\"$PWD/bait\"")).join("; ");
            shell(&target.folder, &format!("rm lib.so; {links}"));
            let bait_path = target.path("bait");
            let opens = OpenCounter::of(&bait_path);
            let writer = bait.starts_with("mkfifo").then(|| Writer::start(&bait_path));
            let Some(handler) = target.handler() else { return };
            if !opens.is_zero() {
                violations.push(format!("uid {user} opened: {bait}; {link}"));
            }
            if writer.is_some_and(|writer| !writer.is_blocked()) {
                violations.push(format!("uid {user} freed the writer: {bait}; {link}"));
            }
            assert_eq!(has_symbol(&handler), user == "0", "{bait}, {link}: {handler}");
            assert_eq!((&handler["library"], &handler["deleted"]), (&"lib.so".into(), &true.into()));
            if !bait.starts_with("mknod") {
                // Opening a FIFO for reading and writing does not block.
                let fifo = bait.starts_with("mkfifo");
                let opened = std::fs::OpenOptions::new().read(true).write(fifo).open(&bait_path);
                assert!(opened.is_ok() && !opens.is_zero(), "the watch reports what is opened");
            }
        }
    }
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}

/// The mapped file can be read by its path, unless the path now names another
/// file.
#[test]
fn library_symbols_come_from_mapped_file_only() {
    let copies = copies();
    for (change, as_nobody) in [
        ("true", true),
        ("mv lib.so elsewhere", true),
        // A package manager replaces a file like this.
        ("cp lib.so new; mv new lib.so", false),
        ("rm lib.so", false),
    ] {
        for (user, expected) in [("0", true), (NOBODY, as_nobody)] {
            let Some(target) = Target::start(&copies, user, "true", &[]) else { return };
            shell(&target.folder, change);
            let Some(handler) = target.handler() else { return };
            assert_eq!(has_symbol(&handler), expected, "{change}, uid {user}: {handler}");
        }
    }
}

/// The debug file is searched below the target's root, and absolute links are
/// resolved there.
#[test]
fn debug_file_must_be_regular_and_of_same_build() {
    let notes = Command::new("readelf").arg("-n").arg(fixture_path()).output();
    let notes = notes.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let id = notes
        .ok()
        .and_then(|text| Some(text.split_once("Build ID: ")?.1.split_whitespace().next()?.to_owned()));
    let Some(id) = id else { return skipped("the fixture has no build ID, or readelf is missing") };
    let (copies, (first, rest)) = (copies(), id.split_at(2));
    let below = format!("usr/lib/debug/.build-id/{first}");
    let debug_file = format!("{below}/{rest}.debug");
    let strip = format!("cp lib.so whole; strip lib.so; mkdir -p {below}");
    for (setup, expected) in [
        (format!("cp whole {debug_file}"), true),
        (format!("ln -s /whole {debug_file}"), true),
        (format!("ln -s ../../../../../whole {debug_file}"), true),
        // Below the target's root this is a file of another build.
        (format!("mkdir bin; cp /bin/sh bin/sh; ln -s /bin/sh {debug_file}"), false),
        (format!("mkfifo {debug_file}"), false),
        (format!("mkfifo bait; ln -s /bait {debug_file}"), false),
        (format!("mkdir proc; mkfifo proc/kmsg; ln -s /proc/kmsg {debug_file}"), false),
        (format!("ln -s / {debug_file}"), false),
    ] {
        let root = Folder::new();
        let directory = root.0.to_str().expect("UTF-8");
        let prepare = format!("{strip}; {setup}; mkdir -p '{directory}'");
        let prepare = format!("{prepare}; mv usr whole bait bin proc '{directory}' 2> /dev/null || true");
        let Some(target) = Target::start(&copies, "0", &prepare, &["--chroot", directory]) else { return };
        let fifo = ["bait", "proc/kmsg", &debug_file].map(|name| root.0.join(name));
        let is_fifo = |path: &&PathBuf| {
            use std::os::unix::fs::FileTypeExt;
            std::fs::symlink_metadata(path).is_ok_and(|it| it.file_type().is_fifo())
        };
        let writer = fifo.iter().find(is_fifo).map(|fifo| Writer::start(fifo));
        let Some(handler) = target.handler() else { return };
        assert!(writer.is_none_or(|writer| writer.is_blocked()), "{setup}");
        assert_eq!(has_symbol(&handler), expected, "{setup}: {handler}");
    }
}
