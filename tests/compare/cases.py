"""The cases of the comparison: what runs, on which fixtures.

A case is a function of a stage.Stage. Its commands run one after another.
"""

import os
import pty
import re
import shlex
import signal
import subprocess

from stage import ENVIRONMENT, PLACE, queue, state_of, wait_for

CASES = {}
NO_PROCESS = 99999
FORMATS = (["--format", "plain"], ["--json"], ["--format", "table"])


# These send signals to everything but PID 1, so PID 1 runs them.
AS_INIT = set()


def case(function):
    CASES[function.__name__] = function
    return function


def case_as_init(function):
    AS_INIT.add(function.__name__)
    return case(function)


def each(stage, program, lines, **options):
    """Runs a command a line; words are quoted as in a shell."""
    for line in lines.strip().splitlines():
        stage.run(*shlex.split(line), program=program, **options)


def everywhere(stage, *words, timed=False):
    """Runs a command in each output format, and in terminals of two widths."""
    stage.run(*words, timed=timed)
    stage.run(*words, "--json", timed=timed)
    stage.run(*words, width=80, timed=timed)
    stage.run(*words, width=120, timed=timed)
    stage.run(*words, "--color", "never", width=80, timed=timed)


# ---------------------------------------------------------------- help, top


@case
def help_texts(stage):
    each(
        stage,
        "sigtool",
        """
        --help
        -h
        --version
        -V
        list --help
        list -h
        send --help
        send -h
        watch --help
        watch -h
        decode-status --help
        decode-status -h
        decode --help
        completions --help
        completions -h
        --color always --help
        list --color=always -h
        """,
    )
    stage.run()
    stage.run("--help", width=80)
    stage.run("send", "-h", width=120)
    stage.run("send", "-h", width=120, env={"NO_COLOR": "1"})
    each(stage, "kill", "--help\n-h\n--version\n-V")
    stage.kill()


@case
def top_errors(stage):
    each(
        stage,
        "sigtool",
        """
        nonsense
        lst
        help
        --nonsense
        --json
        --format
        --format xml list
        --format json --json list
        --width 0 list
        --width x list
        --width 70000 list
        --color sometimes list
        --format prometheus list
        --format prometheus send 1
        --format prometheus watch
        --format prometheus completions bash
        list --nonsense
        send --nonsense 1
        watch --nonsense
        decode --nonsense
        completions
        completions tcsh
        completions bash zsh
        completions bsh
        list --color
        """,
    )
    stage.run(b"li\xffst")
    stage.run("")


@case
def completions(stage):
    each(stage, "sigtool", "completions bash\ncompletions zsh\ncompletions fish\ncompletions nushell")
    stage.run("completions", "bash", "--json")


# -------------------------------------------------------------------- list


@case
def list_formats(stage):
    everywhere(stage, "list")
    everywhere(stage, "list", "TERM")
    everywhere(stage, "list", "--codes", "SEGV")
    everywhere(stage, "list", "143")
    everywhere(stage, "list", "0x4002")
    stage.run("list", "--format", "table", "--width", "40")
    stage.run("list", "--format", "table", "--width", "200", "--color", "always")
    stage.run("list", "--format", "table", "--color", "always", "TERM")
    stage.run("list", width=80, env={"NO_COLOR": "1"})
    stage.run("list", "--color", "always", width=80, env={"NO_COLOR": "1"})
    stage.run("list", "KILL", env={"CLICOLOR_FORCE": "1"})
    stage.run("list", "KILL", width=80, env={"TERM": "dumb"})


@case
def list_options(stage):
    each(
        stage,
        "sigtool",
        """
        list --realtime
        list --realtime --json
        list --names
        list --names --realtime
        list --names --json
        list --names 143
        list --names 9 15
        list --codes
        list -c CHLD
        list -c TERM
        list --codes --json SEGV BUS
        list --arch x86
        list --arch arm
        list -a alpha
        list --arch sparc
        list --arch mips
        list --arch parisc --json
        list --arch mips --names
        list --arch mips USR1
        list --arch alpha --codes
        list --arch mips 0x1ffff
        list --encode INT,TERM
        list -e TERM
        list --encode all
        list --encode '~[INT]'
        list --encode INT,TERM --json
        list --encode USR1 --arch mips
        list --encode ''
        list --encode INT --encode TERM
        list TERM sigkill RTMIN+3 SIGRTMAX-2 CLD POLL IOT UNUSED
        list 0 1 32 33 34 64
        list 128 129 137 256 265 271 384
        list -- -9
        list -9
        list 0x0
        list 0xffffffffffffffff
        list 0x1 0x100
        list EXIT
        list 1,2
        list self
        """,
    )
    for name in ("STOP", "CONT", "CHLD", "PIPE", "ALRM", "URG", "SYS", "RTMIN"):
        stage.run("list", name)


@case
def list_errors(stage):
    each(
        stage,
        "sigtool",
        """
        list FOO
        list TERN
        list RTMIN+31
        list RTMAX+1
        list 65
        list 127
        list 500
        list 99999999999999999999
        list 0x
        list 0xzz
        list 0x1ffffffffffffffff
        list ''
        list -- -65
        list TERM FOO KILL
        list TERM FOO KILL --json
        list --arch vax
        list --arch
        list --encode FOO
        list --encode 65
        list --encode
        list --encode TERM KILL
        list --names --codes
        list --names --encode TERM
        list --realtime TERM
        list --realtime --codes
        list --arch mips STKFLT
        list --arch x86 EMT
        list --codes 0x4
        list --codes FOO
        list --names 0x4002
        list --names FOO
        """,
    )
    stage.run("list", b"TE\xffRM")
    stage.run("list", "TE\x1b[31mRM")
    with open("/dev/full", "wb"):
        pass
    stage.run("list", before=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    stage.run("list", "--json", before=("sh", "-c", 'exec "$@" >&-', "sh"))


# ------------------------------------------------------------------ decode


def sleeper(stage):
    return stage.fixture(
        "--default", "~[KILL STOP]", "--block", "TERM,USR1,RTMIN+2", "--ignore", "HUP,PIPE",
        "--catch", "INT,USR2,CHLD", "--queue", "USR1=7", "--queue", "RTMIN+2=1", "--queue", "RTMIN+2=2",
        "--name", "worker",
    )  # fmt: skip


@case
def decode_formats(stage):
    fixture = sleeper(stage)
    pid = fixture.pid
    everywhere(stage, "decode-status", pid)
    everywhere(stage, "decode-status", pid, "self", 1)
    everywhere(stage, "decode-status", "--full", pid)
    everywhere(stage, "decode-status", "--signal", "TERM", pid, 1)
    everywhere(stage, "decode-status", "--threads", pid)
    everywhere(stage, "decode-status", "--mask", "SigCgt=180004007")
    for words in FORMATS:
        stage.run("decode", *words, pid)
        stage.run("decode", *words, "self")
    stage.run("decode", "--format", "prometheus", pid)
    stage.run("decode", "--format", "prometheus", "--signals", "TERM,USR1,HUP", pid, 1)
    stage.run("decode", "--format", "table", "--width", "40", "--color", "always", pid)
    stage.run("decode", "--format", "table", "--width", "40", pid, "self", 1)
    stage.run("decode", "--json", pid, width=80)


@case
def decode_options(stage):
    fixture = sleeper(stage)
    other = stage.fixture("--catch", "TERM", "--name", "other one", "--thread", "block=USR1;name=second")
    pid, tid = fixture.pid, other.ids[0]
    each(
        stage,
        "sigtool",
        f"""
        decode {pid}
        decode-status -- {pid}
        decode {other.pid}/{tid}
        decode {other.pid}/{tid} --json
        decode {other.pid}/{other.pid}
        decode --threads {other.pid} {pid}
        decode --threads --json {other.pid}
        decode --threads --full {other.pid}
        decode --full {pid} {other.pid}
        decode --pids {pid} {other.pid}
        decode --pids --all
        decode --pids --all --json
        decode --all
        decode --all --json
        decode --all --full
        decode --all --sort pid
        decode --all --sort -pid
        decode --all --sort name
        decode --all --sort -name
        decode --all --sort state
        decode --all --sort threads
        decode --all --sort -threads
        decode --all --sort uid
        decode --all --sort -caught
        decode --all --sort blocked
        decode --all --sort -pending
        decode --all --sort ignored
        decode --all --format prometheus
        decode --all --format prometheus --signals all
        decode --all --signal TERM
        decode --all --signal KILL --json
        decode --signal USR1 {pid}
        decode --signal INT {pid}
        decode --signal HUP {pid}
        decode --signal 0 {pid}
        decode --signal 15 {other.pid}/{tid}
        decode --require caught=INT {pid}
        decode --require caught=TERM {pid}
        decode --require caught=TERM --json {pid}
        decode --require blocked=TERM,USR1 --require ignored=HUP {pid}
        decode --require caught=TERM {pid} {other.pid}
        decode --forbid pending=any {pid}
        decode --forbid pending=USR1 {pid}
        decode --forbid pending=any {other.pid}
        decode --forbid blocked=none {pid}
        decode -q --require caught=TERM --forbid pending=any {other.pid}
        decode -q --require caught=TERM {pid}
        decode --quiet {pid}
        decode --quiet {NO_PROCESS}
        decode --signal TERM --require caught=TERM {pid}
        decode --proc /proc {pid}
        decode --proc /proc --all
        decode --proc /proc --pids --name worker
        decode -v {pid}
        decode {pid} {pid}
        decode {pid} {NO_PROCESS} {other.pid}
        decode {pid} {NO_PROCESS} --json
        """,
    )
    stage.run("decode", "--sort", "name", "--all", width=80)
    stage.run("decode", "--sort", "-threads", "--all", width=120)


@case
def decode_errors(stage):
    fixture = sleeper(stage)
    pid = fixture.pid
    stage.file("unreadable", "x", 0o000)
    stage.file("junk", "this is not a status file\n")
    each(
        stage,
        "sigtool",
        f"""
        decode
        decode 0
        decode -1
        decode x
        decode ''
        decode {NO_PROCESS}
        decode 4194305
        decode 99999999999
        decode {pid}/
        decode {pid}/x
        decode {pid}/{NO_PROCESS}
        decode {pid}/1
        decode {NO_PROCESS}/{NO_PROCESS}
        decode worker
        decode self/1
        decode 1,{pid}
        decode --file /nowhere/file
        decode --file /etc
        decode --file junk
        decode --file /dev/null
        decode --file
        decode --file status/bash {pid}
        decode --mask zz
        decode --mask ''
        decode --mask Foo=1
        decode --mask SigCgt=
        decode --mask 1ffffffffffffffffffff
        decode --mask 1 {pid}
        decode --mask 1 --file status/bash
        decode --require
        decode --require caught
        decode --require caught=
        decode --require foo=TERM {pid}
        decode --require caught=FOO {pid}
        decode --require caught=TERN {pid}
        decode --forbid caught=65 {pid}
        decode --require=pending=none {pid}
        decode --sort foo --all
        decode --sort
        decode --sort name {pid}
        decode --signal FOO {pid}
        decode --signal 65 {pid}
        decode --signal '' {pid}
        decode --signal TERM
        decode --signals TERM {pid}
        decode --signals FOO --format prometheus {pid}
        decode --proc /nowhere {pid}
        decode --proc /etc {pid}
        decode --proc /etc --all
        decode --all {pid}
        decode --all --file status/bash
        decode --pids
        decode --pids --threads {pid}
        decode --pids --file status/bash
        decode --backend foo {pid}
        decode --backend bpf {pid}
        decode --handlers --backend gdb {pid}
        decode --handlers --file status/bash
        decode --handlers --mask 1
        decode --queue --all --format prometheus
        decode --handlers --proc /proc {pid}
        decode --queue {NO_PROCESS}
        decode --handlers {NO_PROCESS} --json
        decode --handlers --pids {pid}
        decode --format prometheus --file status/bash
        decode --format prometheus --threads {pid}
        decode --format prometheus --mask 1
        decode --threads --file status/bash
        decode --full --quiet {pid}
        """,
    )
    stage.run("decode", b"\xff\xfe")
    stage.run("decode", "--file", "unreadable", uid=12345)
    stage.run("decode", "--file", "unreadable", "--file", "status/bash", uid=12345)
    stage.run("decode", "--file", b"no\x1b[31m\xff")
    stage.run("decode", "-", stdin=b"")
    stage.run("decode", "-", stdin=b"garbage\n")
    stage.run("decode", "-", "--json", stdin=b"SigBlk:\tzz\n")
    stage.run("decode", "--all", before=("sh", "-c", 'exec "$@" > /dev/full', "sh"))


@case
def decode_status_files(stage):
    for name in sorted(os.listdir(f"{PLACE}/status")):
        stage.run("decode", "--file", f"status/{name}")


@case
def decode_status_files_as_json(stage):
    for name in sorted(os.listdir(f"{PLACE}/status")):
        stage.run("decode", "--json", "--file", f"status/{name}")


@case
def decode_status_files_in_other_ways(stage):
    names = sorted(os.listdir(f"{PLACE}/status"))
    every = [word for name in names for word in ("--file", f"status/{name}")]
    stage.run("decode", *every)
    stage.run("decode", *every, width=80)
    stage.run("decode", *every, "--sort", "-caught")
    stage.run("decode", *every, "--signal", "TERM")
    for name in ("bash", "java", "mips", "name-escape", "name-newline", "zombie", "grep-sig", "stopped"):
        stage.run("decode", "--file", f"status/{name}", width=80)
        stage.run("decode", "--full", "--file", f"status/{name}")
    for name in ("bash", "grep-sig", "crlf", "signal-lines"):
        with open(f"{PLACE}/status/{name}", "rb") as file:
            text = file.read()
        stage.run("decode", "-", stdin=text)
        stage.run("decode", "-f", "-", stdin=text)
    stage.run("decode", "--file", "status/java", "--require", "caught=TERM")
    stage.run("decode", "--file", "status/java", "--forbid", "caught=TERM")
    stage.run("decode", "--file", "status/pid-1", "--signal", "KILL")
    each(
        stage,
        "sigtool",
        """
        decode --mask 4002
        decode --mask 0x4002
        decode -m SigBlk=0000000000004002
        decode -m SigIgn=1 -m SigCgt=4000
        decode -m 0
        decode -m ffffffffffffffff --json
        decode -m ShdPnd=100 --full
        """,
    )


# -------------------------------------------- decode: fixtures of every kind


def look(stage, *pids):
    stage.run("decode", *pids)
    stage.run("decode", "--json", "--threads", *pids)
    stage.run("decode", "--signal", "TERM", *pids)


@case
def state_blocked(stage):
    look(stage, stage.fixture("--default", "~[KILL STOP]", "--block", "all").pid)
    look(stage, stage.fixture("--block", "INT,QUIT,CHLD,SEGV").pid)


@case
def state_ignored(stage):
    look(stage, stage.fixture("--ignore", "HUP,INT,TERM,CHLD").pid)
    look(stage, stage.fixture("--ignore", "~[KILL STOP]").pid)


@case
def state_caught(stage):
    look(stage, stage.fixture("--catch", "HUP,TERM,SEGV,CHLD,RTMIN+1,RTMAX").pid)


@case
def state_pending(stage):
    look(stage, stage.fixture("--block", "TERM,INT", "--own", "INT", "--queue", "TERM").pid)
    stopped = stage.fixture("--stop")
    os.kill(stopped.pid, signal.SIGTERM)
    look(stage, stopped.pid)


@case
def state_stopped(stage):
    stopped = stage.fixture("--catch", "TERM", "--stop")
    look(stage, stopped.pid)
    stage.run("decode", "--signal", "CONT", stopped.pid)
    stage.run("decode", "--signal", "KILL", stopped.pid)


@case
def state_zombie(stage):
    zombie = stage.fixture("--exit", "3")
    look(stage, zombie.pid)
    parent = stage.fixture("--zombie-child", "--name", "a parent")
    look(stage, parent.pid)
    look(stage, *parent.ids)
    stage.run("decode", "--signal", "KILL", *parent.ids)
    ignoring = stage.fixture("--zombie-child", "--block", "CHLD")
    look(stage, ignoring.pid)
    leader = stage.fixture("--thread", "name=survivor", "--leader-exits")
    look(stage, leader.pid)


@case
def state_threads(stage):
    fixture = stage.fixture(
        "--block", "USR1,USR2,TERM",
        "--thread", "own=USR1;name=one", "--thread", "block=HUP;name=two", "--thread", "sigwait=USR2",
        "--thread", "sigsuspend=INT",
    )  # fmt: skip
    look(stage, fixture.pid)
    for tid in fixture.ids:
        stage.run("decode", f"{fixture.pid}/{tid}")
    partly = stage.fixture("--thread", "block=TERM;name=part")
    look(stage, partly.pid)
    stage.run("decode", "--threads", partly.pid, width=80)
    stage.run("decode", "--threads", partly.pid, fixture.pid, width=120)


@case
def state_sigwait(stage):
    fixture = stage.fixture("--sigwait", "TERM,USR1")
    look(stage, fixture.pid)
    suspended = stage.fixture("--catch", "USR1", "--block", "USR1,TERM", "--sigsuspend", "TERM")
    look(stage, suspended.pid)


@case
def state_signalfd(stage):
    reading = stage.fixture("--block", "TERM,INT", "--read-signalfd", "TERM,INT")
    look(stage, reading.pid)
    unread = stage.fixture("--block", "TERM", "--signalfd", "TERM", "--queue", "TERM")
    look(stage, unread.pid)
    careless = stage.fixture("--signalfd", "TERM")
    look(stage, careless.pid)


@case
def state_vfork(stage):
    fixture = stage.fixture("--vfork")
    look(stage, fixture.pid)
    look(stage, *fixture.ids)
    stage.run("decode", "--signal", "KILL", fixture.pid)
    stage.run("send", "--dry-run", "-KILL", fixture.pid)


@case
def state_waiting_for_a_page(stage):
    fixture = stage.fixture("--wait-for-page")
    look(stage, fixture.pid)
    stage.run("decode", "--signal", "KILL", fixture.pid)
    stage.run("decode", "--json", "--signal", "KILL", "--threads", fixture.pid)
    stage.run("send", "-KILL", "-v", "--wait", "50ms", fixture.pid, timed=True)


@case
def state_system(stage):
    stage.file("never", b"")
    os.unlink("never")
    os.mkfifo("never")
    fixture = stage.fixture("--system", "read line < never")
    wait_for(lambda: waits_for_child(fixture.pid), "system(3)")
    look(stage, fixture.pid)


def waits_for_child(pid):
    with open(f"/proc/{pid}/syscall") as call:
        return call.read().split()[0] in ("61", "247")


@case
def state_queued(stage):
    fixture = stage.fixture(
        "--block", "TERM,USR1,RTMIN,RTMIN+1", "--queue", "RTMIN=7", "--own", "USR1", "--timer", "RTMIN+1=77"
    )
    living = stage.fixture("--flood", str(fixture.pid), "RTMIN", "3", "--name", "flooder")
    queue(fixture.pid, signal.SIGTERM, 5)
    for backend in ("auto", "bpf", "ptrace"):
        stage.run("decode", "--queue", "--backend", backend, fixture.pid, timed=True)
        stage.run("decode", "--queue", "--json", "--backend", backend, fixture.pid)
    stage.run("decode", "--queue", "--backend", "bpf", f"{fixture.pid}/{fixture.pid}", timed=True)
    stage.run("decode", "--queue", fixture.pid, living.pid, timed=True)
    stage.run("decode", "--queue", fixture.pid, timed=True, width=80)
    stage.run("decode", "--queue", fixture.pid, timed=True, width=120)
    stage.run("decode", "--queue", "--full", fixture.pid, timed=True)
    stage.run("decode", "--queue", "--handlers", fixture.pid, timed=True)
    stage.run("decode", "--queue", "--signal", "TERM", fixture.pid, timed=True)
    look(stage, fixture.pid)


@case
def state_queue_is_long(stage):
    fixture = stage.fixture("--block", "RTMIN", uid=12350)
    flooder = stage.fixture("--flood", str(fixture.pid), "RTMIN", "1200", uid=12350)
    stage.run("decode", "--queue", "--backend", "bpf", fixture.pid, timed=True)
    stage.run("decode", "--queue", "--json", "--backend", "ptrace", fixture.pid)
    stage.run("decode", fixture.pid, flooder.pid)


@case
def state_queue_is_full(stage):
    fixture = stage.fixture("--block", "RTMIN,TERM", "--queue-limit", "0", uid=12351)
    stage.run("send", "-RTMIN", fixture.pid)
    stage.run("send", "-RTMIN", "-q", "3", fixture.pid)
    stage.run("decode", fixture.pid)
    stage.run("decode", "--json", fixture.pid)
    stage.run("decode", "--queue", "--backend", "bpf", fixture.pid, timed=True)
    some = stage.fixture("--block", "RTMIN", "--queue-limit", "4", "--queue", "RTMIN=1", "--queue", "RTMIN=2",
                         "--queue", "RTMIN=3", uid=12352)  # fmt: skip
    stage.run("decode", some.pid)


@case
def state_handlers(stage):
    fixture = stage.fixture(
        "--catch", "TERM,HUP,RTMAX", "--catch-at", "10", "USR1", "--catch-at", "data", "USR2",
        "--catch-at", "7ff000000000", "ALRM", "--catch-at", "ffffffff81000000", "QUIT",
    )  # fmt: skip
    pid = fixture.pid
    for backend in ("auto", "bpf", "ptrace"):
        stage.run("decode", "--handlers", "--backend", backend, pid, timed=True)
        stage.run("decode", "--handlers", "--json", "--backend", backend, pid)
    stage.run("decode", "--handlers", "--full", pid, timed=True)
    stage.run("decode", "--handlers", "-v", pid, timed=True)
    stage.run("decode", "--handlers", pid, width=80, timed=True)
    stage.run("decode", "--handlers", pid, width=120, timed=True)
    stage.run("decode", "--handlers", pid, 1, timed=True)
    stage.run("decode", "--handlers", "self", timed=True)
    stage.run("decode", "--handlers", "--threads", pid, timed=True)
    stage.run("decode", "--handlers", "--signal", "TERM", pid, timed=True)
    stage.run("decode", "--handlers", "--name", "fixture", timed=True)
    stage.run("decode", "--handlers", pid, uid=12353, timed=True)
    stage.run("decode", "--handlers", "--json", "--backend", "ptrace", pid, uid=12353)
    stage.run("decode", "--queue", "--backend", "bpf", "-v", pid, uid=12353, timed=True)
    zombie = stage.fixture("--exit", "3")
    stage.run("decode", "--handlers", "--queue", zombie.pid, timed=True)
    stopped = stage.fixture("--catch", "TERM", "--stop")
    stage.run("decode", "--handlers", "--backend", "ptrace", stopped.pid, timed=True)
    vfork = stage.fixture("--catch", "TERM", "--vfork")
    stage.run("decode", "--handlers", "--backend", "bpf", vfork.pid, timed=True)


@case
def state_of_init(stage):
    stage.run("decode", 1)
    stage.run("decode", "--json", 1)
    stage.run("decode", "--signal", "TERM", 1)
    stage.run("decode", "--signal", "KILL", 1)
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    outer = stage.helper(*words, f"{PLACE}/bin/fixture", "--unwatched", "--catch", "HUP", "--name", "an init")
    child = children_of(outer.pid)[0]
    wait_for(lambda: state_of(child) == "S", "the init sleeps")
    look(stage, child)
    stage.run("decode", "--signal", "HUP", child)
    stage.run("decode", "--ns", child)
    stage.run("decode", "--pids", "--ns", 1)
    stage.run("send", "-TERM", "-v", child)
    stage.run("send", "--dry-run", "-TERM", child)
    stage.run("send", "--dry-run", "-KILL", child)
    stage.run("decode", "--handlers", "--queue", "--backend", "bpf", child, timed=True)
    stage.run("send", "-KILL", "--wait", "20s", "-v", child, timed=True)


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as children:
        return [int(word) for word in children.read().split()]


TRACER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
ptrace = libc.ptrace
ptrace.argtypes = [ctypes.c_long] * 4
assert ptrace(0x4206, int(sys.argv[1]), 0, 0) == 0
print("tracing", flush=True)
sys.stdin.read()
"""


@case
def state_traced(stage):
    fixture = stage.fixture("--catch", "TERM")
    tracer = stage.helper("python3", "-I", "-S", "-c", TRACER, str(fixture.pid))
    look(stage, fixture.pid)
    stage.run("decode", "--handlers", "--backend", "ptrace", fixture.pid, timed=True)
    stage.run("decode", "--handlers", "--json", "--backend", "ptrace", fixture.pid)
    stage.run("decode", "--handlers", "--backend", "bpf", fixture.pid, timed=True)
    stage.run("send", "--dry-run", fixture.pid)
    stage.run("watch", "--pid", fixture.pid, "--backend", "ptrace", "--timeout", "1ms")
    tracer.stdin.close()


@case
def state_names(stage):
    names = (b"two words", b"esc\x1b[31m", b"new\nline", b"\xff\xfe", b"par) S 1", b"", "größe".encode())
    fixtures = [stage.fixture("--name", name) for name in names]
    for fixture in fixtures:
        stage.run("decode", fixture.pid)
    stage.run("decode", "--all")
    stage.run("decode", "--all", "--sort", "name", "--json")
    stage.run("decode", "--all", "--sort", "name", width=80)
    for name in names[:4]:
        stage.run("decode", "--pids", "--name", name)
    stage.run("send", "-0", "-v", *(fixture.pid for fixture in fixtures))


@case
def state_other_users(stage):
    fixture = stage.fixture("--block", "TERM", uid=12354)
    look(stage, fixture.pid)
    stage.run("decode", fixture.pid, 1, uid=12354)
    stage.run("decode", 1, uid=12354)
    stage.run("send", "-0", 1, uid=12354)
    stage.run("send", "-TERM", "-v", 1, uid=12354)
    stage.run("send", "-TERM", "--json", 1, fixture.pid, uid=12354)
    stage.run("send", "--dry-run", 1, uid=12354)
    stage.run("decode", "--pids", "--user", "12354")
    stage.run("decode", "--user", "12354", "--gid", "12354")
    stage.run("decode", "--all", "--sort", "-uid")
    stage.run("watch", "--pid", 1, "--backend", "ptrace", "--timeout", "1ms", uid=12354)
    stage.run("watch", "--pid", 1, "--backend", "bpf", "--timeout", "1ms", uid=12354)
    stage.run("watch", "--all", "--timeout", "1ms", uid=12354)
    own = stage.fixture("--catch", "HUP", uid=12354)
    stage.run("send", "-HUP", "-v", own.pid, uid=12354)
    stage.run("decode", "--handlers", own.pid, uid=12354, timed=True)
    stage.kill("-9", 1, uid=12354)
    stage.kill("-0", "fixture", uid=12354)


# --------------------------------------------------------------- selection


def crowd(stage):
    """Five processes that differ in what criteria ask for."""
    one = stage.fixture("--name", "alpha", "--catch", "HUP,TERM", "--new-session")
    two = stage.fixture("--name", "beta", "--ignore", "HUP", "--new-group")
    three = stage.fixture("--name", "beta", "--block", "TERM,USR1", "--queue", "USR1", uid=12355)
    four = stage.fixture("--name", "a very long name that is cut", "--zombie-child")
    five = stage.fixture("--name", "gamma", "--stop")
    return one, two, three, four, five


@case
def select_by_criteria(stage):
    one, two, three, four, five = crowd(stage)
    stage.file("pidfile", f"{one.pid}\n")
    each(
        stage,
        "sigtool",
        f"""
        decode --pids --name alpha
        decode --name beta
        decode --pids --name alpha --name gamma
        decode --pids --name 'a very long nam'
        decode --pids --name nothing
        decode --pids --match fixture
        decode --pids --match 'name (alpha|gamma)'
        decode --pids --user root
        decode --pids --user 0,12355
        decode --pids --user root --user 12355
        decode --pids --gid 0
        decode --pids --gid root,12355
        decode --pids --pgrp {two.pid}
        decode --pids --pgrp 0
        decode --pids --parent 1
        decode --pids --parent {four.pid}
        decode --pids --session {one.pid}
        decode --pids --session 0
        decode --pids --tty none
        decode --pids --cgroup /
        decode --pids --ns 1
        decode --pids --state T
        decode --pids --state SZ
        decode --pids --state S,T
        decode --pids --older 1h
        decode --pids --newer 1h
        decode --pids --oldest --name beta
        decode --pids --newest --name beta
        decode --pids --pidfile pidfile
        decode --pids --catches HUP
        decode --pids --catches any
        decode --pids --catches none
        decode --pids --catches HUP --catches TERM
        decode --pids --ignores HUP
        decode --pids --blocks TERM
        decode --pids --blocks TERM,USR1
        decode --pids --pending USR1
        decode --pids --pending any
        decode --pids --tree --name 'a very long nam'
        decode --pids -t --name alpha
        decode --pids --at-most 1 --name alpha
        decode --pids --at-most 1 --name beta
        decode --pids --name beta --user root --ignores HUP
        decode --name beta --signal TERM
        decode --name beta --json
        decode --require caught=TERM --name beta
        decode {one.pid} {two.pid} --name beta
        decode {one.pid} --name beta
        decode --user 12355 --format prometheus
        send --dry-run --name beta
        send --dry-run --json --name beta
        send --dry-run -v --match gamma
        send -0 --name beta
        send -0 -v --name beta
        send -0 -v {one.pid} --name alpha
        send -0 -v {one.pid} --name beta
        send -0 -v --at-most 1 --name beta
        send -0 --name nothing
        send -0 --tree -v {four.pid}
        send --dry-run --pidfile pidfile
        """,
    )
    stage.run("send", "-HUP", "-v", "--name", "alpha")
    stage.run("send", "-TERM", "-v", "--wait", "20s", "--ignores", "HUP", timed=True)
    stage.fact("beta ended by", two.ended())
    stage.run("send", "--newest", "-KILL", "-v", "--name", "gamma", "--wait", "20s", timed=True)
    stage.run("decode", "--pids", "--all")


@case
def select_for_send_and_watch(stage):
    one, two, three, four, _ = crowd(stage)
    stage.file("pidfile", f"{one.pid}\n")
    for line in f"""
        --match gamma
        --user 12355
        --gid 12355
        --pgrp {two.pid}
        --parent {four.pid}
        --session {one.pid}
        --tty none --name alpha
        --cgroup / --name alpha
        --ns 1 --name alpha
        --state T
        --older 1h
        --newer 1h --name alpha
        --newest --name beta
        --oldest --name beta
        --pidfile pidfile
        --port 1
        --catches HUP
        --ignores HUP
        --blocks TERM,USR1
        --pending USR1
        --tree --name 'a very long nam'
        --at-most 1 --name alpha
        --width 60 --name alpha
        """.strip().splitlines():
        words = shlex.split(line)
        stage.run("send", "--dry-run", "--verbose", *words)
        stage.run("watch", "--verbose", "--backend", "proc", "--timeout", "1ms", *words)
    stage.run("send", "-USR1", "--queue", "7", "--verbose", three.pid)
    stage.run("decode-status", "--verbose", "--handlers", one.pid, timed=True)
    stage.run("completions", "--color", "always", "--width", "40", "fish")


@case
def select_errors(stage):
    crowd(stage)
    stage.file("empty", "")
    stage.file("words", "not a number\n")
    stage.file("gone", f"{NO_PROCESS}\n")
    stage.file("unreadable", "1\n", 0o000)
    os.mkfifo("fifo")
    each(
        stage,
        "sigtool",
        """
        decode --name ''
        decode --name
        decode --match '['
        decode --match ''
        decode --match 'x*'
        decode --user nobody-at-all
        decode --user ''
        decode --user root,
        decode --gid no-such-group
        decode --pgrp x
        decode --parent x
        decode --parent -1
        decode --session x
        decode --tty nothing
        decode --tty ''
        decode --cgroup ''
        decode --cgroup nothing/at/all
        decode --ns x
        decode --ns 99999
        decode --ns 0
        decode --state Q
        decode --state ''
        decode --older x
        decode --older -1s
        decode --older 5
        decode --newer 5parsecs
        decode --newer inf
        decode --oldest
        decode --oldest --newest
        decode --pidfile /nowhere/pidfile
        decode --pidfile empty
        decode --pidfile words
        decode --pidfile gone
        decode --pidfile fifo
        decode --pidfile /etc
        send -0 --pidfile gone
        send -0 --pidfile /nowhere/pidfile
        decode --port 0
        decode --port x
        decode --port 70000
        decode --port sctp:1
        decode --port 1
        decode --catches FOO
        decode --catches 65
        decode --catches ''
        decode --catches any,TERM
        decode --ignores FOO
        decode --blocks FOO
        decode --pending FOO
        decode --tree
        decode --at-most 0 --name beta
        decode --at-most x --name beta
        decode --at-most 1
        send -0 --at-most 1
        send -0 --oldest
        send -0 --name beta --user nobody-at-all
        watch --name nothing --timeout 1ms
        watch --oldest
        watch --at-most 1 --name beta --timeout 1ms
        """,
    )
    stage.run("decode", "--pidfile", "unreadable", uid=12356)


LISTENER = """
import socket, sys
tcp = socket.socket(); tcp.bind(("0.0.0.0", 8080)); tcp.listen()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("0.0.0.0", 5353))
print("ready", flush=True)
sys.stdin.read()
"""


@case
def select_by_port_and_terminal(stage):
    stage.helper("python3", "-I", "-S", "-c", LISTENER)
    each(
        stage,
        "sigtool",
        """
        decode --pids --port 8080
        decode --pids --port tcp:8080
        decode --pids --port udp:8080
        decode --pids --port udp:5353
        decode --pids --port 8080,udp:5353
        decode --pids --port 8081
        send -0 -v --port 8080
        """,
    )
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*"setsid --ctty".split(), f"{PLACE}/bin/fixture", "--name", "on a terminal"],
        stdin=slave, stdout=subprocess.PIPE, env=ENVIRONMENT,
    )  # fmt: skip
    stage.children.append(process)
    process.stdout.readline()
    stage.reap()
    name = os.ttyname(slave).removeprefix("/dev/")
    stage.run("decode", "--pids", "--tty", name)
    stage.run("decode", "--tty", f"/dev/{name}")
    stage.run("decode", "--pids", "--tty", "pts/77")
    stage.run("send", "-HUP", "--wait", "20s", "-v", "--tty", name, timed=True)
    os.close(master)


# -------------------------------------------------------------------- send


def survivor(stage, **options):
    return stage.fixture("--default", "~[KILL STOP]", "--catch", "USR1,USR2,HUP,RTMIN+1", "--ignore", "INT",
                         "--block", "QUIT,RTMIN+2", "--name", "worker", "--report", **options)  # fmt: skip


@case
def send_spellings(stage):
    fixture = survivor(stage)
    pid = fixture.pid
    for words in (
        ["-USR1"], ["-SIGUSR1"], ["-usr1"], ["-10"], ["-s", "USR1"], ["-sUSR1"], ["-n", "10"], ["-n10"],
        ["--signal", "10"], ["--signal=USR1"], ["--number", "10"], ["-RTMIN+1"], ["-35"],
    ):  # fmt: skip
        stage.run("send", *words, pid)
        stage.fact("handled", fixture.line().split()[:2])
    stage.run("send", "-USR1", "-v", f"{pid}/{pid}")
    stage.run("send", "-USR1", "-v", "--", pid)
    stage.run("send", pid, "-s", "USR2", "-v")
    stage.run("send", "-0", pid)
    stage.run("send", "-0", "-v", pid)
    stage.run("send", "-0", "--json", pid)


@case
def send_outcomes(stage):
    fixture = survivor(stage)
    pid = fixture.pid
    stopped = stage.fixture("--stop")
    zombie = stage.fixture("--exit", "3")
    sigwait = stage.fixture("--sigwait", "TERM")
    for words in (["-USR1"], ["-INT"], ["-QUIT"], ["-QUIT"], ["-CONT"], ["-URG"], ["-s", "RTMIN+2", "-q", "7"]):
        stage.run("send", "-v", *words, pid)
        stage.run("send", "--json", *words, pid)
        stage.run("send", "--dry-run", *words, pid)
    everywhere(stage, "send", "-v", "-USR2", pid)
    everywhere(stage, "send", "--dry-run", "-TERM", pid, stopped.pid, zombie.pid, sigwait.pid)
    stage.run("send", "-v", "-TERM", stopped.pid)
    stage.run("send", "-v", "-USR1", zombie.pid)
    stage.run("send", "-v", "-TERM", sigwait.pid)
    stage.run("send", "--json", "-TERM", zombie.pid, stopped.pid)
    stage.run("send", "-USR1", zombie.pid)
    stage.run("send", "-v", "-r", "-USR1", pid)
    stage.run("send", "-r", "-TERM", pid)
    stage.run("send", "-r", "-TERM", "--json", pid, stopped.pid)
    stage.run("send", "--require-handler", "-USR1", "--dry-run", pid, zombie.pid)


@case
def send_ends(stage):
    for words in (["-TERM"], ["-KILL"], ["-9", "-v"], ["-RTMIN+5", "-v"], ["-ABRT", "--json"], []):
        fixture = stage.fixture("--default", "~[KILL STOP]")
        stage.run("send", *words, "--wait", "20s", fixture.pid, timed=True)
        stage.fact("ended by", fixture.ended())
    fixture = stage.fixture("--ignore", "TERM")
    stage.run("send", "--wait", "50ms", fixture.pid, timed=True)
    stage.run("send", "--wait", "50ms", "-v", fixture.pid, timed=True)
    stage.run("send", "--wait", "50ms", "--json", fixture.pid, timed=True)
    stage.run("send", "-w", "0", "-v", fixture.pid, timed=True)
    stage.run("send", "--wait", "50ms", "--then", "KILL:20s", "-v", fixture.pid, timed=True)
    stage.fact("ended by", fixture.ended())
    fixture = stage.fixture("--ignore", "TERM,HUP")
    stage.run("send", "--wait", "50ms", "--then", "HUP", "--then", "INT:20s", "--json", fixture.pid, timed=True)
    stage.fact("ended by", fixture.ended())
    fixture = stage.fixture("--block", "TERM")
    stage.run("send", "--wait", "50ms", "--then", "KILL:20s", fixture.pid, width=80, timed=True)
    pair = [stage.fixture(), stage.fixture("--ignore", "TERM")]
    stage.run("send", "--wait", "300ms", *(fixture.pid for fixture in pair), timed=True)
    stage.fact("first ended by", pair[0].ended())


@case
def send_groups(stage):
    one = stage.fixture("--new-group", "--catch", "USR1", "--report")
    pid = one.pid
    stage.run("send", "-USR1", "-v", "--", f"-{pid}")
    stage.run("send", "-USR1", f"-{pid}")
    stage.run("send", "-0", "-v", "--", f"-{pid}")
    stage.run("send", "-USR1", "--json", f"-{pid}")
    stage.run("send", "--dry-run", "-TERM", f"-{pid}")
    stage.run("send", "--dry-run", "--json", "-TERM", f"-{pid}")
    stage.run("send", f"-{pid}")
    stage.run("send", f"-{NO_PROCESS}", "-TERM")
    stage.run("send", "-TERM", f"-{NO_PROCESS}")
    stage.run("send", "-TERM", "-v", "--wait", "20s", f"-{pid}", timed=True)
    stage.kill("-TERM", f"-{NO_PROCESS}")
    two = stage.fixture("--new-group")
    stage.kill("-TERM", f"-{two.pid}")
    stage.fact("ended by", two.ended())
    three = stage.fixture("--new-group")
    stage.kill("--", f"-{three.pid}")
    stage.fact("ended by", three.ended())


@case_as_init
def send_own_group(stage):
    stage.run("send", "-0", 0)
    stage.run("send", "-0", "-v", 0)
    stage.run("send", "--dry-run", 0)
    stage.run("send", "-TERM", 0, before=("setsid", "--wait"))
    stage.run("send", "-INT", "-v", 0, before=("setsid", "--wait"))
    stage.kill("-TERM", 0, before=("setsid", "--wait"))


@case_as_init
def send_broadcast(stage):
    victims = [stage.fixture("--name", f"victim {number}") for number in range(2)]
    stage.run("send", "-0", "--", "-1")
    stage.run("send", "-TERM", "-1")
    stage.run("send", "--", "-1")
    stage.run("send", "-1")
    stage.run("send", "--dry-run", "-TERM", "--", "-1")
    stage.run("send", "--dry-run", "--json", "-TERM", "--", "-1")
    stage.run("send", "--broadcast", "-q", "1", "-TERM", "--", "-1")
    stage.run("send", "--broadcast", "--wait", "1s", "-TERM", "--", "-1")
    stage.run("send", "--broadcast", "-TERM", "-v", "--", "-1")
    stage.fact("ended by", [victim.ended() for victim in victims])
    victim = stage.fixture()
    stage.kill("-KILL", "-1")
    stage.fact("ended by", victim.ended())
    stage.run("send", "--broadcast", "-USR1", "--json", "--", "-1")


@case
def send_interactive(stage):
    one, two = survivor(stage), survivor(stage)
    for answers in (b"y\nn\n", b"n\nn\n", b"q\n", b"", b"yes\nx\n", b"a\n"):
        stage.run("send", "-i", "-USR1", one.pid, two.pid, stdin=answers)
    stage.run("send", "--interactive", "-v", "-USR2", one.pid, stdin=b"y\n")
    stage.run("send", "--interactive", "--json", "-USR2", one.pid, stdin=b"y\n")
    stage.run("send", "-i", "--dry-run", "-USR2", one.pid, stdin=b"y\n")
    stage.run("send", "-i", "-USR2", "--name", "worker", stdin=b"y\ny\n", width=80)


@case
def send_by_pidfd(stage):
    fixture = survivor(stage)
    descriptor = os.pidfd_open(fixture.pid)
    inode = os.fstat(descriptor).st_ino
    stage.run("send", "-USR1", "-v", f"{fixture.pid}:{inode}")
    stage.run("send", "-USR1", "-v", f"{fixture.pid}:{inode + 1}")
    stage.run("send", "-0", "--json", f"{fixture.pid}:{inode}")
    stage.run("send", "-USR1", f"{fixture.pid}:x")
    stage.run("send", "-USR1", f"{fixture.pid}:")
    stage.kill("-USR1", "--verbose", f"{fixture.pid}:{inode}")


@case
def send_errors(stage):
    fixture = survivor(stage)
    pid = fixture.pid
    each(
        stage,
        "sigtool",
        f"""
        send
        send -TERM
        send -9
        send --
        send {NO_PROCESS}
        send -v {NO_PROCESS}
        send --json {NO_PROCESS}
        send {pid} {NO_PROCESS} -0
        send -0 -v {pid} {NO_PROCESS}
        send {pid}/{NO_PROCESS}
        send {NO_PROCESS}/{NO_PROCESS}
        send {pid}/1
        send x
        send worker
        send ''
        send {pid}x
        send +{pid}
        send 0x10
        send 99999999999
        send 4194305
        send -FOO {pid}
        send -TERN {pid}
        send -65 {pid}
        send -999 {pid}
        send -s FOO {pid}
        send -s 65 {pid}
        send -s '' {pid}
        send -s
        send -n TERM {pid}
        send -n 65 {pid}
        send -n
        send -TERM -9 {pid}
        send -9 -9 {pid}
        send -9 -s TERM {pid}
        send -s TERM -n 9 {pid}
        send {pid} -9 -TERM
        send {pid} -9
        send {pid} -KILL {pid}x
        send -0x0f {pid}
        send -TERM -- {pid} -x
        send -q x {pid}
        send -q 2147483648 {pid}
        send -q '' {pid}
        send -q 1 -0 {pid}
        send -q
        send -q 1 --dry-run -USR1 -{pid}
        send --wait x {pid}
        send --wait 5 {pid}
        send --wait -1s {pid}
        send --wait
        send --then KILL {pid}
        send --wait 1s --then FOO {pid}
        send --wait 1s --then 0 {pid}
        send --wait 1s --then KILL:x {pid}
        send --wait 1s --then '' {pid}
        send --wait 1s -0 {pid}
        send --wait 1s -CONT --dry-run {pid}
        send --broadcast {pid}
        send --broadcast
        send --dry-run --wait 1s {pid}
        send --dry-run --interactive {pid}
        send self
        send -r -0 {pid}
        send -l
        send -L
        send --list
        send -p {pid}
        send -32 {pid}
        send -SIGKILL9 {pid}
        send -RTMIN+99 {pid}
        send -USR1 {pid} {pid}
        send -USR1 -v {pid} {pid}/{pid}
        send -0 1 {pid} self
        """,
    )
    stage.run("send", b"-\xff", pid)
    stage.run("send", "-0", b"\xff")
    stage.run("send", "-0", "-v", pid, before=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    stage.run("decode", pid)


# -------------------------------------------------------------------- kill


@case
def kill_lists(stage):
    each(
        stage,
        "kill",
        """
        -l
        --list
        -L
        --table
        -t
        -l TERM
        -l 15
        -l 143
        -l 0x4002
        -l 9 HUP 130
        -l FOO
        -l 65
        -l 0
        -l ''
        --list=TERM
        --list=9
        -L TERM
        -l -v
        """,
    )
    stage.kill("-l", width=80)
    stage.kill("-L", width=80)
    stage.kill("-L", width=120)


@case
def kill_sends(stage):
    fixture = survivor(stage)
    pid = fixture.pid
    stage.fixture("--default", "~[KILL STOP]", "--name", "named", "--catch", "HUP")
    for words in (
        ["-USR1"], ["-10"], ["-s", "USR1"], ["-n", "10"], ["--signal", "USR1"], ["-sUSR1"], ["--signal=10"],
    ):  # fmt: skip
        stage.kill(*words, pid)
        stage.fact("handled", fixture.line().split()[:2])
    each(
        stage,
        "kill",
        f"""
        -0 {pid}
        --verbose -0 {pid}
        --verbose -USR1 {pid}
        -q 5 -s RTMIN+1 {pid}
        --queue 5 -USR1 --verbose {pid}
        -r -USR1 {pid}
        -r -TERM {pid}
        -r --verbose -TERM {pid}
        -p worker
        -p {pid}
        --pid named
        -p nothing
        -d {pid}
        -d {pid} 1
        --show-process-state {pid}
        -d {NO_PROCESS}
        -d
        -0 worker
        -HUP --verbose named
        -a -0 worker
        -0 --all named
        -0 {pid}/{pid}
        -USR1 --verbose {pid} {NO_PROCESS}
        """,
    )
    stage.kill("-d", pid, width=80)
    stage.kill("--timeout", "50", "HUP", "--timeout", "20000", "KILL", "--verbose", pid, timed=True)
    victim = stage.fixture("--ignore", "TERM")
    stage.kill("--timeout", "50", "KILL", victim.pid, timed=True)
    stage.fact("ended by", victim.ended())


@case
def kill_errors(stage):
    fixture = survivor(stage)
    pid = fixture.pid
    each(
        stage,
        "kill",
        f"""
        -TERM
        {NO_PROCESS}
        -0 {NO_PROCESS}
        x
        nothing
        ''
        -FOO {pid}
        -65 {pid}
        -s FOO {pid}
        -s
        -n TERM {pid}
        -n
        -q x {pid}
        -q
        --nonsense {pid}
        -Z {pid}
        -9 -9 {pid}
        -9 -TERM {pid}
        -s 9 -n 9 {pid}
        -0x0f {pid}
        --timeout 5 {pid}
        --timeout x KILL {pid}
        --timeout 5 FOO {pid}
        --timeout
        -p
        -1
        -TERM --
        {pid} -9
        --json {pid}
        -l -p
        -r
        -99999 -9
        """,
    )
    stage.kill("-0", b"\xff")
    stage.kill("-l", before=("sh", "-c", 'exec "$@" > /dev/full', "sh"))
    stage.run("decode", pid)


# ---------------------------------------------------------- watch: receive


@case
def watch_receives(stage):
    for options in ([], ["--json"], ["--format", "table"]):
        watch = stage.start("watch", *options, "--count", "4")
        watch.ready()
        for step, number in enumerate((signal.SIGUSR1, signal.SIGHUP)):
            os.kill(watch.pid, number)
            watch.wait("USR1" if step == 0 else "HUP")
        for value in (7, 8):
            queue(watch.pid, signal.SIGRTMIN + 1, value)
            watch.wait("RTMIN+1", count=value - 6)
        stage.finish(watch)


@case
def watch_receives_in_a_terminal(stage):
    for width, options in ((80, []), (120, []), (80, ["--color", "never"]), (80, ["--json"])):
        watch = stage.start("watch", *options, "--count", "2", "USR1", "RTMIN", width=width)
        watch.ready()
        os.kill(watch.pid, signal.SIGUSR1)
        watch.wait("USR1")
        queue(watch.pid, signal.SIGRTMIN, 3)
        stage.finish(watch)


@case
def watch_receives_named_signals(stage):
    for words in (["USR1,USR2"], ["USR1", "USR2"], ["10", "12"], ["SIGUSR1", "usr2"], ["~[INT TERM]"]):
        watch = stage.start("watch", *words)
        watch.ready()
        os.kill(watch.pid, signal.SIGUSR1)
        watch.wait("USR1")
        os.kill(watch.pid, signal.SIGUSR2)
        watch.wait("USR2")
        os.kill(watch.pid, signal.SIGTERM)
        stage.finish(watch)
    watch = stage.start("watch", "TERM")
    watch.ready()
    os.kill(watch.pid, signal.SIGTERM)
    watch.wait("TERM")
    os.kill(watch.pid, signal.SIGINT)
    stage.finish(watch)
    watch = stage.start("watch", "USR1")
    watch.ready()
    os.kill(watch.pid, signal.SIGHUP)
    stage.finish(watch)


@case
def watch_receives_what_was_pending(stage):
    before = [f"{PLACE}/bin/fixture", "--unwatched", "--block", "RTMIN+1,TERM,USR1", "--queue", "TERM=3"]
    for more in (["--own", "USR1"], ["--queue", "RTMIN+1=1", "--queue", "RTMIN+1=2"]):
        for options in ([], ["--json"]):
            count = "3" if "--queue" in more else "2"
            stage.run("watch", *options, "--count", count, "TERM", "RTMIN+1", "USR1", before=(*before, *more, "--"))
    stage.run("watch", "--timeout", "1ms", before=(f"{PLACE}/bin/fixture", "--unwatched", "--ignore", "INT", "--"))


@case
def watch_receives_a_childs_end(stage):
    os.mkfifo("fifo")
    for options in ([], ["--json"]):
        watch = stage.start("watch", *options, "--count", "1", "CHLD",
                            before=("sh", "-c", '{ read -r line < fifo; exit 3; } & exec "$@"', "sh"))  # fmt: skip
        watch.ready()
        with open("fifo", "w") as fifo:
            fifo.write("go\n")
        stage.finish(watch)


@case
def watch_ends(stage):
    for number in (signal.SIGINT, signal.SIGTERM):
        watch = stage.start("watch")
        watch.ready()
        os.kill(watch.pid, number)
        stage.finish(watch)
    for words in (["--timeout", "20ms"], ["--timeout", "20ms", "--json"], ["--timeout", "0", "USR1"],
                  ["--timeout", "20ms", "--count", "1", "USR1"]):  # fmt: skip
        stage.run("watch", *words)
    stage.run("watch", "--timeout", "20ms", width=80)


@case
def watch_runs_hooks(stage):
    echo = "echo hook $SIGTOOL_SIGNAL $SIGTOOL_NUMBER $SIGTOOL_CODE $SIGTOOL_SENDER_UID $SIGTOOL_VALUE."
    for options in ([], ["--json"]):
        watch = stage.start(
            "watch", *options, "--on", f"USR1,RTMIN+1={echo}", "--on", "EXIT=echo over $SIGTOOL_STATUS",
            "--on", "USR2=exit 5", "--on", "HUP=kill -9 $$",
        )  # fmt: skip
        watch.ready()
        where = "stderr" if options else "stdout"
        os.kill(watch.pid, signal.SIGUSR1)
        watch.wait("hook USR1", where)
        queue(watch.pid, signal.SIGRTMIN + 1, 9)
        watch.wait("hook RTMIN+1", where)
        os.kill(watch.pid, signal.SIGUSR2)
        watch.wait(re.compile(rb"USR2"), "stdout")
        os.kill(watch.pid, signal.SIGTERM)
        stage.finish(watch)
    stage.run("watch", "--on", "EXIT=echo over $SIGTOOL_SIGNAL $SIGTOOL_STATUS", "--timeout", "20ms")
    watch = stage.start("watch", "--count", "1", "--on", "USR1=no-such-command")
    watch.ready()
    os.kill(watch.pid, signal.SIGUSR1)
    stage.finish(watch)


@case
def watch_runs_hooks_in_bursts(stage):
    for burst in ("queue", "drop", "parallel"):
        os.mkfifo(f"fifo-{burst}")
        hook = f"echo begin; read line < fifo-{burst}; echo end"
        watch = stage.start("watch", "--burst", burst, "--on", f"USR1={hook}", "--count", "2", "--json")
        watch.ready()
        os.kill(watch.pid, signal.SIGUSR1)
        watch.wait("begin", "stderr")
        os.kill(watch.pid, signal.SIGUSR1)
        watch.wait("USR1", "stdout", 2)
        if burst == "parallel":
            watch.wait("begin", "stderr", 2)
        # Each hook reads until the writer closes; readers come one by one or together.
        keep = os.open(f"fifo-{burst}", os.O_RDWR)
        os.write(keep, b"go\ngo\n")
        stage.finish(watch)
        os.close(keep)


@case
def watch_errors(stage):
    fixture = stage.fixture("--name", "worker")
    pid = fixture.pid
    each(
        stage,
        "sigtool",
        f"""
        watch FOO
        watch TERN
        watch KILL
        watch STOP
        watch 9
        watch 32
        watch 0
        watch 65
        watch ''
        watch TERM,FOO
        watch --count 0
        watch --count -1
        watch --count x
        watch --count
        watch --timeout x
        watch --timeout 5
        watch --timeout -5s
        watch --timeout
        watch --on
        watch --on USR1
        watch --on FOO=true
        watch --on KILL=true
        watch --on =true
        watch --burst sometimes
        watch --on USR1=true --burst
        watch --map TERM=INT
        watch --drop TERM
        watch --group
        watch --ignore HUP
        watch --block HUP
        watch --default HUP
        watch --reap
        watch --wait-all
        watch --kill-after 1s
        watch --log x
        watch --quiet
        watch --
        watch --quiet --
        watch TERM -- true
        watch --count 1 -- true
        watch --kill-after 1s -- true
        watch --kill-after x --timeout 1s -- true
        watch --kill-after 1s --timeout inf -- true
        watch --map TERM -- true
        watch --map FOO=INT -- true
        watch --map TERM=FOO -- true
        watch --map KILL=TERM -- true
        watch --map TERM=INT --drop TERM -- true
        watch --map TERM=INT --map 15=HUP -- true
        watch --drop KILL -- true
        watch --ignore FOO -- true
        watch --block 65 -- true
        watch --default '' -- true
        watch --quiet --log x -- true
        watch --log /nowhere/log -- true
        watch --log /etc -- true
        watch --burst drop -- true
        watch --pid {pid} -- true
        watch --until caught=TERM
        watch --interval 1s
        watch --threads
        watch --signal TERM
        watch --sender root
        watch --target 1
        watch --until-exit
        watch --backend bpf
        watch --pid
        watch --pid x
        watch --pid 0
        watch --pid ''
        watch --pid -1
        watch --pid {pid},
        watch --pid 99999999999
        watch --pid {NO_PROCESS}
        watch --pid {pid},{NO_PROCESS} --timeout 1ms
        watch --pid {pid} TERM
        watch --pid {pid} --on USR1=true
        watch --pid {pid} --burst drop --timeout 1ms
        watch --pid {pid} --until caught
        watch --pid {pid} --until foo=TERM
        watch --pid {pid} --until caught=FOO
        watch --pid {pid} --interval 0
        watch --pid {pid} --interval 0.1ms
        watch --pid {pid} --interval 2d
        watch --pid {pid} --interval inf
        watch --pid {pid} --interval x
        watch --pid {pid} --signal FOO
        watch --pid {pid} --sender ''
        watch --pid {pid} --target 1 --timeout 1ms
        watch --pid {pid} --backend gdb
        watch --pid {pid} --backend proc --signal TERM --timeout 1ms
        watch --pid {pid} --backend proc --sender 1 --timeout 1ms
        watch --pid {pid} --until-exit --threads --timeout 1ms
        watch --pid {pid} --until-exit --until caught=TERM --timeout 1ms
        watch --all --pid {pid}
        watch --all --name worker
        watch --all TERM
        watch --all --backend ptrace --timeout 1ms
        watch --all --backend proc --timeout 1ms
        watch --all --threads --timeout 1ms
        watch --all --until caught=TERM --timeout 1ms
        watch --all --interval 1s --timeout 1ms
        watch --all --target '' --timeout 1ms
        watch --all --on USR1=true --timeout 1ms
        watch --json --quiet
        """,
    )
    stage.run("watch", b"\xff")
    stage.run("watch", "--on", b"USR1=\xff")
    stage.run("watch", "--timeout", "20ms", before=("sh", "-c", 'exec "$@" > /dev/full', "sh"))


# ---------------------------------------------------------- watch: command


@case
def watch_command_ends(stage):
    script = stage.file("script", "exit 9\n", 0o755)
    stage.file("no-exec", "exit 9\n", 0o644)
    for words in (
        ["--", "true"], ["--", "false"], ["--", "sh", "-c", "exit 7"], ["--", "sh", "-c", "kill -KILL $$"],
        ["--", "sh", "-c", "kill -TERM $$"], ["--", "sh", "-c", "echo out; echo err >&2"],
        ["--", "no-such-command"], ["--", "/nowhere/command"], ["--", "/etc"], ["--", "./no-exec"],
        ["--", script], ["--", ""], ["--json", "--", "no-such-command"], ["--quiet", "--", "sh", "-c", "exit 3"],
        ["--timeout", "1h", "--", "true"], ["--timeout", "0", "--", "sh", "-c", "exit 3"],
        ["--quiet", "--", "echo", "--"], ["--on", "EXIT=echo over $SIGTOOL_STATUS", "--", "sh", "-c", "exit 4"],
        ["--on", "EXIT=echo over $SIGTOOL_STATUS", "--", "no-such-command"],
        ["--wait-all", "--", "sh", "-c", "true & exit 6"], ["--reap", "--", "sh", "-c", "(true &) ; exit 6"],
        ["--group", "--", "sh", "-c", "exit 5"],
    ):  # fmt: skip
        stage.run("watch", *words)
    stage.run("watch", "--", "sh", "-c", "[ -t 1 ] && echo terminal", width=80)


@case
def watch_command_times_out(stage):
    os.mkfifo("never")
    loop = ["sh", "-c", "trap '' TERM; echo up; while :; do read line < never || :; done"]
    for options in ([], ["--json"], ["--quiet"], ["--group"]):
        stage.run("watch", *options, "--timeout", "50ms", "--", "sleep", "1000", timed=True)
    for options in ([], ["--json"], ["--quiet"]):
        stage.run("watch", *options, "--timeout", "500ms", "--kill-after", "50ms", "--", *loop, timed=True)


@case
def watch_command_state(stage):
    grep = ["grep", "Sig[BIC]", "/proc/self/status"]
    for options in ([], ["--group"], ["--wait-all"], ["--ignore", "USR1,RTMIN+1"], ["--block", "INT,CHLD"],
                    ["--default", "all"], ["--ignore", "all"], ["--block", "all"],
                    ["--default", "HUP", "--ignore", "PIPE"]):  # fmt: skip
        stage.run("watch", *options, "--", *grep)
    before = (f"{PLACE}/bin/fixture", "--unwatched", "--ignore", "HUP,USR1", "--block", "TERM", "--")
    stage.run("watch", "--", *grep, before=before)
    stage.run("watch", "--default", "HUP,USR1", "--", *grep, before=before)


def forwarding(stage, options, steps, command=None, where="stderr", **more):
    """Runs the fixture under watch and sends signals through, one by one.

    A step is a signal, what the command reports (or None), and what the log
    says of it (or None).
    """
    command = command or [f"{PLACE}/bin/fixture", "--unwatched", "--catch", "USR1,USR2,HUP,INT", "--report"]
    watch = stage.start("watch", *options, "--", *command, **more)
    watch.wait(re.compile(rb"made|up"))
    seen = {}
    for number, reported, logged in steps:
        os.kill(watch.pid, number)
        for stream, text in (("stdout", reported), (where, logged)):
            if text is not None:
                seen[stream, text] = seen.get((stream, text), 0) + 1
                watch.wait(text, stream, seen[stream, text])
    return stage.finish(watch)


@case
def watch_command_forwards(stage):
    end = (signal.SIGTERM, None, None)
    usual = [(signal.SIGUSR1, "handled 10", "USR1"), (signal.SIGHUP, "handled 1 ", "HUP"), end]
    forwarding(stage, [], usual)
    forwarding(stage, ["--json"], usual)
    forwarding(stage, ["--quiet"], [(one, two, None) for one, two, _ in usual])
    forwarding(stage, ["--log", "-"], usual)
    forwarding(stage, ["--log", "log"], [(one, two, None) for one, two, _ in usual])
    with open("log") as log:
        stage.fact("fields of the log", [len(line.split("  ")) > 3 for line in log])
    forwarding(stage, ["--log", "json-log", "--json"], [(one, two, None) for one, two, _ in usual])
    with open("json-log") as log:
        stage.fact("the log", re.sub(r'"time":"[^"]*"', "", log.read()))
    forwarding(stage, ["--group"], usual)
    forwarding(stage, ["--wait-all"], usual)
    forwarding(stage, ["--map", "USR1=USR2"], [(signal.SIGUSR1, "handled 12", "USR1"), end])
    forwarding(stage, ["--map", "TERM=KILL"], [end])
    forwarding(stage, ["--map", "TERM,HUP=INT", "--json"], [(signal.SIGHUP, "handled 2 ", "HUP"),
                                                            (signal.SIGTERM, "handled 2 ", "TERM"),
                                                            (signal.SIGQUIT, None, None)])  # fmt: skip
    forwarding(stage, ["--drop", "USR1"], [(signal.SIGUSR1, None, "USR1"), (signal.SIGUSR2, "handled 12", "USR2"), end])
    forwarding(stage, ["--drop", "USR1", "--json"], [(signal.SIGUSR1, None, "USR1"), end])
    forwarding(stage, ["--on", "USR1=echo hook", "--drop", "USR1"], [(signal.SIGUSR1, "hook", "USR1"), end])
    forwarding(stage, [], usual, width=80)


# -------------------------------------------------------------- watch --pid

ACTOR = """
import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
for number in range(1, 65):
    if number not in (9, 19, 32, 33):
        signal.signal(number, signal.SIG_DFL)
def numbers(words):
    return {int(getattr(signal, "SIG" + word)) for word in words}
print("up", flush=True)
for line in sys.stdin:
    verb, *words = line.split()
    if verb == "block":
        signal.pthread_sigmask(signal.SIG_BLOCK, numbers(words))
    elif verb == "unblock":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers(words))
    elif verb == "name":
        open("/proc/self/comm", "w").write(words[0])
    elif verb == "exit":
        os._exit(int(words[0]))
    else:
        how = {"ignore": signal.SIG_IGN, "default": signal.SIG_DFL, "catch": lambda *_: None}[verb]
        for number in numbers(words):
            signal.signal(number, how)
    print("done", flush=True)
"""


class Actor:
    """A process that changes its signal state when told so."""

    def __init__(self, stage):
        self.process = stage.helper("python3", "-I", "-S", "-c", ACTOR)
        self.pid = self.process.pid
        self.settle()

    def act(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()
        if not line.startswith("exit"):
            self.process.stdout.readline()
            self.settle()

    def settle(self):
        wait_for(lambda: state_of(self.pid) == "S", "the actor sleeps")


def sampled(stage, *options, **more):
    """Watches an actor by samples: each act is waited for by the growth of the output."""
    actor = Actor(stage)
    watch = stage.start("watch", "--pid", actor.pid, "--backend", "proc", "--interval", "5ms", *options, **more)
    as_json = "--json" in options
    watch.lines(1 if as_json else 2)
    lines = watch.text["stdout"].count(b"\n")
    for line in ("block TERM USR1", "catch HUP", "ignore PIPE", "unblock USR1", "name renamed"):
        actor.act(line)
        lines += 1
        watch.lines(lines)
    os.kill(actor.pid, signal.SIGTERM)
    watch.lines(lines + 1)
    actor.act("exit 3")
    stage.finish(watch)
    actor.process.wait()


@case
def watch_samples(stage):
    sampled(stage)
    sampled(stage, "--json")
    sampled(stage, width=80)
    sampled(stage, width=120)
    sampled(stage, "--color", "never", width=80)


@case
def watch_samples_in_other_ways(stage):
    fixture = stage.fixture("--name", "worker", "--catch", "HUP", "--thread", "block=USR1;name=second")
    pid = fixture.pid
    proc = ["--backend", "proc"]
    stage.run("watch", "--pid", pid, *proc, "--timeout", "20ms")
    stage.run("watch", "--pid", pid, *proc, "--timeout", "20ms", "--json")
    stage.run("watch", "--pid", pid, *proc, "--timeout", "20ms", "--threads")
    stage.run("watch", "--pid", pid, *proc, "--timeout", "20ms", "--threads", "--json")
    stage.run("watch", "--pid", pid, *proc, "--timeout", "20ms", "--interval", "1s")
    stage.run("watch", "--name", "worker", *proc, "--timeout", "20ms")
    stage.run("watch", "--pid", f"{pid} 1", *proc, "--timeout", "20ms")
    stage.run("watch", "--pid", pid, 1, *proc, "--timeout", "20ms")
    stage.run("watch", "--pid", pid, *proc, "--until", "caught=HUP")
    stage.run("watch", "--pid", pid, *proc, "--until", "caught=HUP", "--json")
    stage.run("watch", "--pid", pid, *proc, "--until", "caught=TERM", "--timeout", "20ms")
    stage.run("watch", "--pid", pid, *proc, "--until", "caught=HUP", "--until", "blocked=none")
    stage.run("watch", "--pid", pid, "--backend", "auto", "--timeout", "20ms", "-v")
    actor = Actor(stage)
    watch = stage.start("watch", "--pid", actor.pid, *proc, "--until", "caught=TERM", "--interval", "5ms")
    watch.lines(2)
    actor.act("catch TERM")
    stage.finish(watch)
    watch = stage.start("watch", "--pid", actor.pid, *proc, "--until", "caught=USR2", "--interval", "5ms")
    watch.lines(2)
    actor.act("exit 0")
    stage.finish(watch)
    actor = Actor(stage)
    watch = stage.start("watch", "--pid", actor.pid, *proc, "--count", "2", "--interval", "5ms")
    watch.lines(2)
    actor.act("block HUP")
    watch.lines(3)
    actor.act("block INT")
    stage.finish(watch)
    for number in (signal.SIGINT, signal.SIGTERM):
        watch = stage.start("watch", "--pid", actor.pid, *proc)
        watch.lines(2)
        os.kill(watch.pid, number)
        stage.finish(watch)
    watch = stage.start("watch", "--pid", actor.pid, *proc, "--until-exit", "--interval", "5ms", "--json")
    watch.wait(re.compile(rb"\n"), "stderr")
    os.kill(actor.pid, signal.SIGKILL)
    stage.finish(watch)


@case
def watch_samples_stops(stage):
    for options in ([], ["--json"]):
        fixture = stage.fixture("--name", "worker")
        watch = stage.start("watch", "--pid", fixture.pid, "--backend", "proc", "--interval", "5ms", *options)
        lines = 1 if options else 2
        watch.lines(lines)
        for number, state in ((signal.SIGSTOP, "T"), (signal.SIGCONT, "S")):
            # No sample is taken in between, where the signal is pending.
            os.kill(watch.pid, signal.SIGSTOP)
            wait_for(lambda: state_of(watch.pid) == "T", "watch stops")
            os.kill(fixture.pid, number)
            wait_for(lambda state=state: state_of(fixture.pid) == state, "the fixture follows")
            os.kill(watch.pid, signal.SIGCONT)
            lines += 1
            watch.lines(lines)
        os.kill(fixture.pid, signal.SIGKILL)
        stage.finish(watch)


def events(stage, backend, *options, numbers, **more):
    """Watches signals to a fixture as they happen; PID 1 sends them."""
    fixture = stage.fixture("--default", "~[KILL STOP]", "--ignore", "HUP", "--catch", "USR1,USR2,RTMIN+1",
                            "--name", "worker")  # fmt: skip
    # Samples do not disturb: the next one is far away.
    watch = stage.start(
        "watch", "--pid", fixture.pid, "--backend", backend,
        *([] if "--interval" in options else ["--interval", "1d"]), *options, timed=True, **more
    )
    watch.lines(1 if "--json" in options else 2)
    for number, name in numbers:
        before = watch.text["stdout"].count(name.encode())
        if number == "queue":
            queue(fixture.pid, signal.SIGRTMIN + 1, 42)
        else:
            os.kill(fixture.pid, number)
        if name:
            watch.wait(re.compile(re.escape(name.encode()) + rb"[^\n]*\n"), "stdout", before + 1)
    return stage.finish(watch)


SENT = [(signal.SIGUSR1, "USR1"), (signal.SIGHUP, "HUP"), ("queue", "RTMIN+1")]


@case
def watch_events_by_bpf(stage):
    sent = [*SENT, (signal.SIGTERM, "")]
    events(stage, "bpf", numbers=sent)
    events(stage, "bpf", "--json", numbers=sent)
    events(stage, "bpf", numbers=sent, width=80)
    events(stage, "bpf", "-v", numbers=sent, width=120)
    events(stage, "bpf", "--signal", "USR1,USR2", numbers=[(signal.SIGHUP, ""), (signal.SIGUSR1, "USR1"), (signal.SIGKILL, "")])
    events(stage, "bpf", "--sender", os.getpid(), numbers=[(signal.SIGUSR1, "USR1"), (signal.SIGKILL, "")])
    events(stage, "bpf", "--count", "1", "--interval", "5ms", numbers=[(signal.SIGUSR1, "")])


@case
def watch_events_by_ptrace(stage):
    sent = [*SENT, (signal.SIGTERM, "")]
    events(stage, "ptrace", numbers=sent)
    events(stage, "ptrace", "--json", numbers=sent)
    events(stage, "ptrace", numbers=sent, width=80)
    events(stage, "ptrace", "--signal", "USR1", numbers=[(signal.SIGHUP, ""), (signal.SIGUSR1, "USR1"), (signal.SIGKILL, "")])
    events(stage, "ptrace", "--count", "1", "--interval", "5ms", numbers=[(signal.SIGUSR1, "")])


@case
def watch_until_exit(stage):
    for backend in ("bpf", "ptrace", "proc"):
        for options in ([], ["--json"]):
            fixture = stage.fixture("--name", "worker", "--default", "~[KILL STOP]")
            watch = stage.start(
                "watch", "--pid", fixture.pid, "--backend", backend, "--until-exit", "--interval", "5ms",
                *options, timed=True,
            )  # fmt: skip
            wait_for(lambda: watch._pump(0.01) and is_watching(watch, backend, fixture.pid), "watching")
            os.kill(fixture.pid, signal.SIGTERM)
            stage.finish(watch)


def is_watching(watch, backend, pid):
    """Its notes come once everything is in place."""
    return watch.text["stderr"].count(b"\n") >= {"bpf": 1, "ptrace": 1, "proc": 1}[backend]


@case
def watch_all(stage):
    target = stage.fixture("--name", "the target", "--ignore", "USR1,USR2")
    for options in (["--json"], [], ["--signal", "USR1"], ["--sender", os.getpid()], ["--sender", "python3", "--json"]):
        watch = stage.start(
            "watch", "--all", "--target", target.pid, *options, "--count", "2", timed=True
        )
        watch.wait(re.compile(rb"\n"), "stderr")
        wait_for(lambda: watch._pump(0.01) and is_taking(watch, target), "events")
        stage.finish(watch)


def is_taking(watch, target):
    """Sends until the first is seen; all are alike."""
    os.kill(target.pid, signal.SIGUSR1)
    watch._pump(0.02)
    return watch.process.poll() is not None or not watch.fds


# ---------------------------------------------------- a nested namespace


@case
def inside_a_nested_namespace(stage):
    words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    fixture = [f"{PLACE}/bin/fixture", "--unwatched", "--catch", "HUP", "--block", "INT", "--name", "an init"]
    outer = stage.helper(*words, *fixture)
    child = children_of(outer.pid)[0]
    wait_for(lambda: state_of(child) == "S", "the init sleeps")
    enter = ("nsenter", "--target", str(child), "--pid", "--mount", "--")
    subprocess.run([*enter, "sh", "-c", "echo 22000 > /proc/sys/kernel/ns_last_pid"], check=True, env=ENVIRONMENT)
    for words in (
        ["decode", 1], ["decode", "--json", 1], ["decode", "self"], ["decode", "--all"], ["decode", os.getpid()],
        ["decode", "--signal", "TERM", 1], ["decode", "--handlers", "--backend", "bpf", 1],
        ["decode", "--handlers", "--backend", "ptrace", 1],
        ["send", "-TERM", "-v", 1], ["send", "-HUP", "-v", 1], ["send", "-KILL", "-v", 1], ["send", "-0", 0],
        ["send", "-TERM", child], ["send", "--dry-run", "--", "-1"], ["watch", "--pid", 1, "--timeout", "1ms"],
        ["watch", "--pid", 1, "--timeout", "1ms", "--backend", "ptrace"],
        ["watch", "--pid", 1, "--timeout", "1ms", "--backend", "bpf"], ["watch", "--timeout", "1ms"],
        ["watch", "--", "sh", "-c", "exit 3"],
    ):  # fmt: skip
        stage.run(*words, before=enter, timed=True)


@case
def watch_as_init(stage):
    for command in (["sh", "-c", "exit 3"], ["sh", "-c", "(true &); exit 4"], ["no-such-command"]):
        stage.run("watch", "--", *command, before=("unshare", "--pid", "--fork", "--kill-child", "--mount-proc"))
