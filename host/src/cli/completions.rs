//! `completions`: what makes a shell complete the program's commands and options.

use clap::{Args, Command};
use clap_complete::{Shell, generate};

use super::{Failure, output};

/// `burgee completions`
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  burgee completions bash > /etc/bash_completion.d/burgee
  burgee completions zsh > \"${fpath[1]}/_burgee\"")]
pub(super) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, mut program: Command) -> Result<(), Failure> {
        let mut script = Vec::new();
        generate(self.shell, &mut program, "burgee", &mut script);
        output::bytes(&script)
    }
}
