//! `shell`: config entries, one command a line, with history and editing on a terminal.
//!
//! What a command answers goes to stdout, what is wrong with a line to stderr. Nothing that is typed ends the shell but
//! `quit` and the end of its input.

mod command;
mod lines;

use std::ops::ControlFlow;

use clap::Args;

use super::{
    Failure, Target,
    client::{Body, Condition},
    entries::{NOT_FOUND, TEXT, keys},
    output,
};
use command::Command;
use lines::{Line, Lines};

const HELP: &str = "\
put KEY VALUE    store an entry; the value is the rest of the line
get KEY          show an entry's value
delete KEY       delete an entry
list [PREFIX]    list the keys that begin so
quit             leave
A key with spaces stands in double quotes.";

/// `burgee shell`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee shell
  echo 'get checkout/timeout' | burgee shell --env production")]
pub(super) struct Shell {
    #[command(flatten)]
    target: Target,
}

impl Shell {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut lines = Lines::open()?;
        loop {
            let done = match lines.next("burgee> ")? {
                Line::Text(line) => self.obey(&line),
                Line::Unreadable(why) => Err(Failure::Refused(why)),
                Line::End => Ok(ControlFlow::Break(())),
            };
            match done {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return output::line("Goodbye!"),
                Err(failure) => output::error(&failure.to_string()),
            }
        }
    }

    fn obey(&self, line: &str) -> Result<ControlFlow<()>, Failure> {
        let Some(command) = Command::parse(line).map_err(Failure::Refused)? else {
            return Ok(ControlFlow::Continue(()));
        };
        match command {
            Command::Put(key, value) => {
                let body = Body { content_type: TEXT, bytes: value.as_bytes() };
                self.target.put_entry(&key, None, &body, &Condition::default())?;
                output::line("Value stored.")
            }
            Command::Get(key) => match self.target.entry("GET", &key)? {
                Some(found) => output::bytes(&[b"Value: ", found.body.as_slice(), b"\n"].concat()),
                None => output::line(NOT_FOUND),
            },
            Command::Delete(key) => match self.target.entry("DELETE", &key)? {
                Some(_) => output::line("Key deleted."),
                None => output::line(NOT_FOUND),
            },
            Command::List(prefix) => output::bytes(keys(&self.target.entries(&prefix)?).as_bytes()),
            Command::Help => output::line(HELP),
            Command::Quit => return Ok(ControlFlow::Break(())),
        }
        .map(ControlFlow::Continue)
    }
}
