//! The sigtool binary: parses the command line, runs the command and exits.

#![no_main]
#[path = "sys/c_main.rs"]
mod c_main;

use sigtool::cli::{self, CommandRequest, ParsedCli, ProgramName};
use sigtool::commands::{completions, decode_status, list, send, watch};
use sigtool::error::{CommandOutcome, Failure};
use sigtool::out::ReportWriter;
use sigtool::sys::io::stdio::StdStream;
use std::{ffi::OsString, io::Write};

/// Runs the command and returns its exit status. Ignores errors of writing to stderr.
fn run_main(arguments: Vec<OsString>) -> u8 {
    watch::block_signals_early(cli::supervised_command(&arguments));
    let program = ProgramName::from_arguments(&arguments);
    let outcome = run(arguments).unwrap_or_else(CommandOutcome::from);
    let _ = StdStream::stderr().write_all(program.format_messages(&outcome.error_messages).as_bytes());
    program.exit_code(outcome.exit_status)
}

fn run(arguments: Vec<OsString>) -> Result<CommandOutcome, Failure> {
    let mut stdout = StdStream::stdout();
    let (request, settings) = match cli::parse(arguments)? {
        ParsedCli::Run(request, settings) => (request, settings),
        ParsedCli::Print(text) => {
            return Ok(stdout.write_all(text.as_bytes()).map(|()| CommandOutcome::default())?);
        }
    };
    let mut out = ReportWriter::new(&mut stdout, settings);
    let outcome = match request {
        CommandRequest::List(request) => list::run(&request, &mut out)?,
        CommandRequest::Send(request) => send::run(&request, &mut out, &mut StdStream::stderr())?,
        CommandRequest::Watch(request) => watch::run(&request, &out)?,
        CommandRequest::Completions(shell) => completions::run(shell, &mut out)?,
        CommandRequest::DecodeStatus(request) => decode_status::run(&request, &mut out)?,
    };
    Ok(out.finish().map(|()| outcome)?)
}
