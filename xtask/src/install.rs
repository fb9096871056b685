//! Checks that the Rust toolchain is complete and installs what the tests need beyond it. Whatever cannot be installed is an error, never a skipped test.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::workspace::{Workspace, run, succeeds};

/// A program that the tests call, how to see that it is there, and the Debian packages that bring it.
struct Tool {
    probe: &'static [&'static str],
    packages: &'static [&'static str],
}

const TOOLS: &[Tool] = &[
    Tool { probe: &["bash", "--version"], packages: &["bash"] },
    Tool { probe: &["cc", "--version"], packages: &["gcc", "libc6-dev"] },
    Tool { probe: &["curl", "--version"], packages: &["curl"] },
    Tool { probe: &["jq", "--version"], packages: &["jq"] },
    Tool { probe: &["python3", "-c", "import ensurepip, venv"], packages: &["python3", "python3-venv"] },
    Tool { probe: &["/usr/bin/chromium", "--version"], packages: &["chromium"] },
];

/// What only the JavaScript clients need.
const NODE: &[Tool] = &[
    Tool { probe: &["node", "--version"], packages: &["nodejs"] },
    Tool { probe: &["npm", "--version"], packages: &["npm"] },
];

/// Checks the toolchain and brings system packages and the Python environment into place.
pub(crate) fn everything(workspace: &Workspace) -> anyhow::Result<()> {
    rust_components(workspace)?;
    system_packages(TOOLS)?;
    python_environment(workspace)
}

/// Cargo's own commands that a minimal toolchain lacks.
fn rust_components(workspace: &Workspace) -> anyhow::Result<()> {
    for command in ["fmt", "clippy"] {
        if !succeeds(&mut workspace.cargo([command, "--version"])) {
            bail!("`cargo {command}` is missing: run `rustup component add rustfmt clippy`, then run again");
        }
    }
    Ok(())
}

fn missing_packages(tools: &[Tool]) -> Vec<&'static str> {
    tools.iter().filter(|tool| !is_present(tool)).flat_map(|tool| tool.packages.iter().copied()).collect()
}

fn is_present(tool: &Tool) -> bool {
    tool.probe.split_first().is_some_and(|(program, arguments)| succeeds(Command::new(program).args(arguments)))
}

fn system_packages(tools: &[Tool]) -> anyhow::Result<()> {
    let missing = missing_packages(tools);
    if missing.is_empty() {
        return Ok(());
    }
    if !is_root() || !succeeds(Command::new("apt-get").arg("--version")) {
        bail!("please install what these Debian packages bring, then run again: {}", missing.join(" "));
    }
    run(apt_get(&["update"]))?;
    let mut install = apt_get(&["install", "--yes", "--no-install-recommends"]);
    install.args(&missing);
    run(install)?;
    let still_missing = missing_packages(tools);
    if !still_missing.is_empty() {
        bail!("still missing after their installation: {}", still_missing.join(" "));
    }
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Node, npm, and a copy of `tests/clients/js` with exactly the versions of its lock file beside it. A copy, so that the
/// sources stay free of what npm brings; npm keeps its packages in a cache of its own.
pub(crate) fn javascript_clients(workspace: &Workspace) -> anyhow::Result<()> {
    system_packages(NODE)?;
    let (source, copy) = (workspace.root().join("tests/clients/js"), workspace.javascript_clients());
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("cannot remove {}", copy.display()))?;
    }
    fs::create_dir_all(&copy).with_context(|| format!("cannot make {}", copy.display()))?;
    let files = fs::read_dir(&source).with_context(|| format!("cannot read {}", source.display()))?;
    for file in files {
        let file = file?;
        // Whatever else is there was left behind by somebody's own npm.
        if file.file_type()?.is_file() {
            fs::copy(file.path(), copy.join(file.file_name())).context("cannot copy the tests of the clients")?;
        }
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]).current_dir(&copy);
    run(install)
}

/// A virtual environment with exactly the versions of `tests/clients/requirements.txt`; kept while that file stays
/// the same, so that later runs need no network.
fn python_environment(workspace: &Workspace) -> anyhow::Result<()> {
    let requirements = workspace.root().join("tests/clients/requirements.txt");
    let wanted = fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
    let venv = workspace.venv();
    let stamp = venv.join("installed-requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    let mut create = Command::new("python3");
    create.args(["-m", "venv", "--clear"]).arg(&venv);
    run(create)?;
    let mut install = Command::new(venv.join("bin/python"));
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&requirements);
    run(install)?;
    fs::write(&stamp, &wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
