//! sigtool, the command: parse, run the room, exit.

#![no_main]

#[path = "sys/entry.rs"]
mod entry;

use std::ffi::OsString;
use std::io::Write;

use sigtool::cli::{self, Asked, Room};
use sigtool::error::{Failure, Outcome};
use sigtool::out::{Out, escape_line};
use sigtool::sys::stdio::Stream;
use sigtool::{decode_status, list};

/// Does what the arguments ask for; gives the exit status.
fn start(arguments: Vec<OsString>) -> u8 {
    let outcome = run(arguments).unwrap_or_else(Outcome::from);
    let complaints = outcome.complaints.iter().map(|text| format!("sigtool: {}\n", escape_line(text)));
    // Nobody is left to tell where stderr cannot be written.
    let _ = Stream::stderr().write_all(complaints.collect::<String>().as_bytes());
    outcome.exit.code()
}

fn run(arguments: Vec<OsString>) -> Result<Outcome, Failure> {
    let mut stdout = Stream::stdout();
    let (room, settings) = match cli::parse(arguments)? {
        Asked::Run(room, settings) => (room, settings),
        Asked::Print(text) => return Ok(stdout.write_all(text.as_bytes()).map(|()| Outcome::default())?),
    };
    let mut out = Out::new(&mut stdout, settings);
    let outcome = match *room {
        Room::List(args) => list::run(&args.request()?, &mut out)?,
        Room::DecodeStatus(args) => decode_status::run(&args.request()?, &mut out)?,
    };
    Ok(out.finish().map(|()| outcome)?)
}
