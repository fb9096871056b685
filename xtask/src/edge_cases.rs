//! Shows that every edge case of the contracts has a test.
//!
//! `tests/edge-cases/NAME.txt` maps the numbered cases of one contract to tests. Its first comment counts them:
//! `# management-api.md §16: 45 cases`. Each case then has one line, `<number> <file>::<test> [<file>::<test> …]`, or
//! `<number> none: <reason>` if this server has nothing that the case is about.

mod map;
mod tests_of_file;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::workspace::Workspace;
use map::{Covered, Map};

const DIRECTORY: &str = "tests/edge-cases";

/// Checks all maps and prints them. Lists every fault before it fails.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<()> {
    let mut faults = Vec::new();
    for path in files(&workspace.root().join(DIRECTORY))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let checked = Map::parse(&text).and_then(|map| {
            let found = faults_of(&map, workspace.root());
            print(&name, &map);
            if found.is_empty() { Ok(()) } else { Err(found) }
        });
        faults.extend(checked.err().unwrap_or_default().into_iter().map(|fault| format!("{name}: {fault}")));
    }
    if faults.is_empty() {
        return Ok(());
    }
    bail!("edge cases without a test:\n  {}", faults.join("\n  "))
}

fn files(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let paths = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
    let mut maps: Vec<PathBuf> =
        paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    if maps.is_empty() {
        bail!("{} holds no maps", directory.display());
    }
    maps.sort();
    Ok(maps)
}

/// Tests that the map names and that are not there.
fn faults_of(map: &Map, root: &Path) -> Vec<String> {
    let tests = map.cases.iter().flat_map(|case| match &case.covered {
        Covered::By(tests) => tests.iter().map(|test| (case.number, test)).collect(),
        Covered::Nowhere(_) => Vec::new(),
    });
    tests
        .filter_map(|(number, test)| {
            tests_of_file::find(root, test).err().map(|fault| format!("case {number}: {fault}"))
        })
        .collect()
}

fn print(name: &str, map: &Map) {
    println!("\n{name}: {}", map.title);
    for case in &map.cases {
        match &case.covered {
            Covered::By(tests) => println!("{:>4}  {}", case.number, tests.join("\n      ")),
            Covered::Nowhere(reason) => println!("{:>4}  none: {reason}", case.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source tree with one file of tests and these maps.
    fn faults(map: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("tests.rs"), "#[test]\nfn here() {}\n").unwrap();
        Map::parse(map).map_or_else(|faults| faults, |map| faults_of(&map, root.path()))
    }

    #[test]
    fn a_map_of_tests_that_exist_has_no_fault() {
        assert_eq!(faults("# x.md §1: 2 cases\n1 tests.rs::here\n2 none: PostgreSQL comes later\n"), [""; 0]);
    }

    #[test]
    fn tests_that_do_not_exist_are_named_with_their_case() {
        let faults = faults("# x.md §1: 2 cases\n1 tests.rs::here tests.rs::gone\n2 nowhere.rs::here\n");
        assert_eq!(faults.len(), 2, "{faults:?}");
        assert!(faults[0].starts_with("case 1: ") && faults[0].contains("gone"), "{faults:?}");
        assert!(faults[1].starts_with("case 2: ") && faults[1].contains("nowhere.rs"), "{faults:?}");
    }
}
