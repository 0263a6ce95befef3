"""Noise out of the output of a command: PIDs, times, durations, inodes.

Replacements have the width of what they replace, so that the layout of tables
is compared too. `--sentences` adds the rule of `without_sentences`.
"""

import json
import re

PID = re.compile(r"(?<![\d.])2\d{4}(?![\d])")
FULL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
DAY_TIME = re.compile(r"(?<!\d)\d\d:\d\d:\d\d\.\d{6}(?!\d)")
DURATION = re.compile(r"\d+(?:\.\d+)? ?(?:ns|us|µs|ms|s)\b")
# How many signals of the same user are queued depends on the whole machine.
QUEUE = re.compile(r"\b\d+( of \d+ (?:queued )?signals)")
QUEUE_USED = re.compile(r"(sigtool_signal_queue_used\{[^}]*\}) \d+")
JSON_NUMBER = re.compile(
    r'("(?:stopped_us|longest_us|total_us|used|milliseconds|user_ticks|system_ticks|inode)": ?)\d+'
)
INODE_IN_WORDS = re.compile(r"(\binode\D{1,20})\d{4,}")
INODE = re.compile(r"(\[)\d{10}(\])|((?:P[FX]\d{3}|PSELF):)\d{4,}")
ANSI = re.compile(r"\x1b\[[0-9;]*m")

SENTENCE_KEYS = {"text", "message", "what", "why", "todo", "meaning", "error", "description", "source", "uses"}
LOWER_WORD = re.compile(r"^[(\"']?[a-z]{2,}[.,;:)\"']*$")
DEFINED_OPTION = re.compile(r"^\s+(?:(-\w), )?(--[\w-]+)?(?: <.*|\.\.\.)?", re.M)
OPTION = re.compile(r"--[a-z][a-z-]+")


class Labels:
    """One label for each PID of a case, in the order in which PIDs appear."""

    def __init__(self):
        self.known = {}

    def replace(self, text, own):
        def label(match):
            pid = int(match.group())
            if pid == own:
                return "PSELF"
            return self.known.setdefault(pid, f"PX{len(self.known) + 1:03}")

        return PID.sub(label, text)


def noise(text, labels, record):
    text = FULL_TIME.sub(lambda match: "T" * len(match.group()), text)
    text = DAY_TIME.sub("TT:TT:TT.TTTTTT", text)
    text = QUEUE.sub(r"#\1", text)
    text = QUEUE_USED.sub(r"\1 #", text)
    text = JSON_NUMBER.sub(r"\1#", text)
    text = labels.replace(text, record["pid"])
    text = INODE.sub(lambda match: f"{match[1] or match[3]}INODE{match[2] or ''}", text)
    text = INODE_IN_WORDS.sub(r"\1INODE", text)
    if record["timed"]:
        text = DURATION.sub("#TIME#", text)
    if record["loose"]:
        text = re.sub(r"[─━]+", "─", re.sub(r" +", " ", text))
    return text


def render(record, labels, sentences):
    """The lines that are compared."""
    stdout, stderr = record["stdout"], record["stderr"]
    if sentences:
        words = record["command"].split("   [")[0].split()
        is_help = any(word in ("--help", "-h") for word in words) or "completions" in words
        is_help = is_help or words == ["sigtool"]
        stdout = definitions(stdout, words) if is_help else without_sentences(stdout)
        stderr = only_json(stderr)
    lines = [f"$ {noise(record['command'], labels, {**record, 'timed': False})}", f"status {record['status']}"]
    for name, text in (("stdout", stdout), ("stderr", stderr)):
        text = noise(text, labels, record)
        if text:
            lines.append(f"{name}:")
            lines += ["  " + line.replace("\x1b", "\\e") for line in text.split("\n")]
            # The last line end is compared too.
            if lines[-1] == "  ":
                lines.pop()
            else:
                lines.append("  (no newline at the end)")
    return lines


def parsed(text):
    """The JSON in a text: a document, or one a line; None if there is none."""
    try:
        return [json.loads(text)]
    except ValueError:
        pass
    try:
        return [json.loads(line) for line in text.splitlines()] or None
    except ValueError:
        return None


def blank(value):
    """A JSON value with its sentences replaced."""
    if isinstance(value, dict):
        return {
            key: "<sentence>" if key in SENTENCE_KEYS and isinstance(inner, str) else blank(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [blank(inner) for inner in value]
    return value


def dumped(documents):
    return "\n".join(json.dumps(blank(document), indent=1, ensure_ascii=False) for document in documents) + "\n"


def without_sentences(text):
    """Text with every sentence replaced.

    JSON: strings under SENTENCE_KEYS. Other text is read in rows of cells: the
    cells of a table stand between `│`, those of plain text between two or more
    spaces. A cell that wraps is joined: in a table, a row whose first cell is
    empty continues the row above it; elsewhere a line that begins with three
    spaces and no digit, or with 40 spaces, does. A cell is a sentence if at least
    two of its words consist of lower-case letters only, or if it begins with a
    capital letter and one of them does. All other cells are compared; borders,
    widths and colours are not. The HELP lines of prometheus are sentences.
    """
    if not text.strip():
        return text
    documents = parsed(text)
    if documents is not None:
        return dumped(documents)
    rows = []
    for line in ANSI.sub("", text).splitlines():
        if line.startswith("# HELP"):
            rows.append([" ".join(line.split()[:3]), "<sentence>"])
            continue
        if re.match(r"^[┌├└╞╭╰]", line):
            continue
        if line.startswith("│"):
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            if not cells[0] and rows and len(rows[-1]) == len(cells):
                rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells)]
                continue
        elif re.match(r"^ {3,}[^\d ]| {40,}\d", line) and rows and rows[-1][-1:] != [""]:
            rows[-1][-1] += " " + line.strip()
            continue
        else:
            cells = re.split(r" {2,}", line.strip())
        rows.append(cells)
    return "\n".join(" | ".join(sentence(cell) for cell in row) for row in rows) + "\n"


def sentence(cell):
    words = cell.split()
    lower = [word for word in words if LOWER_WORD.match(word)]
    # A cell such as `Please end` or `User-defined signal 1` is a sentence, too.
    starts_like_one = len(words) >= 2 and re.match(r"[A-Z][a-z]", words[0])
    return "<sentence>" if len(lower) >= 2 or (lower and starts_like_one) else cell


def only_json(text):
    """Of stderr, what is JSON; the rest is one mark."""
    kept = []
    for line in text.splitlines():
        documents = parsed(line) if line.startswith("{") else None
        if documents is not None:
            kept.append(dumped(documents).rstrip("\n"))
        elif kept[-1:] != ["<text>"]:
            kept.append("<text>")
    return "".join(line + "\n" for line in kept)


def definitions(text, words):
    """Of a help text, the options that it defines; of completions, all that it names."""
    if "completions" in words and not {"-h", "--help"} & set(words):
        found = sorted(set(OPTION.findall(text)))
    else:
        # Sorted, because headings group the options.
        found = sorted(" ".join(filter(None, match)) for match in DEFINED_OPTION.findall(ANSI.sub("", text)))
    return "".join(f"{option}\n" for option in found if option) or ("<text>\n" if text else "")
