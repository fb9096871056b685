//! Developer commands: `cargo xtask test` runs everything that a change has to pass.

mod edge_cases;
mod install;
mod quickstart;
mod report;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::{Context as _, bail};
use report::Report;
use workspace::{Workspace, run};

const USAGE: &str = "\
usage: cargo xtask test [--all]
       cargo xtask javascript
       cargo xtask edge-cases
       cargo xtask fixture
       cargo xtask screenshots

  test         install what the tests need, then run every check
  test --all   the same with many more rounds of the load and crash tests, the JavaScript clients, and the licence check
  javascript   the JavaScript clients alone, against the binary that was built last
  edge-cases   check and print which test covers which edge case of the contracts
  fixture      write a small data directory of the current format into tests/fixtures, for later versions to read
  screenshots  show every page of the console, light and dark, wide and narrow, in docs/screenshots
";

/// Under `--all`, what a load or crash test with 20 usual rounds runs; the others grow by the same factor, 15.
const ROUNDS_OF_ALL: &str = "300";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments.as_slice() {
        ["test"] => test(false),
        ["test", "--all"] => test(true),
        ["javascript"] => {
            Workspace::find().and_then(|workspace| javascript_clients(&workspace)).map(|()| ExitCode::SUCCESS)
        }
        ["edge-cases"] => edge_cases().map(|()| ExitCode::SUCCESS),
        ["fixture"] => fixture().map(|()| ExitCode::SUCCESS),
        ["screenshots"] => screenshots().map(|()| ExitCode::SUCCESS),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs every step, also after a failed one, so that one run shows all that is wrong.
fn test(all: bool) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    let mut report = Report::default();
    report.step("install", || install::everything(&workspace));
    report.step("format", || run(workspace.cargo(["fmt", "--all", "--check"])));
    report.step("clippy", || run(workspace.cargo(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])));
    report.step("edge cases", || edge_cases::check(&workspace));
    report.step("cargo test", || cargo_test(&workspace, all));
    report.step("loom", || loom(&workspace));
    report.step("client libraries", || client_libraries(&workspace));
    report.step("quick start", || quickstart::run_readme(&workspace));
    if all {
        report.step("JavaScript clients", || javascript_clients(&workspace));
        report.step("licences", || licences(&workspace));
    }
    report.print();
    Ok(if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Unit, property, doc and end-to-end tests in one build, so that the query engine is compiled once.
fn cargo_test(workspace: &Workspace, all: bool) -> anyhow::Result<()> {
    let mut command = workspace.cargo(["test", "--workspace", "--no-fail-fast"]);
    if all {
        command.env("TIDEGATE_TEST_ROUNDS", ROUNDS_OF_ALL);
    }
    run(command)
}

/// Every interleaving of the barrier's atomic word. In a target directory of its own, because `--cfg loom` reaches
/// every dependency.
fn loom(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = workspace.cargo(["test", "--package", "tidegate-barrier", "--release", "--lib", "--tests"]);
    command.env("RUSTFLAGS", "--cfg loom").env("CARGO_TARGET_DIR", workspace.target().join("loom"));
    run(command)
}

fn edge_cases() -> anyhow::Result<()> {
    edge_cases::check(&Workspace::find()?)
}

/// Only for a format that has no fixture yet: what is there never changes.
fn fixture() -> anyhow::Result<()> {
    let test = "data_format::write_the_fixture";
    let arguments = ["test", "--package", "tidegate", "--test", "e2e", "--", "--ignored", "--exact", test];
    run(Workspace::find()?.cargo(arguments))
}

fn screenshots() -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    install::everything(&workspace)?;
    run(workspace.cargo(["build", "--package", "tidegate"]))?;
    let mut command = Command::new(workspace.venv().join("bin/python"));
    command
        .args(["tests/clients/console_screenshots.py", "docs/screenshots"])
        .current_dir(workspace.root())
        .env("no_proxy", "127.0.0.1")
        .env("TIDEGATE_BIN", workspace.tidegate_binary()?);
    run(command)
}

fn client_libraries(workspace: &Workspace) -> anyhow::Result<()> {
    let mut command = Command::new(workspace.venv().join("bin/python"));
    command
        .args(["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/clients"])
        .current_dir(workspace.root())
        .env("no_proxy", "127.0.0.1")
        .env("TIDEGATE_BIN", workspace.tidegate_binary()?);
    run(command)
}

/// The clients of Node, with its own test runner.
fn javascript_clients(workspace: &Workspace) -> anyhow::Result<()> {
    install::javascript_clients(workspace)?;
    let mut command = Command::new("node");
    command
        .arg("--test")
        .current_dir(workspace.javascript_clients())
        .env("no_proxy", "127.0.0.1")
        .env("TIDEGATE_BIN", workspace.tidegate_binary()?);
    run(command)
}

fn licences(workspace: &Workspace) -> anyhow::Result<()> {
    let installed = Command::new("cargo-deny").arg("--version").output();
    if !installed.is_ok_and(|output| output.status.success()) {
        bail!("cargo-deny is not installed: run `cargo install --locked cargo-deny`");
    }
    run(workspace.cargo(["deny", "check", "licenses", "bans", "sources"])).context("see deny.toml")
}
