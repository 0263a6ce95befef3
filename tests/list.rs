//! `sigtool list`, end to end.

use serde::Deserialize;
use snapbox::{assert_data_eq, str};

use crate::support::run;

#[test]
fn list_without_operand_has_row_per_signal() {
    let result = run(["list"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_data_eq!(
        result.stdout,
        str![[r#"
  NUM  SIGNAL        ACTION  CATCH  STANDARD  DESCRIPTION
    1  HUP           Term    yes    P1990     The terminal hung up, or its session ended
    2  INT           Term    yes    P1990     Interrupt from the keyboard
    3  QUIT          Core    yes    P1990     Quit from the keyboard, with a core dump
    4  ILL           Core    yes    P1990     Illegal instruction
    5  TRAP          Core    yes    P2001     Breakpoint or trace trap
    6  ABRT          Core    yes    P1990     The process gave up: abort(3)
    7  BUS           Core    yes    P2001     Bus error: memory that cannot be reached
    8  FPE           Core    yes    P1990     Arithmetic error, such as division by zero
    9  KILL          Term    no     P1990     End at once; cannot be caught or blocked
   10  USR1          Term    yes    P1990     For the program to give a meaning, first
   11  SEGV          Core    yes    P1990     Access to memory that is not the process's
   12  USR2          Term    yes    P1990     For the program to give a meaning, second
   13  PIPE          Term    yes    P1990     Write to a pipe or socket nobody reads
   14  ALRM          Term    yes    P1990     The alarm clock rang
   15  TERM          Term    yes    P1990     Please end
   16  STKFLT        Term    yes    -         Coprocessor stack fault; never generated
   17  CHLD          Ign     yes    P1990     A child ended, stopped or continued
   18  CONT          Cont    yes    P1990     Go on after a stop
   19  STOP          Stop    no     P1990     Stop at once; cannot be caught or blocked
   20  TSTP          Stop    yes    P1990     Stop from the keyboard
   21  TTIN          Stop    yes    P1990     A background process read from its terminal
   22  TTOU          Stop    yes    P1990     A background process wrote to its terminal
   23  URG           Ign     yes    P2001     Urgent data on a socket
   24  XCPU          Core    yes    P2001     The CPU time limit was met
   25  XFSZ          Core    yes    P2001     A file grew past the size limit
   26  VTALRM        Term    yes    P2001     CPU time in user mode ran out
   27  PROF          Term    yes    P2001     The profiling clock ticked
   28  WINCH         Ign     yes    P2024     The terminal's window changed its size
   29  IO            Term    yes    P2001     Input or output is possible
   30  PWR           Term    yes    -         Power is failing
   31  SYS           Core    yes    P2001     A system call that is not allowed
32-33  -             Term    yes    -         The C library's own
34-64  RTMIN..RTMAX  Term    yes    P1993     Real-time signal: queued, in order, with a value

"#]]
    );
}

#[test]
fn list_realtime_adds_rows() {
    let result = run(["list", "--realtime"]);
    assert_eq!(result.stdout.lines().count(), 65);
    let rows: Vec<&str> = result
        .stdout
        .lines()
        .filter(|line| [" 32 ", " 33 ", " 34 ", " 37 ", " 64 "].iter().any(|n| line.starts_with(n)))
        .collect();
    assert_data_eq!(
        rows.join("\n"),
        str![[r#"
 32  32        Term    yes    -         The C library's own: thread cancellation
 33  33        Term    yes    -         The C library's own: set*id for all threads
 34  RTMIN     Term    yes    P1993     Real-time signal: queued, in order, with a value
 37  RTMIN+3   Term    yes    P1993     Real-time signal: queued, in order, with a value
 64  RTMAX     Term    yes    P1993     Real-time signal: queued, in order, with a value
"#]]
    );
}

#[test]
fn list_name_prints_description() {
    let result = run(["list", "usr1"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
Signal     USR1 (10): For the program to give a meaning, first
Default    Term: terminates the process
Catchable  yes
Origin     process
From       a process
Use        reopen log files (nginx), print progress (dd), restart gracefully (Apache httpd), start the debugger (node)
Standard   P1990
Numbers    10 on x86/arm; 30 on alpha, sparc; 16 on mips, parisc

"#]]
    );
}

#[test]
fn description_of_hardware_signal_lists_codes() {
    let result = run(["list", "SIGBUS"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
Signal     BUS (7): Bus error: memory that cannot be reached
Default    Core: terminates the process and dumps core
Catchable  yes
Origin     hardware
From       access past the end of a mapped file, misaligned access, a hardware memory error
Use        crash reports; programs that map files guard against truncation with it
Standard   P2001
Codes      1 BUS_ADRALN: misaligned address
           2 BUS_ADRERR: no memory behind the address (past the end of a mapped file)
           3 BUS_OBJERR: hardware error of the object behind the address
           4 BUS_MCEERR_AR: hardware memory error in data that was used: action required
           5 BUS_MCEERR_AO: hardware memory error found before use: action optional
Numbers    7 on x86/arm; 10 on alpha, sparc, mips, parisc

"#]]
    );
}

#[test]
fn list_answers_every_kind_of_operand() {
    let result = run(["list", "15", "143", "147", "271", "-9", "0x4002", "0x0", "34", "33", "0"]);
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    assert_data_eq!(
        result.stdout,
        str![[r#"
OPERAND  NUM  SIGNAL    MEANING
15        15  TERM      Please end
143       15  TERM      128+15, as a shell reports it: the signal ended the process
147       19  STOP      128+19, as a shell reports it: the signal stopped the process
271       15  TERM      256+15, as ksh reports it: the signal ended the process
-9         9  KILL      -9, as Python reports it: the signal ended the process
0x4002     -  INT TERM  a mask, 2 signals
0x0        -  -         a mask, 0 signals
34        34  RTMIN     Real-time signal: queued, in order, with a value
33        33  33        The C library's own: set*id for all threads
0          0  -         the null signal: nothing is sent, only that it could be is checked

"#]]
    );
}

#[test]
fn list_accepts_all_spellings() {
    let operands = ["15", "TERM", "sigterm", "143", "271", "0x4002", "RTMIN+3", "RTMAX-1", "CLD", "34"];
    let result = run(["list"].into_iter().chain(operands));
    assert_eq!((result.code, result.stderr.as_str()), (Some(0), ""));
    let names = run(["list", "--names"].into_iter().chain(operands));
    let expected =
        ["TERM", "TERM", "TERM", "TERM", "TERM", "INT", "TERM", "RTMIN+3", "RTMAX-1", "CHLD", "RTMIN"];
    assert_eq!(names.stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn unknown_operand_is_an_error_with_nearest_name() {
    for (operand, message) in [
        ("65", "65: not a signal number (1 to 64; the nearest is RTMAX, 64)"),
        ("FOO", "FOO: unknown signal; the nearest name is FPE"),
        ("TRM", "TRM: unknown signal; the nearest name is TERM"),
        ("0xzz", "0xzz: not a mask: 'z' is no hexadecimal digit"),
        ("RTMIN+31", "RTMIN+31: real-time signals are RTMIN+0 to RTMIN+30; the nearest is RTMAX"),
        ("EMT", "EMT: x86/arm has no such signal; it is 7 on alpha"),
        ("99999999999999999999", "99999999999999999999: not a signal number"),
        ("", ": unknown signal"),
        ("\u{1b}[31m", "\\x1b[31m: unknown signal"),
    ] {
        let result = run(["list", "TERM", operand]);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{operand}");
        assert!(result.stderr.starts_with(&format!("sigtool: {message}")), "{}", result.stderr);
    }
}

#[test]
fn list_rejects_conflicting_options() {
    for arguments in [
        &["list", "--realtime", "TERM"][..],
        &["list", "--encode", "TERM", "INT"],
        &["list", "--codes", "--names"],
        &["list", "--codes", "143"],
        &["list", "--codes", "FOO"],
        &["list", "--encode", "FOO"],
        &["list", "--arch", "vax"],
        &["list", "--arch", "parisc", "0x10000000000000000"],
    ] {
        let result = run(arguments);
        assert_eq!((result.code, result.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!result.stderr.is_empty());
    }
}

#[test]
fn list_names_prints_names_only() {
    let result = run(["list", "--names"]);
    let names: Vec<&str> = result.stdout.lines().collect();
    assert_eq!(names.len(), 62, "31 standard ones and 31 of the real-time ones");
    assert!(names.starts_with(&["HUP", "INT"]) && names.ends_with(&["RTMAX-1", "RTMAX"]));
    assert_eq!(run(["list", "--names", "147", "0x3"]).stdout, "STOP\nHUP\nINT\n");
}

#[test]
fn list_codes_includes_codes_of_any_signal() {
    let result = run(["list", "--codes", "CHLD"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
SIGNAL  CODE  NAME           MEANING
CHLD       1  CLD_EXITED     the child exited
CHLD       2  CLD_KILLED     a signal ended the child
CHLD       3  CLD_DUMPED     a signal ended the child, with a core dump
CHLD       4  CLD_TRAPPED    the traced child has a trap
CHLD       5  CLD_STOPPED    the child stopped
CHLD       6  CLD_CONTINUED  the stopped child continued
any        0  SI_USER        sent by kill(2)
any      128  SI_KERNEL      sent by the kernel
any       -1  SI_QUEUE       sent by sigqueue(3), with a value
any       -2  SI_TIMER       a POSIX timer expired
any       -3  SI_MESGQ       a POSIX message queue is no longer empty
any       -4  SI_ASYNCIO     an asynchronous request of aio(7) completed
any       -5  SI_SIGIO       queued SIGIO (used by old kernels)
any       -6  SI_TKILL       sent to one thread by tkill(2) or tgkill(2)
any       -7  SI_DETHREAD    sent by execve(2) to end the other threads
any      -60  SI_ASYNCNL     an asynchronous name look-up completed

"#]]
    );
    let all = run(["list", "--codes"]);
    assert_eq!(all.stdout.lines().count(), 1 + 65);
}

#[test]
fn list_arch_uses_numbers_of_architecture() {
    let result = run(["list", "--arch", "mips", "16", "USR1", "128", "--names"]);
    assert_eq!(result.stdout, "USR1\nUSR1\n128\n");
    for (arch, chld) in [("x86", 17), ("arm", 17), ("alpha", 20), ("sparc", 20), ("mips", 18), ("parisc", 18)]
    {
        let result = run(["list", "--arch", arch]);
        let row = result.stdout.lines().find(|line| line.contains(" CHLD ")).expect("a row").trim();
        assert!(row.starts_with(&chld.to_string()), "{arch}: {row}");
    }
}

#[test]
fn list_encode_reverses_mask() {
    let result = run(["list", "--encode", "INT,sigterm,64"]);
    assert_eq!(result.stdout, "0x8000000000004002\n");
    assert_eq!(run(["list", "--names", result.stdout.trim()]).stdout, "INT\nTERM\nRTMAX\n");
    assert_eq!(run(["list", "--encode", "~[KILL STOP]"]).stdout, "0xfffffffffffbfeff\n");
    assert_eq!(
        run(["list", "--arch", "mips", "--encode", "USR1"]).stdout,
        "0x00000000000000000000000000008000\n"
    );
}

#[test]
fn list_table_fits_width() {
    let result = run(["list", "--format", "table", "--width", "80", "--color", "never"]);
    let lines: Vec<&str> = result.stdout.lines().take(5).collect();
    assert_data_eq!(
        lines.join("\n"),
        str![[r#"
┌───────┬──────────────┬────────┬───────┬──────────┬───────────────────────────┐
│   NUM │ SIGNAL       │ ACTION │ CATCH │ STANDARD │ DESCRIPTION               │
├───────┼──────────────┼────────┼───────┼──────────┼───────────────────────────┤
│     1 │ HUP          │ Term   │ yes   │ P1990    │ The terminal hung up, or  │
│       │              │        │       │          │ its session ended         │
"#]]
    );
    assert!(result.stdout.lines().all(|line| line.chars().count() <= 80));
    let colored = run(["list", "--format", "table", "--color", "always"]);
    assert!(colored.stdout.contains("\u{1b}[1mTERM\u{1b}[0m"), "{}", colored.stdout);
}

/// The fields of `list --json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listing {
    arch: String,
    signals: Vec<Signal>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signal {
    number: u8,
    signal: String,
    aliases: Vec<String>,
    action: String,
    catchable: bool,
    standard: Option<String>,
    description: String,
    origins: Vec<String>,
    source: String,
    uses: String,
    codes: Vec<Code>,
    numbers: Vec<Number>,
    realtime: Option<RealTime>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    signal: Option<String>,
    code: i32,
    name: String,
    meaning: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Number {
    arch: String,
    number: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RealTime {
    libc: Option<u8>,
    kernel: u8,
}

#[test]
fn list_json_has_every_signal_in_both_numberings() {
    let result = run(["list", "--json"]);
    let listing: Listing = serde_json::from_str(&result.stdout).expect("the documented fields");
    assert_eq!((listing.arch.as_str(), listing.signals.len()), ("x86/arm", 64));
    for (index, signal) in listing.signals.iter().enumerate() {
        assert_eq!(usize::from(signal.number), index + 1);
        assert!(!signal.signal.is_empty() && !signal.description.is_empty());
        assert!(!signal.source.is_empty() && !signal.uses.is_empty() && !signal.origins.is_empty());
        assert!(["Term", "Core", "Stop", "Cont", "Ign"].contains(&signal.action.as_str()));
        assert_eq!(signal.catchable, ![9, 19].contains(&signal.number));
        assert_eq!(signal.realtime.is_some(), signal.number >= 32);
        assert_eq!(signal.numbers.len(), 5);
        assert!(
            signal
                .numbers
                .iter()
                .any(|each| each.arch == "mips" && each.number.is_some() || each.number.is_none())
        );
    }
    let third = &listing.signals[36];
    assert_eq!((third.signal.as_str(), third.aliases.join(" ")), ("RTMIN+3", "RTMAX-27".to_owned()));
    assert_eq!(third.standard.as_deref(), Some("P1993"));
    let realtime = third.realtime.as_ref().expect("a real-time signal");
    assert_eq!((realtime.libc, realtime.kernel), (Some(3), 5));
    let own = listing.signals[31].realtime.as_ref().expect("a real-time signal");
    assert_eq!((own.libc, own.kernel), (None, 0));
    let segv = &listing.signals[10].codes[0];
    assert_eq!((segv.signal.as_deref(), segv.code, segv.name.as_str()), (Some("SEGV"), 1, "SEGV_MAPERR"));
    assert!(!segv.meaning.is_empty());
}

#[test]
fn list_json_answers_state_their_kind() {
    let result = run(["list", "--json", "15", "147", "0", "0x3"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
{"arch":"x86/arm","answers":[{"operand":"15","kind":"number","number":15,"signal":"TERM"},{"operand":"147","kind":"status","number":19,"signal":"STOP","form":"128+N","event":"stopped"},{"operand":"0","kind":"null","number":0},{"operand":"0x3","kind":"mask","arch":"x86/arm","mask":"0000000000000003","signals":["HUP","INT"]}]}

"#]]
    );
    let result = run(["list", "--json", "--encode", "INT,TERM"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
{"arch":"x86/arm","mask":"0000000000004002","signals":["INT","TERM"]}

"#]]
    );
    let result = run(["list", "--json", "--names", "INT"]);
    assert_data_eq!(
        result.stdout,
        str![[r#"
{"names":["INT"]}

"#]]
    );
    let result = run(["list", "--json", "--codes", "SYS"]);
    let document: serde_json::Value = serde_json::from_str(&result.stdout).expect("JSON");
    let codes: Vec<Code> = serde_json::from_value(document["codes"].clone()).expect("the documented fields");
    assert_eq!(codes.len(), 12);
}
