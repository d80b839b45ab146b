//! `nsctl completion`: the options as typed.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

/// Print a script that lets a shell complete nsctl's lines
///
/// Verbs, options and their values are completed, and the names of containers, processes and
/// namespaces as they are at that moment. The script asks nsctl, so it stays right when nsctl
/// changes.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(nsctl completion bash)     for this shell; for all: as a line of ~/.bashrc
  nsctl completion zsh > ~/.zfunc/_nsctl
                                      with fpath+=~/.zfunc before compinit in ~/.zshrc
  nsctl completion fish > ~/.config/fish/completions/nsctl.fish")]
pub struct CompletionArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that can be told how to complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// Version 4.4 or newer
    Bash,
    /// Version 5.1 or newer
    Zsh,
    /// Version 3.1 or newer
    Fish,
}

/// What these scripts ask.
#[derive(Debug, Args)]
pub struct CompleteArgs {
    /// The words after nsctl, up to the one that is being typed
    #[arg(last = true, value_name = "WORD")]
    pub words: Vec<OsString>,
}
