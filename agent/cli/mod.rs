//! The command line: one file a command. Commands parse, call, print and give an exit code; they decide nothing.

pub mod check;
mod drain;
mod exit;
mod follow;
mod logs;
mod run;
mod screen;
mod status;
mod up;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::paths::Dirs;

/// Takes an EC2 instance of an Auto Scaling group from booted to terminated: fetches a release, builds it, runs one worker a core on one
/// port, answers /health, and drains without losing a request.
#[derive(Debug, Parser)]
#[command(name = "herdsman", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    dirs: Dirs,
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Start here:
  herdsman up https://github.com/you/app     fetch, build and serve it on port 3000, health on 4373
  herdsman status                            is it serving, what release, what is wrong
  herdsman check                             is the configuration in /etc/herdsman right

Exit codes:
  0  it worked; for `status`: serving
  1  it failed; the reason is on the standard error stream
  2  the configuration or the command line is wrong
  3  no agent is running here
  4  the agent runs, but the instance is not serving";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent (what the systemd unit calls)
    Run(run::RunArgs),
    /// Configure, start and follow until it serves or fails
    Up(Box<up::UpArgs>),
    /// Check the configuration, and nothing else
    Check(check::CheckArgs),
    /// Show how the instance stands
    Status(status::StatusArgs),
    /// Take the instance out of service: /health says 503, the workers finish, nothing is cut off
    Drain(drain::DrainArgs),
    /// Show the output of the workers and of the agent
    Logs(logs::LogsArgs),
    /// Show the version
    Version,
}

/// Parses the command line, runs the command, and gives its exit code.
#[must_use]
pub fn main() -> ExitCode {
    crate::tls::use_ring();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too, with 0.
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            // A closed pipe is nothing to complain of.
            let _ = error.print();
            return code.into();
        }
    };
    let dirs = cli.dirs;
    let code = match cli.command {
        Command::Run(args) => run::run(args, &dirs),
        Command::Up(args) => up::up(*args, &dirs),
        Command::Check(args) => return check::run(&args, dirs.config()),
        Command::Status(args) => exit::block_on(status::status(args, &dirs)),
        Command::Drain(args) => exit::block_on(drain::drain(args, &dirs)),
        Command::Logs(args) => exit::block_on(logs::logs(args, &dirs)),
        Command::Version => {
            screen::say(&format!("herdsman {}", env!("CARGO_PKG_VERSION")));
            Ok(exit::OK)
        }
    };
    exit::report(code)
}
