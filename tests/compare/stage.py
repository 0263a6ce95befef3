"""The inside of a case: one PID namespace, one binary, its fixtures.

`run.py` starts `run.py --inside CASE` as PID 1 of a new PID and mount
namespace. This module prepares the namespace, gives the case its tools, and
records every command that the case runs.

What makes two runs equal:

- PIDs start at 20001, so every PID has five digits and no other number looks
  like one. Only the processes of the case exist.
- The binary and the fixture are mounted at the same paths for both binaries.
- Addresses are not randomised; terminals and ports are the case's own.
- The environment, the session, the umask and all dispositions are set here.
"""

import contextlib
import ctypes
import fcntl
import os
import pty
import re
import resource
import select
import shutil
import signal
import struct
import subprocess
import termios
import time
import tty

PLACE = "/tmp/sigtool-compare"
FIRST_PID = 20000
# Longer than anything needs, however busy the machine is.
PATIENCE = 40.0

ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "TERM": "xterm-256color",
    "SHELL": "/bin/sh",
}

# With vfork(2) the parent blocks all signals until it runs again, and the mask of
# the parent is in the output of some commands.
subprocess._USE_VFORK = False

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source, target, kind, flags, data=None):
    target, source = target.encode(), source.encode()
    kind = kind.encode() if kind else None
    _checked(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data), f"mount {target!r}")


def prepare(binary, fixture, status_files):
    """Makes the namespace equal for both binaries. Runs as PID 1, as root."""
    assert os.getpid() == 1, "run.py --inside is for run.py only"
    os.umask(0o022)
    for number in range(1, 65):
        if number not in (9, 19, 32, 33):
            signal.signal(number, signal.SIG_DFL)
    # A command may end before it reads its input; Popen restores the default.
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # ADDR_NO_RANDOMIZE
    _checked(_libc.personality(0x0040000), "personality")
    bind = 4096
    _mount("tmpfs", PLACE, "tmpfs", 0)
    os.chmod(PLACE, 0o755)
    os.mkdir(f"{PLACE}/bin")
    os.mkdir(f"{PLACE}/kill")
    for source, target in ((binary, "bin/sigtool"), (fixture, "bin/fixture")):
        target = f"{PLACE}/{target}"
        open(target, "w").close()
        _mount(source, target, None, bind)
    os.symlink(f"{PLACE}/bin/sigtool", f"{PLACE}/kill/kill")
    # Terminals are numbered from 0 in every case.
    _mount("devpts", "/dev/pts", "devpts", 0, b"newinstance,ptmxmode=0666,mode=0620")
    _mount("/dev/pts/ptmx", "/dev/ptmx", None, bind)
    shutil.copytree(status_files, f"{PLACE}/status")
    os.chdir(PLACE)
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(FIRST_PID))


def run_below_init(work):
    """Runs `work` in a child; this process is an init that only sleeps and reaps.

    So what commands print about PID 1 does not depend on what `work` does.
    """
    child = os.fork()
    if child == 0:
        return work()
    while os.wait()[0] != child:
        pass
    os._exit(0)


def pids():
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def state_of(pid):
    """The state letter of a process; None if it no longer exists."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0].decode()
    except (FileNotFoundError, ProcessLookupError):
        return None


def wait_for(condition, what):
    """Waits until the condition holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.002)


class Running:
    """A process whose output is read as it comes."""

    def __init__(self, words, *, width=None, stdin=None, env=None, uid=None, cwd=None, before=()):
        self.words = words
        self.width = width
        master = slave = None
        if width is not None:
            master, slave = pty.openpty()
            tty.setraw(slave)
            size = struct.pack("HHHH", 24, width, 0, 0)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, size)
        self.process = subprocess.Popen(
            [*before, *words],
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=slave if slave is not None else subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**ENVIRONMENT, **(env or {})},
            cwd=cwd,
            user=uid,
            extra_groups=[] if uid is not None else None,
            group=uid,
        )
        self.pid = self.process.pid
        if slave is not None:
            os.close(slave)
        self.fds = {"stdout": master or self.process.stdout.fileno(), "stderr": self.process.stderr.fileno()}
        self.master = master
        self.text = {"stdout": b"", "stderr": b""}
        if stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self.process.stdin.write(stdin)
                self.process.stdin.close()

    def _pump(self, timeout):
        """Reads what there is; False once both streams have ended."""
        if not self.fds:
            return False
        names = {fd: name for name, fd in self.fds.items()}
        ready = select.select(list(names), [], [], timeout)[0]
        for fd in ready:
            try:
                data = os.read(fd, 65536)
            except OSError:
                # A terminal without a slave ends so.
                data = b""
            if data:
                self.text[names[fd]] += data
            else:
                del self.fds[names[fd]]
        return True

    def wait(self, wanted, stream="stdout", count=1):
        """Waits until a stream has this text (or expression) so many times."""
        pattern = wanted if isinstance(wanted, re.Pattern) else re.compile(re.escape(wanted.encode()))
        end = time.monotonic() + PATIENCE
        while len(pattern.findall(self.text[stream])) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.words}: no {wanted} in {self.text}")
            if not self._pump(0.5):
                raise EOFError(f"{self.words}: no {wanted} in {self.text}")

    def lines(self, count, stream="stdout"):
        """Waits until a stream has so many lines."""
        self.wait(re.compile(rb"\n"), stream, count)

    def ready(self):
        """Waits until watch says that it is ready."""
        self.wait(re.compile(rb"\bready\b[^\n]*\n"), "stderr")

    def end(self):
        """Its exit status, once it has ended and all is read."""
        end = time.monotonic() + PATIENCE
        while self._pump(0.5):
            if time.monotonic() > end:
                self.process.kill()
                raise TimeoutError(f"{self.words} does not end: {self.text}")
        status = self.process.wait(timeout=PATIENCE)
        if self.master is not None:
            os.close(self.master)
        return status


class Fixture:
    """A process in a prepared signal state."""

    def __init__(self, stage, arguments, uid=None, before=()):
        words = [f"{PLACE}/bin/fixture", *arguments]
        self.process = subprocess.Popen(
            [*before, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=ENVIRONMENT,
            user=uid,
            group=uid,
            extra_groups=[] if uid is not None else None,
        )
        stage.children.append(self.process)
        line = self.process.stdout.readline().split()
        if line[:1] not in ([b"ready"], [b"made"]):
            raise RuntimeError(f"fixture {arguments}: {line}")
        self.pid, *self.ids = (int(word) for word in line[1:])
        self.stage = stage
        stage.reap()

    def send(self, number):
        os.kill(self.pid, number)

    def line(self):
        return self.process.stdout.readline()

    def ended(self):
        """Its status, once it has ended: negative is a signal."""
        return self.process.wait(timeout=PATIENCE)


def queue(pid, number, value):
    """sigqueue(3)."""
    _checked(_libc.sigqueue(pid, number, ctypes.c_void_p(value)), "sigqueue")


class Stage:
    """What a case works with."""

    def __init__(self):
        self.records = []
        self.children = []

    def fixture(self, *arguments, uid=None, before=()):
        """Starts the fixture and waits until it is ready."""
        return Fixture(self, arguments, uid, before)

    def helper(self, *words, ready=True, **options):
        """Starts another program; it prints a line once it is ready."""
        process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT, **options
        )
        self.children.append(process)
        if ready:
            process.first = process.stdout.readline()
        return process

    def reap(self):
        """Waits until no orphan is left: the watchers of fixtures end by themselves."""
        own = {process.pid for process in self.children} | {1, os.getpid()}
        wait_for(lambda: not any(self._is_orphan(pid) for pid in pids() if pid not in own), "no orphans")
        wait_for(lambda: os.getpid() == 1 or state_of(1) == "S", "PID 1 sleeps")

    @staticmethod
    def _is_orphan(pid):
        try:
            with open(f"/proc/{pid}/stat", "rb") as stat:
                name, _, rest = stat.read().partition(b" (")[2].rpartition(b")")
        except (FileNotFoundError, ProcessLookupError):
            return False
        state, parent = rest.split()[:2]
        if parent != b"1" or (os.getpid() == 1 and state != b"Z" and name != b"fixture"):
            return False
        if os.getpid() == 1 and state == b"Z":
            os.waitpid(pid, 0)
        return True

    def words(self, arguments, program="sigtool"):
        place = {"sigtool": "bin", "kill": "kill"}[program]
        return [f"{PLACE}/{place}/{program}", *(word if isinstance(word, bytes) else str(word) for word in arguments)]

    def start(self, *arguments, program="sigtool", timed=False, loose=False, **options):
        """Starts a command that the case acts upon; `finish` records it."""
        running = Running(self.words(arguments, program), **options)
        running.timed, running.loose, running.program = timed, loose, program
        running.arguments = arguments
        # What ends on its own while we wait for something else must stay ours.
        self.children.append(running.process)
        return running

    def finish(self, running):
        status = running.end()
        shown = [running.program, *(self._shown(word) for word in running.arguments)]
        self.records.append(
            {
                "command": " ".join(shown)
                + (f"   [terminal of {running.width} columns]" if running.width else ""),
                "status": status,
                "pid": running.pid,
                "stdout": running.text["stdout"].decode("utf-8", "backslashreplace"),
                "stderr": running.text["stderr"].decode("utf-8", "backslashreplace"),
                "timed": running.timed,
                "loose": running.loose,
            }
        )
        return running

    @staticmethod
    def _shown(word):
        word = word.decode("utf-8", "backslashreplace") if isinstance(word, bytes) else str(word)
        return word if re.fullmatch(r"[\w@%+=:,./~-]+", word) else "'" + word.replace("\n", "\\n") + "'"

    def run(self, *arguments, **options):
        """Runs a command to its end and records it."""
        return self.finish(self.start(*arguments, **options))

    def kill(self, *arguments, **options):
        return self.run(*arguments, program="kill", **options)

    def fact(self, name, value):
        """Something else that must be the same for both binaries."""
        self.records.append(
            {
                "command": f"# {name}",
                "status": 0,
                "pid": 0,
                "stdout": f"{value}\n",
                "stderr": "",
                "timed": False,
                "loose": False,
            }
        )

    def file(self, name, text=b"", mode=0o644):
        path = f"{PLACE}/{name}"
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        return path
