//! sigtool, the command: parse, run the room, exit.

#![no_main]
#[path = "sys/entry.rs"]
mod entry;

use std::{ffi::OsString, io::Write};

use sigtool::cli::{self, Asked, Program, Request};
use sigtool::error::{Failure, Outcome};
use sigtool::out::{Out, escape_line};
use sigtool::sys::stdio::Stream;
use sigtool::{completions, decode_status, list, send, watch};

/// Does what the arguments ask for; gives the exit status. Where stderr cannot be written, nobody is told.
fn start(arguments: Vec<OsString>) -> u8 {
    watch::hold_early(cli::command(&arguments));
    let program = Program::called(&arguments);
    let outcome = run(arguments).unwrap_or_else(Outcome::from);
    let said = outcome.complaints.iter().map(|text| format!("{}: {}\n", program.name(), escape_line(text)));
    let _ = Stream::stderr().write_all(said.collect::<String>().as_bytes());
    program.code(outcome.exit)
}

fn run(arguments: Vec<OsString>) -> Result<Outcome, Failure> {
    let mut stdout = Stream::stdout();
    let (request, settings) = match cli::parse(arguments)? {
        Asked::Run(request, settings) => (request, settings),
        Asked::Print(text) => return Ok(stdout.write_all(text.as_bytes()).map(|()| Outcome::default())?),
    };
    let mut out = Out::new(&mut stdout, settings);
    let outcome = match request {
        Request::List(request) => list::run(&request, &mut out)?,
        Request::Send(request) => send::run(&request, &mut out, &mut Stream::stderr())?,
        Request::Watch(request) => watch::run(&request, &out)?,
        Request::Completions(shell) => completions::run(shell, &mut out)?,
        Request::DecodeStatus(request) => decode_status::run(&request, &mut out)?,
    };
    Ok(out.finish().map(|()| outcome)?)
}
