//! What a table of commands and flags is made of.

use std::borrow::Cow;

use super::commands::Action;

/// A command, or a group of commands.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) about: &'static str,
    /// How help shows the arguments; without any, an argument is an error.
    pub(crate) arguments: &'static str,
    pub(crate) flags: Vec<Flag>,
    pub(crate) commands: Vec<Command>,
    /// `None`: a group, which shows its help.
    pub(crate) action: Option<Action>,
}

/// What stands behind a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing, or `=true` and `=false`.
    Switch,
    /// A text; the last one counts.
    Text,
    /// A text; all of them count.
    Texts,
    /// A whole number of at least 0; the last one counts.
    Number,
}

/// A flag.
#[derive(Clone)]
pub(crate) struct Flag {
    pub(crate) name: Cow<'static, str>,
    pub(crate) kind: Kind,
    pub(crate) short: Option<&'static str>,
    /// Further spellings, which help does not show.
    pub(crate) aliases: Vec<String>,
    pub(crate) variable: Option<&'static str>,
    pub(crate) is_required: bool,
    pub(crate) is_hidden: bool,
    /// Belongs to many commands.
    pub(crate) is_common: bool,
    pub(crate) about: Cow<'static, str>,
}

impl Command {
    /// A group of commands.
    pub(crate) fn group(name: &'static str, about: &'static str, commands: Vec<Self>) -> Self {
        Self { name, aliases: &[], about, arguments: "", flags: Vec::new(), commands, action: None }
    }

    /// A command with its own flags.
    pub(crate) fn leaf(name: &'static str, about: &'static str, action: Action, flags: Vec<Flag>) -> Self {
        Self { name, aliases: &[], about, arguments: "", flags, commands: Vec::new(), action: Some(action) }
    }

    pub(crate) fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) fn arguments(mut self, arguments: &'static str) -> Self {
        self.arguments = arguments;
        self
    }

    pub(crate) fn commands(mut self, commands: Vec<Self>) -> Self {
        self.commands = commands;
        self
    }

    /// Adds flags that many commands have.
    pub(crate) fn common(mut self, flags: Vec<Flag>) -> Self {
        self.flags.extend(flags.into_iter().map(|flag| Flag { is_common: true, ..flag }));
        self
    }

    pub(crate) fn find(&self, word: &str) -> Option<&Self> {
        self.commands.iter().find(|command| command.name == word || command.aliases.contains(&word))
    }

    pub(crate) fn flag(&self, word: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.is_called(word))
    }
}

impl Flag {
    fn new(kind: Kind, name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        Self {
            name: name.into(),
            kind,
            short: None,
            aliases: Vec::new(),
            variable: None,
            is_required: false,
            is_hidden: false,
            is_common: false,
            about: about.into(),
        }
    }

    pub(crate) fn switch(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Switch, name, about)
    }

    pub(crate) fn text(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Text, name, about)
    }

    pub(crate) fn texts(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Texts, name, about)
    }

    pub(crate) fn number(name: impl Into<Cow<'static, str>>, about: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::Number, name, about)
    }

    pub(crate) fn short(mut self, short: &'static str) -> Self {
        self.short = Some(short);
        self
    }

    pub(crate) fn also(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    pub(crate) fn variable(mut self, variable: &'static str) -> Self {
        self.variable = Some(variable);
        self
    }

    pub(crate) fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    pub(crate) fn hidden(mut self) -> Self {
        self.is_hidden = true;
        self
    }

    fn is_called(&self, word: &str) -> bool {
        self.name == word || self.short == Some(word) || self.aliases.iter().any(|alias| alias == word)
    }
}
