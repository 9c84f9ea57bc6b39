//! The lines of the shell: typed at a terminal, where they can be edited and are remembered, or read from a pipe.

use std::{
    fs,
    io::{self, BufRead, IsTerminal, Read as _, StdinLock},
    path::PathBuf,
};

use rustyline::{Config, DefaultEditor, config::Builder, error::ReadlineError};

use crate::cli::Failure;

/// Lines that are remembered.
const HISTORY_LINES_MAX: usize = 1_000;
/// Bytes of a line: a command, a key, and the largest value that a node takes by default.
const LINE_BYTES_MAX: u64 = 1024 * 1024 + 4096;

/// What comes in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Text(String),
    /// One that is skipped, and why.
    Unreadable(String),
    /// There is nothing more.
    End,
}

/// Where lines come from.
pub(super) enum Lines {
    Terminal(Box<DefaultEditor>, Option<PathBuf>),
    Pipe(StdinLock<'static>),
}

impl Lines {
    /// Of this process.
    pub(super) fn open() -> Result<Self, Failure> {
        if !io::stdin().is_terminal() {
            return Ok(Self::Pipe(io::stdin().lock()));
        }
        let mut editor = DefaultEditor::with_config(config()).map_err(|e| failed(&e))?;
        let file = history_file();
        if let Some(file) = &file {
            // the first time there is none, and the shell is as good without
            let _ = editor.load_history(file);
        }
        Ok(Self::Terminal(Box::new(editor), file))
    }

    /// Waits for the next line. Ctrl-C drops what is typed, Ctrl-D on an empty line is the end.
    pub(super) fn next(&mut self, prompt: &str) -> Result<Line, Failure> {
        match self {
            Self::Pipe(input) => piped(input).map_err(|e| failed(&e)),
            Self::Terminal(editor, file) => match editor.readline(prompt) {
                Ok(line) => {
                    remember(editor, file.as_ref(), &line);
                    Ok(Line::Text(line))
                }
                Err(ReadlineError::Interrupted) => Ok(Line::Text(String::new())),
                Err(ReadlineError::Eof) => Ok(Line::End),
                Err(error) => Err(failed(&error)),
            },
        }
    }
}

fn failed(why: &dyn std::fmt::Display) -> Failure {
    Failure::Refused(format!("burgee: stdin: {why}"))
}

fn config() -> Config {
    let builder =
        Builder::new().max_history_size(HISTORY_LINES_MAX).and_then(|builder| builder.history_ignore_dups(true));
    builder.map_or_else(|_| Config::default(), |builder| builder.history_ignore_space(true).build())
}

/// Remembers a line at once, for a terminal may be closed at any time. A history that cannot be written is no reason to
/// stop.
fn remember(editor: &mut DefaultEditor, file: Option<&PathBuf>, line: &str) {
    if line.trim().is_empty() || !matches!(editor.add_history_entry(line), Ok(true)) {
        return;
    }
    if let Some(file) = file {
        let _ = file.parent().map(fs::create_dir_all);
        let _ = editor.append_history(file);
    }
}

/// Where desktops keep what programs remember (the XDG base directories). Only its owner may read it: values are typed
/// there.
fn history_file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("burgee/shell-history"))
}

fn piped(input: &mut impl BufRead) -> io::Result<Line> {
    let mut line = Vec::new();
    input.take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(Line::End);
    }
    if line.last() != Some(&b'\n') && line.len() as u64 >= LINE_BYTES_MAX {
        input.skip_until(b'\n')?;
        return Ok(Line::Unreadable(format!("The line is longer than {LINE_BYTES_MAX} bytes.")));
    }
    Ok(String::from_utf8(line).map_or_else(
        |_| Line::Unreadable("The line is not UTF-8.".to_owned()),
        |line| Line::Text(line.trim_end_matches(['\n', '\r']).to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn piped_lines_end_with_the_pipe() {
        let long = "x".repeat(usize::try_from(LINE_BYTES_MAX).unwrap());
        let text = [b"get a\r\n\n\xff\n".as_slice(), long.as_bytes(), b"\nquit"].concat();
        let (mut input, mut lines) = (text.as_slice(), Vec::new());
        while let line = piped(&mut input).unwrap()
            && line != Line::End
        {
            lines.push(line);
        }
        let text = |text: &str| Line::Text(text.to_owned());
        assert_eq!(lines.len(), 5);
        assert_eq!((&lines[0], &lines[1], &lines[4]), (&text("get a"), &text(""), &text("quit")));
        assert!(matches!(&lines[2], Line::Unreadable(why) if why.contains("UTF-8")));
        assert!(matches!(&lines[3], Line::Unreadable(why) if why.contains("longer")));
    }
}
