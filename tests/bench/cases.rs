//! `cargo bench`: the cases of `spherescope bench`, on the same code. `scripts/bench` puts them
//! beside PyTorch.

use clap::Parser;
use spherescope::cli::Cli;

fn main() -> anyhow::Result<()> {
    // Cargo adds a flag of its own.
    let arguments = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench");
    let command = ["spherescope", "bench"].map(String::from);
    Cli::parse_from(command.into_iter().chain(arguments)).run()
}
