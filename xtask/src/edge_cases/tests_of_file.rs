//! Whether a file has a test of a name.

use std::fs;
use std::path::Path;

/// Checks `file::test`: a Rust or Python test of that name must be in the file. Transcripts (`.trycmd`, `.md`, `.toml`)
/// are tests as a whole and are named without `::test`. The error says what is missing.
pub(crate) fn find(root: &Path, test: &str) -> Result<(), String> {
    let (file, name) = test.split_once("::").map_or((test, None), |(file, name)| (file, Some(name)));
    let path = root.join(file);
    if !path.is_file() {
        return Err(format!("there is no file {file}"));
    }
    let text = || fs::read_to_string(&path).map_err(|error| format!("cannot read {file}: {error}"));
    let found = match (path.extension().and_then(|end| end.to_str()), name) {
        (Some("trycmd" | "md" | "toml"), None) => true,
        (Some("rs"), Some(name)) => has_rust_test(&text()?, name),
        (Some("py"), Some(name)) => text()?.lines().any(|line| is_python_test(line, name)),
        _ => return Err(format!("{test} does not name a test: expected file.rs::test, file.py::test or a transcript")),
    };
    if found { Ok(()) } else { Err(format!("there is no test {} in {file}", name.unwrap_or_default())) }
}

fn is_python_test(line: &str, name: &str) -> bool {
    let line = line.trim_start();
    let definition = line.strip_prefix("async ").unwrap_or(line).strip_prefix("def ");
    name.starts_with("test") && definition.is_some_and(|rest| starts_with_name(rest, name))
}

/// A function of this name below an attribute that makes it a test.
fn has_rust_test(text: &str, name: &str) -> bool {
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if is_test_attribute(line) {
            is_test = true;
        } else if let Some(function) = rust_function(line) {
            if is_test && starts_with_name(function, name) {
                return true;
            }
            is_test = false;
        }
    }
    false
}

/// `#[test]`, `#[tokio::test]` or `#[tokio::test(…)]`.
fn is_test_attribute(line: &str) -> bool {
    let inside = line.strip_prefix("#[").unwrap_or_default();
    let path = inside.split(['(', ']']).next().unwrap_or_default();
    path == "test" || path.ends_with("::test")
}

/// What follows `fn ` where a function begins.
fn rust_function(line: &str) -> Option<&str> {
    let line = ["pub(crate) ", "pub(super) ", "pub "].iter().find_map(|pub_| line.strip_prefix(pub_)).unwrap_or(line);
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")
}

fn starts_with_name(rest: &str, name: &str) -> bool {
    rest.strip_prefix(name).is_some_and(|after| after.starts_with(['(', '<']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = r#"
fn helper() {}
#[test]
#[cfg(unix)]
/// Says why.
fn plain() {
    fn inner() {}
}
#[tokio::test(start_paused = true)]
async fn with_runtime() {}
proptest! {
    #![proptest_config(config())]
    #[test]
    fn property(x in 0..9) {}
}
// #[test]
fn commented() {}
const TEXT: &str = "fn quoted()";
"#;

    #[test]
    fn rust_tests_are_functions_below_a_test_attribute() {
        for name in ["plain", "with_runtime", "property"] {
            assert!(has_rust_test(RUST, name), "{name}");
        }
        for name in ["helper", "inner", "commented", "quoted", "pla", "plainer", ""] {
            assert!(!has_rust_test(RUST, name), "{name}");
        }
    }

    #[test]
    fn each_kind_of_file_has_its_tests() {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("a.rs", RUST),
            (
                "a.py",
                "class X:\n    def test_a(self):\n        pass\nasync def test_b():\n    pass\ndef helper():\n    pass\n",
            ),
            ("a.trycmd", ""),
        ] {
            fs::write(root.path().join(name), text).unwrap();
        }
        let find = |test| super::find(root.path(), test);
        for test in ["a.rs::plain", "a.py::test_a", "a.py::test_b", "a.trycmd"] {
            assert_eq!(find(test), Ok(()), "{test}");
        }
        for test in
            ["a.rs::helper", "a.rs", "a.py::helper", "a.py::test", "a.py", "b.rs::plain", "a.trycmd::x", ".::plain", ""]
        {
            assert!(find(test).is_err(), "{test}");
        }
    }
}
