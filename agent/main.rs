//! The program: see `herdsman --help`.

fn main() -> std::process::ExitCode {
    herdsman::cli::main()
}
