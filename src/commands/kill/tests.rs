//! Tables of kill(1) command lines and the requests that they parse to.

use proptest::prelude::*;

use super::*;

/// Parses a command line and describes the result in short.
fn parse_line(line: &str) -> String {
    let args: Vec<OsString> = line.split(' ').filter(|arg| !arg.is_empty()).map(OsString::from).collect();
    describe_result(parse(&args))
}

fn describe_result(result: Result<KillCommand, String>) -> String {
    match result {
        Ok(KillCommand::Send(request)) => describe_send(&request),
        Ok(KillCommand::List(request)) => format!("list {:?} names={}", request.query, request.names_only),
        Ok(KillCommand::DecodeStatus(request)) => format!("decode {:?}", request.targets),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

fn describe_send(request: &crate::commands::send::SendRequest) -> String {
    let number = |signal: Option<Signal>| signal.map_or(0, Signal::get);
    let mut parts = vec![number(request.signal).to_string()];
    parts.extend(request.targets.iter().map(|(_, target)| format!("{target:?}")));
    parts.extend(request.kill_options.invalid_operands.iter().map(|operand| format!("rejected {operand:?}")));
    parts.extend(request.value.map(|value| format!("value {value}")));
    let kill_options = &request.kill_options;
    for timeout in &kill_options.timeouts {
        parts.push(format!("then {} after {:?}", number(timeout.signal), timeout.delay));
    }
    for (flag, is_set) in [
        ("handler", request.options.require_handler),
        ("pids", kill_options.print_pids),
        ("all", kill_options.any_user),
        ("verbose", kill_options.verbose),
    ] {
        parts.extend(is_set.then(|| flag.to_owned()));
    }
    assert!(kill_options.kill_compatible);
    parts.join(" ")
}

#[test]
fn signal_parses_in_every_form() {
    for (line, expected) in [
        ("100", "15 Process(100)"),
        ("-9 100", "9 Process(100)"),
        ("-KILL 100", "9 Process(100)"),
        ("-SIGKILL 100", "9 Process(100)"),
        ("-kill 100", "9 Process(100)"),
        ("-hup 100", "1 Process(100)"),
        ("-IO 100", "29 Process(100)"),
        ("-RTMIN+3 100", "37 Process(100)"),
        ("-0 100", "0 Process(100)"),
        ("-s KILL 100", "9 Process(100)"),
        ("-s 9 100", "9 Process(100)"),
        ("-s 0 100", "0 Process(100)"),
        ("-sKILL 100", "9 Process(100)"),
        ("-n 9 100", "9 Process(100)"),
        ("-n9 100", "9 Process(100)"),
        ("--signal KILL 100", "9 Process(100)"),
        ("--signal=kill 100", "9 Process(100)"),
        ("-s TERM -- 100", "15 Process(100)"),
        ("-1 100", "1 Process(100)"),
    ] {
        assert_eq!(parse_line(line), expected, "{line}");
    }
}

#[test]
fn group_and_broadcast_targets_are_distinguished_from_signals() {
    for (line, expected) in [
        ("-TERM -1234", "15 Group(1234)"),
        ("-9 -1234", "9 Group(1234)"),
        ("-- -1234", "15 Group(1234)"),
        ("-TERM 100 -1234", "15 Process(100) Group(1234)"),
        ("-9 100 -165", "9 Process(100) Group(165)"),
        ("-9 -12", "9 Group(12)"),
        ("-9 -12 -13", "9 Group(12) Group(13)"),
        ("-9 -- -12", "9 Group(12)"),
        ("-9 -1", "9 Broadcast"),
        ("-- -1", "15 Broadcast"),
        ("-s TERM -1", "15 Broadcast"),
        ("-TERM 0", "15 OwnGroup"),
        // procps 4.0.2 signals all processes for the first, its own group for the second.
        ("-TERM -12345", "15 Group(12345)"),
        ("-0x0f 100", "error: '0x0f': invalid signal"),
    ] {
        assert_eq!(parse_line(line), expected, "{line}");
    }
}

#[test]
fn invalid_signal_number_is_not_a_target() {
    for (line, signal) in
        [("-65 100", "65"), ("-999999 100", "999999"), ("-1234", "1234"), ("-FOO 100", "FOO")]
    {
        assert_eq!(parse_line(line), format!("error: '{signal}': invalid signal"), "{line}");
    }
}

#[test]
fn rejects_second_and_late_signals() {
    let second = |arg: &str| format!("error: '{arg}': only one signal may be given; nothing was sent");
    let late = |arg: &str| {
        let hint = match arg.strip_prefix('-').filter(|digits| digits.parse::<u32>().is_ok()) {
            Some(group) => format!(" (to signal process group {group}, use -- {arg})"),
            None => String::new(),
        };
        format!("error: '{arg}': the signal must precede the process IDs; nothing was sent{hint}")
    };
    for (line, expected) in [
        ("-TERM -9 100", second("-9")),
        ("-TERM -KILL 100", second("-KILL")),
        ("-s TERM -s KILL 100", second("-s")),
        ("-9 -1 100", second("-1")),
        ("-9 --signal=TERM 100", second("--signal")),
        ("100 -9", late("-9")),
        ("100 -TERM", late("-TERM")),
        ("100 -s TERM", late("-s")),
        ("-9 100 -12", late("-12")),
    ] {
        assert_eq!(parse_line(line), expected, "{line}");
    }
}

#[test]
fn invalid_operand_is_rejected_and_others_are_kept() {
    for (args, expected) in [
        (&["100", "4294967297"][..], "15 Process(100) rejected \"4294967297\""),
        (&[" 12", "100"], "15 Process(100) rejected \" 12\""),
        (&["+12", "100"], "15 Process(100) rejected \"+12\""),
        (&["", "100"], "15 Process(100) rejected \"\""),
        (&["99999999999999999999"], "15 rejected \"99999999999999999999\""),
        (&["--", "-0", "100"], "15 Process(100) rejected \"-0\""),
        (&["100:77"], "15 PidInode(100, 77)"),
        (&["100/101"], "15 Thread(100, 101)"),
    ] {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        assert_eq!(describe_result(parse(&args)), expected, "{args:?}");
    }
    // Names are operands, too, unless they start like a malformed number.
    for number in ["12abc", "0x10", "7z"] {
        assert_eq!(describe_result(parse(&[number.into()])), format!("15 rejected {number:?}"));
    }
    for name in ["nginx", "a.out", "%1"] {
        let expected = format!("15 Name({:?})", name.as_bytes());
        assert_eq!(describe_result(parse(&[name.into()])), expected);
    }
}

#[test]
fn accepts_util_linux_options() {
    for (line, expected) in [
        ("-q 7 -USR1 100", "10 Process(100) value 7"),
        ("-q -7 -USR1 100", "10 Process(100) value -7"),
        ("-q7 -USR1 100", "10 Process(100) value 7"),
        ("--queue=7 -s USR1 100", "10 Process(100) value 7"),
        (
            "--timeout 1000 TERM --timeout 50 KILL -QUIT 100",
            "3 Process(100) then 15 after 1s then 9 after 50ms",
        ),
        ("-q 1 --timeout 50 9 100", "15 Process(100) value 1 then 9 after 50ms"),
        ("-r -USR1 100", "10 Process(100) handler"),
        ("--show-process-state=100", "decode [Process(100)]"),
        ("-l=TERM", "list TranslateKillArgs([\"TERM\"]) names=true"),
        ("-a -p nginx", "15 Name([110, 103, 105, 110, 120]) pids all"),
        ("--all --pid --verbose --require-handler 100", "15 Process(100) handler pids all verbose"),
        ("-d 100 101", "decode [Process(100), Process(101)]"),
        ("--show-process-state 100", "decode [Process(100)]"),
        ("-h", "Help"),
        ("--help", "Help"),
        ("-V", "Version"),
        ("--version", "Version"),
        ("-L", "list AllSignals { list_realtime: true } names=false"),
        ("-t", "list AllSignals { list_realtime: true } names=false"),
        ("--table", "list AllSignals { list_realtime: true } names=false"),
        ("-l", "list AllSignals { list_realtime: false } names=true"),
        ("--list", "list AllSignals { list_realtime: false } names=true"),
        ("-l 15 143", "list TranslateKillArgs([\"15\", \"143\"]) names=true"),
        ("-l15", "list TranslateKillArgs([\"15\"]) names=true"),
        ("-lTERM", "list TranslateKillArgs([\"TERM\"]) names=true"),
        ("--list=15", "list TranslateKillArgs([\"15\"]) names=true"),
        ("-l -- 15", "list TranslateKillArgs([\"15\"]) names=true"),
    ] {
        assert_eq!(parse_line(line), expected, "{line}");
    }
}

#[test]
fn rejects_invalid_kill_operands() {
    for (line, part) in [
        ("", "no process ID specified"),
        ("-9", "no process ID specified"),
        ("--", "no process ID specified"),
        ("-s", "option '-s' requires a value"),
        ("-s FOO 100", "'FOO': invalid signal"),
        ("-n TERM 100", "'TERM': invalid signal"),
        ("-n 65 100", "'65': invalid signal"),
        ("-q x 100", "'x': invalid value to queue"),
        ("--timeout 50", "option '--timeout' requires two arguments"),
        ("--timeout x TERM 100", "'x': invalid number of milliseconds"),
        ("--timeout +5 TERM 100", "'+5': invalid number of milliseconds"),
        ("--timeout 50 FOO 100", "'FOO': invalid signal"),
        ("--frobnicate 100", "unrecognized option '--frobnicate'"),
        ("-x 100", "'x': invalid signal"),
        ("-q 1 -9 -- -1", "-1: cannot queue a value to every process"),
        ("-p -9 100", "option '-p' cannot be combined with a signal or '-q'"),
        ("-p -q 1 100", "option '-p' cannot be combined"),
        ("--timeout 50 KILL -TERM -- -1234", "'-1234': option '--timeout' works only with processes"),
        ("--timeout 50 KILL 0", "'0': option '--timeout' works only with processes"),
        ("-d nginx", "'nginx': invalid process ID"),
    ] {
        let result = parse_line(line);
        assert!(result.starts_with(&format!("error: {part}")), "{line}: {result}");
    }
}

proptest! {
    #[test]
    fn broadcast_requires_minus_one(args in proptest::collection::vec("[-+0-9A-Za-z ]{0,7}", 0..5)) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        if let Ok(KillCommand::Send(request)) = parse(&args) {
            for (operand, target) in &request.targets {
                if *target == crate::commands::send::SendTarget::Broadcast {
                    prop_assert_eq!(operand.trim_start_matches('-').trim_start_matches('0'), "1");
                    prop_assert!(operand.starts_with('-'));
                }
            }
        }
    }
}
