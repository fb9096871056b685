//! Help texts, made from the table of commands.

use std::fmt::Write as _;

use super::syntax::{Command, Flag, Kind};

/// The words that lead to a command.
pub(crate) fn path(path: &[&Command]) -> String {
    path.iter().map(|command| command.name).collect::<Vec<_>>().join(" ")
}

/// Help on the last command of a path.
pub(crate) fn render(path_to: &[&Command]) -> String {
    let Some(command) = path_to.last() else { return String::new() };
    let words = path(path_to);
    let mut text = format!("{}\n\nUsage:\n", command.about);
    let mut usage = |line: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {words}{line}");
    };
    if command.action.is_some() {
        let flags = if command.flags.is_empty() { "" } else { " [flags]" };
        let arguments = if command.arguments.is_empty() { String::new() } else { format!(" {}", command.arguments) };
        usage(format!("{flags}{arguments}"));
    }
    if !command.commands.is_empty() {
        usage(" <command>".to_owned());
    }
    if !command.aliases.is_empty() {
        let _ = writeln!(text, "\nAliases:\n  {}", command.aliases.join(", "));
    }
    let rows = command.commands.iter().map(|command| {
        let aliases = command.aliases.iter().map(|alias| format!(", {alias}")).collect::<String>();
        (format!("{}{aliases}", command.name), command.about.to_owned())
    });
    section(&mut text, "Commands", rows.collect());
    let (common, own): (Vec<&Flag>, Vec<&Flag>) =
        command.flags.iter().filter(|flag| !flag.is_hidden).partition(|flag| flag.is_common);
    let mut own: Vec<_> = own.into_iter().map(row).collect();
    own.push(("--help, -h".to_owned(), "Show this help".to_owned()));
    section(&mut text, "Flags", own);
    section(&mut text, "Common flags", common.into_iter().map(row).collect());
    text
}

fn row(flag: &Flag) -> (String, String) {
    let value = match flag.kind {
        Kind::Switch => "",
        Kind::Number => " <NUMBER>",
        Kind::Text | Kind::Texts => " <VALUE>",
    };
    let short = flag.short.map(|short| format!(", -{short}")).unwrap_or_default();
    let mut about = flag.about.to_string();
    if flag.kind == Kind::Texts {
        about.push_str("; repeatable");
    }
    if flag.is_required {
        about.push_str(" (required)");
    }
    if let Some(variable) = flag.variable {
        about.push_str(&format!(" [env: {variable}]"));
    }
    (format!("--{}{short}{value}", flag.name), about)
}

fn section(text: &mut String, heading: &str, rows: Vec<(String, String)>) {
    if rows.is_empty() {
        return;
    }
    let width = rows.iter().map(|(left, _)| left.chars().count()).max().unwrap_or_default();
    let _ = writeln!(text, "\n{heading}:");
    for (left, right) in rows {
        let _ = writeln!(text, "  {left:width$}  {right}");
    }
}
