//! What is around a page: title, navigation, notice.

use crate::assets;
use crate::visit::Viewer;

/// A place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    /// None of them.
    None,
    Overview,
    Buckets,
    ApiTokens,
    DatabaseTokens,
    ManagementTokens,
    Databases,
    Tables,
    Users,
    Organizations,
}

/// A heading of the navigation with what is below it.
pub(crate) struct Group {
    pub(crate) title: &'static str,
    pub(crate) links: Vec<Link>,
}

/// A link of the navigation.
pub(crate) struct Link {
    pub(crate) section: Section,
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
    pub(crate) icon: &'static str,
}

/// Something that the page says at its top.
#[derive(Debug, Clone)]
pub(crate) enum Notice {
    /// It worked.
    Good(String),
    /// It worked in part, or something needs attention.
    Warning(String),
    /// It did not work.
    Bad(String),
}

impl Notice {
    /// Its class in the style sheet, which is also the name of its icon.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::Good(_) => "good",
            Self::Warning(_) => "warning",
            Self::Bad(_) => "bad",
        }
    }

    /// What it says.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Good(text) | Self::Warning(text) | Self::Bad(text) => text,
        }
    }
}

/// What is around a page.
pub(crate) struct Frame {
    pub(crate) title: String,
    pub(crate) section: Section,
    pub(crate) viewer: Option<Viewer>,
    pub(crate) notice: Option<Notice>,
}

impl Frame {
    pub(crate) fn new(title: impl Into<String>, section: Section, viewer: Option<Viewer>) -> Self {
        Self { title: title.into(), section, viewer, notice: None }
    }

    /// The same with something to say.
    pub(crate) fn saying(self, notice: Option<Notice>) -> Self {
        Self { notice, ..self }
    }

    /// The secret for forms; empty without a session.
    pub(crate) fn form_secret(&self) -> &str {
        self.viewer.as_ref().map(|viewer| viewer.form_secret.expose()).unwrap_or_default()
    }

    /// The navigation, as far as the session reaches.
    pub(crate) fn navigation(&self) -> Vec<Group> {
        let Some(viewer) = &self.viewer else { return Vec::new() };
        let (administers, has_account) = (viewer.reach.administers(), viewer.reach.has_account());
        let link = |shown: bool, section, title, path, icon| shown.then_some(Link { section, title, path, icon });
        let group = |title, links: Vec<Option<Link>>| Group { title, links: links.into_iter().flatten().collect() };
        let groups = vec![
            group("", vec![link(true, Section::Overview, "Overview", "/console", "overview")]),
            group(
                "Load Data",
                vec![
                    link(administers, Section::Databases, "Databases", "/console/databases", "database"),
                    link(administers, Section::Tables, "Tables", "/console/tables", "table"),
                    link(has_account, Section::Buckets, "Buckets", "/console/buckets", "bucket"),
                    link(has_account, Section::ApiTokens, "API Tokens", "/console/api-tokens", "key"),
                    link(administers, Section::DatabaseTokens, "Database Tokens", "/console/database-tokens", "key"),
                ],
            ),
            group(
                "Administration",
                vec![
                    link(
                        administers,
                        Section::ManagementTokens,
                        "Management Tokens",
                        "/console/management-tokens",
                        "shield",
                    ),
                    link(has_account, Section::Users, "Users", "/console/users", "user"),
                    link(has_account, Section::Organizations, "Organizations", "/console/organizations", "building"),
                ],
            ),
        ];
        groups.into_iter().filter(|group| !group.links.is_empty()).collect()
    }

    pub(crate) fn style(&self) -> &'static str {
        assets::style()
    }

    pub(crate) fn script(&self) -> &'static str {
        assets::script()
    }

    pub(crate) fn icon(&self) -> &'static str {
        assets::icon()
    }
}
