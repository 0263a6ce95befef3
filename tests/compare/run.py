#!/usr/bin/env python3
"""Compares the output of two sigtool binaries, command by command.

    cargo build --examples
    python3 tests/compare/run.py OLD NEW [--sentences] [--only SUBSTRING] [--jobs N]

Needs root, unshare(1) and the fixture, which `cargo build --examples` builds as
target/debug/examples/fixture (`--fixture PATH` names another; use one fixture for
both binaries, because its symbols are in the output).

Every case in cases.py runs twice, once with each binary, in a PID, mount and
network namespace of its own. There it starts the same fixtures and runs the
same commands, so no command reaches a process outside. stage.py prepares the
namespace. Exit status, stdout and stderr of each command must be equal after
normalise.py has replaced PIDs, times, durations, inodes and queue lengths.

--sentences ignores wording. JSON strings under the keys text, message, what,
why, todo, meaning and error, table cells that are sentences, help text and
stderr that is not JSON are not compared. Exit status, JSON structure and
values, the other cells, the options in help text and whether stderr is empty
still are. The exact rule is in normalise.without_sentences.

--only selects the cases whose name has the SUBSTRING; if there is none, the
commands that have it. --show prints what is compared, for OLD. --list prints
the names of the cases.

Exit status: 0 if all are equal, 1 if a command differs, 2 if the comparison
itself failed.

About 1400 commands take 50 to 90 s with --jobs 2 and debug builds.

To add a command, add it to a case in cases.py. Its output must not depend on
timing: wait for a line before the next step. Check with OLD = NEW and with load.
"""

import argparse
import concurrent.futures
import difflib
import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

import cases  # noqa: E402
import normalise  # noqa: E402
import stage  # noqa: E402

STATUS_FILES = HERE.parent / "data" / "status"
FIXTURE = HERE.parent.parent / "target" / "debug" / "examples" / "fixture"
NAMESPACE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "setsid"]
# A case that hangs fails; the namespace ends with its unshare.
LONGEST_CASE = 120


def inside(name, binary, fixture, status_files):
    """Runs a case in its namespace, where this process is PID 1; prints the records as JSON."""
    stage.prepare(binary, fixture, status_files)
    work = lambda: perform(name)  # noqa: E731
    work() if name in cases.AS_INIT else stage.run_below_init(work)


def perform(name):
    scene = stage.Stage()
    failure = None
    try:
        cases.CASES[name](scene)
    except Exception:
        failure = traceback.format_exc()
    print(json.dumps({"records": scene.records, "failure": failure}), flush=True)


def records_of(name, binary, fixture, status_files):
    words = [*NAMESPACE, sys.executable, "-I", "-S", str(HERE / "run.py"), "--inside", name]
    try:
        ran = subprocess.run(
            [*words, str(binary), str(fixture), str(status_files)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=stage.ENVIRONMENT,
            timeout=LONGEST_CASE,
        )
    except subprocess.TimeoutExpired:
        return {"records": [], "failure": f"the case took over {LONGEST_CASE} s"}
    try:
        return json.loads(ran.stdout)
    except ValueError:
        told = ran.stderr.decode("utf-8", "replace")
        return {"records": [], "failure": f"the case did not end as planned ({ran.returncode}): {told}"}


def rendered(result, sentences):
    labels = normalise.Labels()
    return [(record["command"], normalise.render(record, labels, sentences)) for record in result["records"]]


def readable(lines):
    """JSON on several lines, so that a difference shows the field."""
    split = [line.replace(',"', ',\n      "') if line.startswith("  {") else line for line in lines]
    return "\n".join(split).split("\n")


class Comparison:
    """A case, run with both binaries."""

    def __init__(self, name, options):
        self.name = name
        begin = time.monotonic()
        both = [
            records_of(name, binary, options.fixture, options.status_files)
            for binary in (options.old, options.new)
        ]
        self.seconds = time.monotonic() - begin
        self.failures = [
            f"{name}: {which} binary: {result['failure']}"
            for which, result in zip(("old", "new"), both)
            if result["failure"]
        ]
        old, new = (rendered(result, options.sentences) for result in both)
        if options.command is not None:
            old, new = ([one for one in all if options.command in one[1][0]] for all in (old, new))
        self.count = max(len(old), len(new))
        self.old = [lines for _, lines in old]
        self.differences = []
        for index in range(self.count):
            left = self.old[index] if index < len(old) else ["(not run)"]
            right = new[index][1] if index < len(new) else ["(not run)"]
            if left != right:
                left, right = readable(left), readable(right)
                shown = difflib.unified_diff(left, right, "old", "new", n=2, lineterm="")
                title = left[0] if index < len(old) else right[0]
                self.differences.append(f"{name}: {title}\n" + "\n".join(shown))


def parse(words):
    parser = argparse.ArgumentParser(
        description="Compares the output of two sigtool binaries.", epilog="See the head of run.py."
    )
    parser.add_argument("old", type=Path, nargs="?", metavar="OLD")
    parser.add_argument("new", type=Path, nargs="?", metavar="NEW")
    parser.add_argument("--sentences", action="store_true", help="ignore wording")
    parser.add_argument("--only", metavar="SUBSTRING", help="only these cases or commands")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="cases at a time (2)")
    parser.add_argument("--fixture", type=Path, default=FIXTURE, metavar="PATH")
    parser.add_argument("--show", action="store_true", help="print what is compared, for OLD")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    options = parser.parse_args(words)
    if options.list:
        print("\n".join(cases.CASES))
        sys.exit(0)
    if options.old is None or options.new is None:
        parser.error("OLD and NEW are needed")
    for path in (options.old, options.new, options.fixture):
        if not os.access(path, os.X_OK) or not path.is_file():
            hint = " (cargo build --examples builds it)" if path == options.fixture else ""
            parser.error(f"{path}: not a program{hint}")
    if os.geteuid() != 0:
        parser.error("root is needed: namespaces, BPF and ptrace")
    options.old, options.new = options.old.resolve(), options.new.resolve()
    options.fixture, options.status_files = options.fixture.resolve(), STATUS_FILES
    return options


def main():
    if sys.argv[1:2] == ["--inside"]:
        return inside(*sys.argv[2:])
    options = parse(sys.argv[1:])
    os.makedirs(stage.PLACE, exist_ok=True)
    names, options.command = list(cases.CASES), None
    if options.only is not None:
        names = [name for name in names if options.only in name]
        if not names:
            names, options.command = list(cases.CASES), options.only
    begin = time.monotonic()
    count = differences = failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for done in pool.map(lambda name: Comparison(name, options), names):
            count += done.count
            differences += len(done.differences)
            failures += len(done.failures)
            if options.show:
                for lines in done.old:
                    print("\n".join([f"[{done.name}]", *lines, ""]))
                print(f"[{done.name}] {done.seconds:.1f} s", flush=True)
            for text in [*done.failures, *done.differences]:
                print(text, end="\n\n", flush=True)
    print(
        f"{count} commands in {len(names)} cases, {differences} different, "
        f"{failures} failures, {time.monotonic() - begin:.0f} s"
    )
    if count == 0:
        return 2
    return 2 if failures else int(differences > 0)


if __name__ == "__main__":
    sys.exit(main())
