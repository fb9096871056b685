//! Runs the quick start of the README exactly as a reader would paste it.
//!
//! The commands stand in ```` ```sh ```` blocks between `<!-- quickstart:begin -->` and `<!-- quickstart:end -->`. All blocks
//! become one bash script, so variables carry over from line to line. Three rules turn text into script:
//!
//! 1. `cargo run --release --` becomes the path of the binary that the tests have built.
//! 2. The command `serve` is started in the background, and the script goes on
//!    when the server is healthy.
//! 3. A command whose line ends in the comment `# 401` must fail and say 401; every other command must succeed.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};

use crate::workspace::{Workspace, run};

const BEGIN: &str = "<!-- quickstart:begin -->";
const END: &str = "<!-- quickstart:end -->";
const CARGO_RUN: &str = "cargo run --release --";
const DEFAULT_PORT: u16 = 8181;

/// What stands before the reader's commands.
const PRELUDE: &str = r#"set -euo pipefail
server=
stop_server() { if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" || true; fi; }
trap stop_server EXIT
wait_until_healthy() {
    for _ in $(seq 600); do
        if ! kill -0 "$server" 2>/dev/null; then echo "the server has stopped:" >&2; cat serve.log >&2; exit 1; fi
        if curl --silent --fail --output /dev/null http://localhost:8181/health; then return; fi
        sleep 0.1
    done
    echo "the server did not become healthy:" >&2; cat serve.log >&2; exit 1
}
must_fail_with_401() {
    local output
    if output=$("$@" 2>&1); then echo "this must fail with 401, but it succeeded: $*" >&2; exit 1; fi
    if ! grep --quiet 401 <<<"$output"; then echo "this must fail with 401, but it said: $output" >&2; exit 1; fi
}
"#;

/// Extracts the quick start of README.md and runs it in an empty directory.
pub(crate) fn run_readme(workspace: &Workspace) -> anyhow::Result<()> {
    let path = workspace.root().join("README.md");
    let readme = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let script = script(&readme, &workspace.tidegate_binary()?)?;
    drop(TcpListener::bind((Ipv4Addr::LOCALHOST, DEFAULT_PORT)).context("the quick start needs port 8181 to be free")?);

    let directory = std::env::temp_dir().join(format!("tidegate-quickstart-{}", std::process::id()));
    fs::create_dir(&directory).with_context(|| format!("cannot create {}", directory.display()))?;
    fs::write(directory.join("quickstart.sh"), script).context("cannot write the script")?;
    let mut bash = Command::new("bash");
    bash.args(["-x", "quickstart.sh"]).current_dir(&directory).env("HOME", &directory).env("no_proxy", "localhost");
    run(bash).with_context(|| format!("{} is left for a look", directory.display()))?;
    fs::remove_dir_all(&directory).with_context(|| format!("cannot remove {}", directory.display()))
}

/// The bash script that the quick start of this README amounts to.
fn script(readme: &str, binary: &Path) -> anyhow::Result<String> {
    let commands = commands(&shell_text(readme)?);
    if !commands.iter().any(|command| is_serve(command)) {
        bail!("the quick start does not start a server");
    }
    if !commands.iter().any(|command| must_fail(command)) {
        bail!("the quick start does not show that a revoked token fails: end that line with `# 401`");
    }
    let program = format!("'{}'", binary.display());
    let mut script = String::from(PRELUDE);
    for command in commands {
        let line = command.replace(CARGO_RUN, &program);
        if is_serve(&command) {
            script += &format!("{line} >serve.log 2>&1 &\nserver=$!\nwait_until_healthy\n");
        } else if must_fail(&command) {
            script += &format!("must_fail_with_401 {line}\n");
        } else {
            script += &format!("{line}\n");
        }
    }
    Ok(script)
}

/// The text of all `sh` blocks between the two markers.
fn shell_text(readme: &str) -> anyhow::Result<String> {
    let (_, after_begin) = readme.split_once(BEGIN).with_context(|| format!("README.md lacks {BEGIN}"))?;
    let (section, _) = after_begin.split_once(END).with_context(|| format!("README.md lacks {END}"))?;
    let mut text = String::new();
    let mut in_block = false;
    for line in section.lines() {
        match line.trim_end() {
            "```sh" => in_block = true,
            "```" => in_block = false,
            _ if in_block => {
                text.push_str(line);
                text.push('\n');
            }
            _ => {}
        }
    }
    Ok(text)
}

/// One entry for each command; a backslash at the end of a line joins it with the next.
fn commands(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    joined.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn is_serve(command: &str) -> bool {
    command.strip_prefix(CARGO_RUN).is_some_and(|rest| rest.split_whitespace().next() == Some("serve"))
}

fn must_fail(command: &str) -> bool {
    command.rsplit_once('#').is_some_and(|(_, comment)| comment.trim_start().starts_with("401"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
text
```sh
echo not part of it
```
<!-- quickstart:begin -->
First:
```sh
cargo run --release -- serve --listen '[::1]:0'
```
```toml
no = \"shell\"
```
Then:
```sh
TOKEN=$(cargo run --release -- token create \\
    --write-database plant x | tail -n 1)
cargo run --release -- write --token $TOKEN 'a b=1'  # 401: revoked
```
<!-- quickstart:end -->
";

    #[test]
    fn blocks_between_the_markers_become_a_script() {
        let script = script(README, Path::new("/bin/tidegate")).unwrap();
        let body = script.strip_prefix(PRELUDE).unwrap();
        let expected = "\
'/bin/tidegate' serve --listen '[::1]:0' >serve.log 2>&1 &
server=$!
wait_until_healthy
TOKEN=$('/bin/tidegate' token create      --write-database plant x | tail -n 1)
must_fail_with_401 '/bin/tidegate' write --token $TOKEN 'a b=1'  # 401: revoked
";
        assert_eq!(body, expected);
    }

    #[test]
    fn a_quick_start_that_shows_no_refusal_is_an_error() {
        let readme = README.replace("# 401: revoked", "");
        assert!(script(&readme, Path::new("/bin/tidegate")).is_err());
    }

    #[test]
    fn a_readme_without_markers_is_an_error() {
        assert!(script("# Tidegate", Path::new("/bin/tidegate")).is_err());
    }

    /// Runs the finished script with bash; `program` plays the binary.
    fn play(program: &str) -> bool {
        let directory = std::env::temp_dir().join(format!("tidegate-xtask-{}-{}", std::process::id(), program.len()));
        fs::create_dir(&directory).unwrap();
        let tail = format!("must_fail_with_401 {program}\n");
        let status = Command::new("bash").args(["-c", &format!("{PRELUDE}{tail}")]).current_dir(&directory).output();
        fs::remove_dir_all(&directory).unwrap();
        status.unwrap().status.success()
    }

    #[test]
    fn only_a_failure_that_says_401_counts_as_refusal() {
        assert!(play("bash -c 'echo 401 unauthorized >&2; exit 1'"));
        assert!(!play("bash -c 'echo 401 unauthorized'"));
        assert!(!play("bash -c 'echo connection refused >&2; exit 1'"));
    }
}
