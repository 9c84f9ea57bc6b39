//! What is typed into the shell, read as a command.

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Store a value under a key.
    Put(String, String),
    /// Show the value of a key.
    Get(String),
    /// Delete a key.
    Delete(String),
    /// List the keys with a prefix.
    List(String),
    /// Say what there is.
    Help,
    /// Leave.
    Quit,
}

impl Command {
    /// Reads a line; none where it is blank.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(super) fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim();
        let (name, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim_start();
        let command = match name.to_ascii_lowercase().as_str() {
            "" => return Ok(None),
            "put" => {
                let (key, value) = key(rest).filter(|(_, value)| !value.is_empty()).ok_or("Usage: put KEY VALUE")?;
                Self::Put(key, value.to_owned())
            }
            "get" => Self::Get(only(rest).ok_or("Usage: get KEY")?),
            "delete" => Self::Delete(only(rest).ok_or("Usage: delete KEY")?),
            "list" if rest.is_empty() => Self::List(String::new()),
            "list" => Self::List(only(rest).ok_or("Usage: list [PREFIX]")?),
            "help" | "?" => Self::Help,
            "quit" | "exit" => Self::Quit,
            _ => return Err(format!("Unknown command: {name}. `help` says what there is.")),
        };
        Ok(Some(command))
    }
}

/// A key, and what follows it: a word, or what stands in double quotes, where a backslash takes the next character as
/// it is.
fn key(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (key, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return (!key.is_empty()).then(|| (key.to_owned(), rest.trim_start()));
    };
    let (mut key, mut characters) = (String::new(), quoted.chars());
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => key.push(characters.next()?),
            other => key.push(other),
        }
    }
    let rest = characters.as_str();
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then(|| (key, rest.trim_start()))
}

/// A key with nothing behind it.
fn only(text: &str) -> Option<String> {
    key(text).filter(|(_, rest)| rest.is_empty()).map(|(key, _)| key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands() {
        let put = |key: &str, value: &str| Command::Put(key.into(), value.into());
        for (line, command) in [
            ("put a b", put("a", "b")),
            ("  PUT  a/b   two  words \t", put("a/b", "two  words")),
            (r#"put "a \"b\\" "v" w"#, put(r#"a "b\"#, r#""v" w"#)),
            ("get a", Command::Get("a".into())),
            (r#"delete "a b""#, Command::Delete("a b".into())),
            ("list", Command::List(String::new())),
            ("list a/", Command::List("a/".into())),
            ("?", Command::Help),
            ("quit", Command::Quit),
        ] {
            assert_eq!(Command::parse(line), Ok(Some(command)), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_said() {
        assert_eq!(Command::parse(" \t "), Ok(None));
        for line in ["put", "put a", "put a  ", "get", "get a b", r#"get "a"#, r#"get "a"b"#, "delete", "list a b"] {
            let said = Command::parse(line).unwrap_err();
            assert!(said.starts_with("Usage: "), "{line}: {said}");
        }
        assert!(Command::parse("dance").unwrap_err().contains("Unknown command: dance"));
    }
}
