//! The file of the configs: TOML, private to the user.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use tidegate_model::PlainToken;
use toml::{Table, Value};

use super::Config;
use crate::influx::error::{Error, Result};
use crate::io::read_limited;
use crate::private_file;

const LARGEST_FILE: u64 = 1024 * 1024;

/// What stands below the configs of every file: addresses to start from.
const SAMPLES: [(&str, &str); 3] = [
    ("eu-central", "https://eu-central-1-1.aws.cloud2.influxdata.com"),
    ("us-central", "https://us-central1-1.gcp.cloud2.influxdata.com"),
    ("us-west", "https://us-west-2-1.aws.cloud2.influxdata.com"),
];

/// The configs of a file. No file holds none.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Config>> {
    let unreadable = |reason: std::io::Error| Error::Text(format!("cannot read {}: {reason}", path.display()));
    let bytes = match File::open(path) {
        Ok(file) => read_limited(file, LARGEST_FILE).map_err(unreadable)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(unreadable(error)),
    };
    let text = String::from_utf8(bytes).map_err(|_| Error::text("toml: the file is not UTF-8 text"))?;
    parse(&text)
}

/// Errors name places and keys, never values: some are secrets.
fn parse(text: &str) -> Result<BTreeMap<String, Config>> {
    let root: Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
        Error::Text(format!("toml: line {line}: {}", error.message()))
    })?;
    let mut configs = BTreeMap::new();
    for (name, value) in &root {
        let Value::Table(table) = value else {
            return Err(Error::Text(format!("toml: {name} is not a table of url, token and org")));
        };
        configs.insert(name.clone(), config(name, table)?);
    }
    Ok(configs)
}

fn config(name: &str, table: &Table) -> Result<Config> {
    let wrong = |key: &str, kind: &str| Error::Text(format!("toml: {key} of config {name:?} is not {kind}"));
    let text = |key: &str| match table.get(key) {
        Some(Value::String(text)) => Ok(text.as_str()),
        None => Ok(""),
        Some(_) => Err(wrong(key, "a text")),
    };
    let switch = |key: &str| match table.get(key) {
        Some(Value::Boolean(value)) => Ok(*value),
        None => Ok(false),
        Some(_) => Err(wrong(key, "true or false")),
    };
    Ok(Config {
        url: text("url")?.to_owned(),
        token: PlainToken::from_presented(text("token")?),
        org: text("org")?.to_owned(),
        is_active: switch("active")?,
        was_active: switch("previous")?,
        cookie: PlainToken::from_presented(text("cookie")?),
    })
}

/// Replaces the file; a link in its place stays and leads to the new content.
pub(super) fn write(path: &Path, configs: &BTreeMap<String, Config>) -> Result<()> {
    let place = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let written = match place.parent() {
        Some(parent) => DirBuilder::new().recursive(true).mode(0o700).create(parent),
        None => Ok(()),
    };
    written
        .and_then(|()| private_file::replace(&place, render(configs).as_bytes()))
        .map_err(|reason| Error::Text(format!("cannot write {}: {reason}", path.display())))
}

fn render(configs: &BTreeMap<String, Config>) -> String {
    let mut text = String::new();
    for (name, config) in configs {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "[{}]", key(name));
        for (key, value) in [("url", config.url.as_str()), ("token", config.token.expose()), ("org", &config.org)] {
            let _ = writeln!(text, "  {key} = {}", quoted(value));
        }
        if !config.cookie.expose().is_empty() {
            let _ = writeln!(text, "  cookie = {}", quoted(config.cookie.expose()));
        }
        for (key, value) in [("active", config.is_active), ("previous", config.was_active)] {
            if value {
                let _ = writeln!(text, "  {key} = true");
            }
        }
        text.push('\n');
    }
    for (name, url) in SAMPLES {
        let _ = writeln!(text, "# [{name}]\n#   url = {}\n#   token = \"TOKEN\"\n#   org = \"\"\n#", quoted(url));
    }
    text
}

fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A TOML string on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_file_has_the_documented_shape() {
        let mut config = Config::new("https://example.com");
        config.set_token("TOKEN");
        config.org = "my-org".to_owned();
        config.is_active = true;
        let mut other = Config::new("http://localhost:8086");
        other.set_login("ada:hunter2");
        other.was_active = true;
        let configs = BTreeMap::from([("my-config".to_owned(), config), ("a b".to_owned(), other)]);
        let text = render(&configs);
        assert!(
            text.starts_with(
                "[\"a b\"]\n  url = \"http://localhost:8086\"\n  token = \"\"\n  org = \"\"\n  \
                 cookie = \"YWRhOmh1bnRlcjI=\"\n  previous = true\n\n\
                 [my-config]\n  url = \"https://example.com\"\n  token = \"TOKEN\"\n  org = \"my-org\"\n  \
                 active = true\n\n# [eu-central]\n"
            ),
            "{text}"
        );
        let rest: Vec<&str> = text.lines().skip_while(|line| !line.starts_with('#')).collect();
        assert!(rest.len() == 15 && rest.iter().all(|line| line.starts_with('#')), "{rest:?}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_without_values() {
        let cases = [
            ("[a]\nurl = \"x", "toml: line 2: "),
            ("[a]\ntoken = 7", "toml: token of config \"a\" is not a text"),
            ("[a]\nactive = \"hunter2\"", "toml: active of config \"a\" is not true or false"),
            ("token = \"hunter2\"", "toml: token is not a table"),
            ("[a]\ntoken = hunter2", "toml: line 2: "),
            ("[a]\ntoken = \"hunter2\" x", "toml: line 2: "),
        ];
        for (text, expected) in cases {
            let reason = parse(text).unwrap_err().to_string();
            assert!(reason.starts_with(expected) && !reason.contains("hunter2"), "{text}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(name in "\\PC{0,8}", url in ".{0,12}", token in "[\\x00-\\x7f]{0,12}") {
            let mut config = Config::new(&url);
            config.set_token(&token);
            let text = render(&BTreeMap::from([(name.clone(), config)]));
            let read = parse(&text).unwrap();
            prop_assert_eq!(&read[&name].url, &url);
            prop_assert_eq!(read[&name].token.expose(), token);
        }
    }
}
