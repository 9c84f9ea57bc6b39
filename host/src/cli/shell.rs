//! `shell`: config entries, one command a line, with history and editing on a terminal.
//!
//! What a command answers goes to stdout, what is wrong with a line to stderr. Nothing that is typed ends the shell but
//! `quit` and the end of its input.

mod command;
mod lines;

use clap::Args;

use super::{
    Failure, Target,
    client::Body,
    entries::{TEXT, keys},
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
            let line = match lines.next("burgee> ")? {
                Line::Text(line) => line,
                Line::Unreadable(why) => {
                    output::error(&why);
                    continue;
                }
                Line::End => break,
            };
            match Command::parse(&line) {
                Ok(Some(Command::Quit)) => break,
                Ok(Some(command)) => match self.obey(&command) {
                    Ok(()) => {}
                    Err(Failure::Refused(why)) if why == "Key not found." => output::line(&why)?,
                    Err(failure) => output::error(&failure.to_string()),
                },
                Ok(None) => {}
                Err(why) => output::error(&why),
            }
        }
        output::line("Goodbye!")
    }

    fn obey(&self, command: &Command) -> Result<(), Failure> {
        match command {
            Command::Put(key, value) => {
                let body = Body { content_type: TEXT, bytes: value.as_bytes() };
                self.target.put_entry(key, None, &body)?;
                output::line("Value stored.")
            }
            Command::Get(key) => {
                let value = self.target.entry("GET", key)?.body;
                output::bytes(&[b"Value: ", value.as_slice(), b"\n"].concat())
            }
            Command::Delete(key) => {
                self.target.entry("DELETE", key)?;
                output::line("Key deleted.")
            }
            Command::List(prefix) => output::bytes(keys(&self.target.entries(prefix)?).as_bytes()),
            Command::Help => output::line(HELP),
            Command::Quit => Ok(()),
        }
    }
}
