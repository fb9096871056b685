//! Reading the command line (v2 API contract §6.1).
//!
//! Flags stand behind the whole command and before its first argument. One dash is as good as two; short flags are not
//! bundled; a value stands behind `=` or is the next word, whatever that looks like. What the line does not give may
//! come from the environment, where a variable that is set and empty counts as given.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::commands::Action;
use super::help;
use super::syntax::{Command, Flag, Kind};
use crate::io::Environment;

/// What the line and the environment give.
#[derive(Default)]
pub(crate) struct Given {
    values: BTreeMap<String, Vec<String>>,
    pub(crate) arguments: Vec<String>,
}

pub(crate) struct Parsed {
    pub(crate) action: Action,
    pub(crate) given: Given,
    pub(crate) warnings: Vec<String>,
}

/// Why no command is to run.
pub(crate) enum Ended {
    /// Help was asked for.
    Help(String),
    /// The line is wrong. `help` goes to standard output before the reason is told; it may be empty.
    Wrong { help: String, reason: String },
}

impl Given {
    /// The text of a flag, which may be empty.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name)?.last().map(String::as_str)
    }

    /// The text of a flag, unless it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.value(name).filter(|text| !text.is_empty())
    }

    /// All texts of a flag.
    pub(crate) fn texts(&self, name: &str) -> &[String] {
        self.values.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    pub(crate) fn switch(&self, name: &str) -> bool {
        self.value(name).and_then(boolean).unwrap_or_default()
    }

    /// A number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }
}

/// Reads a line without the program's name.
pub(crate) fn parse(root: &Command, arguments: &[OsString], environment: &Environment) -> Result<Parsed, Ended> {
    let mut words = Vec::new();
    for argument in arguments {
        let word = argument.to_str().ok_or_else(|| plain("an argument is not UTF-8 text".to_owned()))?;
        words.push(word.to_owned());
    }
    let mut words = words.into_iter().peekable();
    let mut path = vec![root];
    let mut given = Given::default();
    let mut warnings = Vec::new();
    loop {
        let command = path.last().copied().unwrap_or(root);
        flags(&path, &mut words, &mut given, &mut warnings)?;
        let Some(word) = words.peek() else { break };
        if let Some(next) = command.find(word) {
            path.push(next);
            words.next();
            continue;
        }
        if command.action.is_none() {
            if word == "help" || word == "h" {
                return Err(help_on(path, words.skip(1)));
            }
            return Err(plain(format!("unknown command {word:?} for {:?}", help::path(&path))));
        }
        break;
    }
    given.arguments = words.collect();
    let command = path.last().copied().unwrap_or(root);
    let Some(action) = command.action else { return Err(Ended::Help(help::render(&path))) };
    variables(&path, &mut given, environment)?;
    require(&path, &given)?;
    match given.arguments.first() {
        Some(word) if command.arguments.is_empty() => {
            Err(plain(format!("unknown command {word:?} for {:?}", command.name)))
        }
        _ => Ok(Parsed { action, given, warnings }),
    }
}

/// Reads flags up to the first word that is none.
fn flags(
    path: &[&Command],
    words: &mut std::iter::Peekable<impl Iterator<Item = String>>,
    given: &mut Given,
    warnings: &mut Vec<String>,
) -> Result<(), Ended> {
    while let Some(word) = words.next_if(|word| word.starts_with('-') && word.len() > 1) {
        if word == "--" {
            return Ok(());
        }
        let body = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or(&word);
        let (name, value) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (body, None),
        };
        if name.is_empty() || name.starts_with('-') {
            return Err(wrong(path, format!("bad flag syntax: {word}")));
        }
        if name == "help" || name == "h" {
            return Err(Ended::Help(help::render(path)));
        }
        let flag = path
            .last()
            .and_then(|command| command.flag(name))
            .ok_or_else(|| wrong(path, format!("flag provided but not defined: -{name}")))?;
        let value = match (value, flag.kind) {
            (Some(value), _) => value,
            (None, Kind::Switch) => "true".to_owned(),
            (None, _) => {
                let next = words.next().ok_or_else(|| wrong(path, format!("flag needs an argument: -{name}")))?;
                if flag.name == "token" && next.starts_with('-') {
                    warnings.push("a token that begins with '-' is better given as --token=TOKEN".to_owned());
                }
                next
            }
        };
        check(flag, &value, name).map_err(|reason| wrong(path, reason))?;
        given.values.entry(flag.name.to_string()).or_default().push(value);
    }
    Ok(())
}

/// Whether a flag, called by this name, can have this value.
fn check(flag: &Flag, value: &str, name: &str) -> Result<(), String> {
    match flag.kind {
        Kind::Switch if boolean(value).is_none() => {
            Err(format!("invalid boolean value {value:?} for -{name}: parse error"))
        }
        Kind::Number if value.parse::<u64>().is_err() => {
            Err(format!("invalid value {value:?} for flag -{name}: parse error"))
        }
        _ => Ok(()),
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Adds what the environment gives and the line does not.
fn variables(path: &[&Command], given: &mut Given, environment: &Environment) -> Result<(), Ended> {
    for flag in path.last().iter().flat_map(|command| &command.flags) {
        let Some(variable) = flag.variable.filter(|_| !given.values.contains_key(&*flag.name)) else { continue };
        let Some(value) = environment.variable_even_empty(variable) else { continue };
        let value = value.to_str().ok_or_else(|| wrong(path, format!("{variable} is not UTF-8 text")))?;
        let values = match flag.kind {
            Kind::Texts => value.split(',').filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            Kind::Switch if value.is_empty() => vec!["false".to_owned()],
            _ => {
                check(flag, value, &flag.name).map_err(|reason| wrong(path, format!("{variable}: {reason}")))?;
                vec![value.to_owned()]
            }
        };
        given.values.insert(flag.name.to_string(), values);
    }
    Ok(())
}

fn require(path: &[&Command], given: &Given) -> Result<(), Ended> {
    let flags = path.last().map(|command| command.flags.iter()).unwrap_or_default();
    let missing: Vec<&str> = flags
        .filter(|flag| flag.is_required && !given.values.contains_key(&*flag.name))
        .map(|flag| &*flag.name)
        .collect();
    let reason = match missing.as_slice() {
        [] => return Ok(()),
        [name] => format!("Required flag {name:?} not set"),
        names => format!("Required flags {:?} not set", names.join(", ")),
    };
    Err(Ended::Wrong { help: help::render(path), reason })
}

/// Help on the command that the words behind `help` lead to.
fn help_on(mut path: Vec<&Command>, words: impl Iterator<Item = String>) -> Ended {
    for word in words {
        match path.last().and_then(|command| command.find(&word)) {
            Some(next) => path.push(next),
            None => return plain(format!("No help topic for '{word}'")),
        }
    }
    Ended::Help(help::render(&path))
}

fn wrong(path: &[&Command], reason: String) -> Ended {
    Ended::Wrong { help: format!("Incorrect Usage: {reason}\n\n{}", help::render(path)), reason }
}

fn plain(reason: String) -> Ended {
    Ended::Wrong { help: String::new(), reason }
}

#[cfg(test)]
mod tests;
