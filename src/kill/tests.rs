//! The table of forms: what each command line of kill(1) means.

use proptest::prelude::*;

use super::*;

/// A command line in short words.
fn read(line: &str) -> String {
    let words: Vec<OsString> = line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
    shown(parse(&words))
}

fn shown(asked: Result<Asked, String>) -> String {
    match asked {
        Ok(Asked::Send(request)) => sent(&request),
        Ok(Asked::List(request)) => format!("list {:?} names={}", request.what, request.names),
        Ok(Asked::Decode(request)) => format!("decode {:?}", request.targets),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("error: {error}"),
    }
}

fn sent(request: &send::Request) -> String {
    let number = |signal: Option<Signal>| signal.map_or(0, Signal::get);
    let mut words = vec![number(request.signal).to_string()];
    words.extend(request.targets.iter().map(|(_, target)| format!("{target:?}")));
    words.extend(request.extras.rejected.iter().map(|word| format!("rejected {word:?}")));
    words.extend(request.value.map(|value| format!("value {value}")));
    let extras = &request.extras;
    for follow in &extras.follow_ups {
        words.push(format!("then {} after {:?}", number(follow.signal), follow.after));
    }
    for (flag, set) in [
        ("handler", request.options.require_handler),
        ("pids", extras.print_pids),
        ("all", extras.any_user),
        ("verbose", extras.verbose),
    ] {
        words.extend(set.then(|| flag.to_owned()));
    }
    assert!(extras.as_kill);
    words.join(" ")
}

#[test]
fn a_signal_is_given_in_every_form() {
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
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn groups_and_everybody_are_told_from_signals() {
    for (line, expected) in [
        ("-TERM -1234", "15 Group(1234)"),
        ("-9 -1234", "9 Group(1234)"),
        ("-- -1234", "15 Group(1234)"),
        ("-TERM 100 -1234", "15 Process(100) Group(1234)"),
        ("-9 100 -165", "9 Process(100) Group(165)"),
        ("-9 -12", "9 Group(12)"),
        ("-9 -12 -13", "9 Group(12) Group(13)"),
        ("-9 -- -12", "9 Group(12)"),
        ("-9 -1", "9 All"),
        ("-- -1", "15 All"),
        ("-s TERM -1", "15 All"),
        ("-TERM 0", "15 OwnGroup"),
        // procps 4.0.2 signals everybody for the first, its own group for the second.
        ("-TERM -12345", "15 Group(12345)"),
        ("-0x0f 100", "error: '0x0f': invalid signal"),
    ] {
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn a_number_that_fits_no_signal_is_never_a_target() {
    for (line, word) in [("-65 100", "65"), ("-999999 100", "999999"), ("-1234", "1234"), ("-FOO 100", "FOO")]
    {
        assert_eq!(read(line), format!("error: '{word}': invalid signal"), "{line}");
    }
}

#[test]
fn a_second_signal_and_a_late_one_send_nothing() {
    let second = |word: &str| format!("error: '{word}': a second signal; nothing was sent");
    let late = |word: &str| {
        let hint = match word.strip_prefix('-').filter(|digits| digits.parse::<u32>().is_ok()) {
            Some(group) => format!(" (process group {group} is written after --: -- {word})"),
            None => String::new(),
        };
        format!("error: '{word}': a signal after a process ID; nothing was sent{hint}")
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
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn operands_that_are_no_target_are_rejected_and_the_others_kept() {
    for (words, expected) in [
        (&["100", "4294967297"][..], "15 Process(100) rejected \"4294967297\""),
        (&[" 12", "100"], "15 Process(100) rejected \" 12\""),
        (&["+12", "100"], "15 Process(100) rejected \"+12\""),
        (&["", "100"], "15 Process(100) rejected \"\""),
        (&["99999999999999999999"], "15 rejected \"99999999999999999999\""),
        (&["--", "-0", "100"], "15 Process(100) rejected \"-0\""),
        (&["100:77"], "15 Inode(100, 77)"),
        (&["100/101"], "15 Thread(100, 101)"),
    ] {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        assert_eq!(shown(parse(&words)), expected, "{words:?}");
    }
    // Names are operands, too, unless they begin like a number gone wrong.
    for number in ["12abc", "0x10", "7z"] {
        assert_eq!(shown(parse(&[number.into()])), format!("15 rejected {number:?}"));
    }
    for name in ["nginx", "a.out", "%1"] {
        let expected = format!("15 Name({:?})", name.as_bytes());
        assert_eq!(shown(parse(&[name.into()])), expected);
    }
}

#[test]
fn options_of_util_linux_are_there() {
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
        ("-l=TERM", "list Translate([\"TERM\"]) names=true"),
        ("-a -p nginx", "15 Name([110, 103, 105, 110, 120]) pids all"),
        ("--all --pid --verbose --require-handler 100", "15 Process(100) handler pids all verbose"),
        ("-d 100 101", "decode [Process(100), Process(101)]"),
        ("--show-process-state 100", "decode [Process(100)]"),
        ("-h", "Help"),
        ("--help", "Help"),
        ("-V", "Version"),
        ("--version", "Version"),
        ("-L", "list All { realtime: true } names=false"),
        ("-t", "list All { realtime: true } names=false"),
        ("--table", "list All { realtime: true } names=false"),
        ("-l", "list All { realtime: false } names=true"),
        ("--list", "list All { realtime: false } names=true"),
        ("-l 15 143", "list Translate([\"15\", \"143\"]) names=true"),
        ("-l15", "list Translate([\"15\"]) names=true"),
        ("-lTERM", "list Translate([\"TERM\"]) names=true"),
        ("--list=15", "list Translate([\"15\"]) names=true"),
        ("-l -- 15", "list Translate([\"15\"]) names=true"),
    ] {
        assert_eq!(read(line), expected, "{line}");
    }
}

#[test]
fn what_makes_no_sense_is_named() {
    for (line, part) in [
        ("", "no process ID specified"),
        ("-9", "no process ID specified"),
        ("--", "no process ID specified"),
        ("-s", "option '-s' needs a value"),
        ("-s FOO 100", "'FOO': invalid signal"),
        ("-n TERM 100", "'TERM': invalid signal"),
        ("-n 65 100", "'65': invalid signal"),
        ("-q x 100", "'x': invalid value to queue"),
        ("--timeout 50", "option '--timeout' needs two words"),
        ("--timeout x TERM 100", "'x': invalid number of milliseconds"),
        ("--timeout +5 TERM 100", "'+5': invalid number of milliseconds"),
        ("--timeout 50 FOO 100", "'FOO': invalid signal"),
        ("--frobnicate 100", "unrecognized option '--frobnicate'"),
        ("-x 100", "'x': invalid signal"),
        ("-q 1 -9 -- -1", "-1: a value can be queued to a process"),
        ("-p -9 100", "options '-p' and a signal or '-q' exclude each other"),
        ("-p -q 1 100", "options '-p' and a signal"),
        ("--timeout 50 KILL -TERM -- -1234", "'-1234': option '--timeout' follows processes only"),
        ("--timeout 50 KILL 0", "'0': option '--timeout' follows processes only"),
        ("-d nginx", "'nginx': invalid process ID"),
    ] {
        let told = read(line);
        assert!(told.starts_with(&format!("error: {part}")), "{line}: {told}");
    }
}

proptest! {
    /// Everybody is only ever meant by the word -1 itself.
    #[test]
    fn everybody_is_only_meant_by_minus_one(words in proptest::collection::vec("[-+0-9A-Za-z ]{0,7}", 0..5)) {
        let words: Vec<OsString> = words.iter().map(OsString::from).collect();
        if let Ok(Asked::Send(request)) = parse(&words) {
            for (written, target) in &request.targets {
                if *target == send::Target::All {
                    prop_assert_eq!(written.trim_start_matches('-').trim_start_matches('0'), "1");
                    prop_assert!(written.starts_with('-'));
                }
            }
        }
    }
}
