//! Secrets that an operator gives in a file or on standard input. None is ever an argument, which others could see.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tidegate_model::PlainToken;

use crate::exposure;

/// In bytes.
const LARGEST: u64 = 4096;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecretSource {
    Stdin,
    File(PathBuf),
}

/// Why there is no secret. What was read is never repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("cannot read a secret from {from}: {reason}")]
    Unreadable { from: SecretSource, reason: io::Error },
    #[error("there is no secret in {from}: it has to be one line of at most {LARGEST} bytes")]
    NotOneLine { from: SecretSource },
}

impl From<OsString> for SecretSource {
    fn from(word: OsString) -> Self {
        if word == "-" { Self::Stdin } else { Self::File(word.into()) }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("standard input"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl SecretSource {
    /// The one line that is there, without its end.
    pub(crate) fn read(&self) -> Result<PlainToken, SecretError> {
        let read = match self {
            Self::Stdin => read(io::stdin().lock()),
            Self::File(path) => open(path).and_then(read),
        };
        let text = read.map_err(|reason| SecretError::Unreadable { from: self.clone(), reason })?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() || line.contains(char::is_control) || text.len() as u64 > LARGEST {
            return Err(SecretError::NotOneLine { from: self.clone() });
        }
        Ok(PlainToken::from_presented(line))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if let Some(who) = exposure::of_secret(&file.metadata()?) {
        tracing::warn!(file = %path.display(), "{who} can reach this secret: make the file's mode 0600");
    }
    Ok(file)
}

fn read(input: impl Read) -> io::Result<String> {
    let mut text = String::new();
    input.take(LARGEST + 1).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &[u8]) -> Result<PlainToken, SecretError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        std::fs::write(&path, text).unwrap();
        SecretSource::File(path).read()
    }

    #[test]
    fn a_dash_is_standard_input() {
        assert_eq!(SecretSource::from(OsString::from("-")), SecretSource::Stdin);
        assert_eq!(SecretSource::from(OsString::from("./-")), SecretSource::File("./-".into()));
    }

    #[test]
    fn one_line_is_taken_as_it_is_without_its_end() {
        for (text, secret) in [("pass", "pass"), ("pass\n", "pass"), (" pass word \r\n", " pass word "), ("ü\n", "ü")]
        {
            assert_eq!(read_text(text.as_bytes()).unwrap().expose(), secret, "{text:?}");
        }
        assert_eq!(read_text(&[b'x'; 4096]).unwrap().expose().len(), 4096);
    }

    #[test]
    fn what_is_no_line_is_refused_and_not_repeated() {
        for text in [&b""[..], b"\n", b"\r\n", b"hunter2\n\n", b"hunter2\nhunter3", b"hunter2\0", &[b'x'; 4097]] {
            let error = read_text(text).unwrap_err();
            assert!(matches!(error, SecretError::NotOneLine { .. }), "{error}");
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
        let error = read_text(b"hunter2\xff").unwrap_err();
        assert!(matches!(error, SecretError::Unreadable { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        let missing = SecretSource::File("/nowhere/secret".into()).read().unwrap_err();
        assert!(missing.to_string().contains("/nowhere/secret"), "{missing}");
    }
}
