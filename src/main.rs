//! The program: the command line in `millstream::cli`, and nothing of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    millstream::allocator::tune();
    millstream::cli::main()
}
