//! Starts Spherescope: arguments, logger, and then the command line's or the window's room.

use std::process::ExitCode;

use clap::Parser;
use spherescope::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", spherescope::cli::told(&error));
            ExitCode::FAILURE
        }
    }
}
