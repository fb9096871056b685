//! Permissions as people read them and tick them.

use tidegate_model::{
    Action, DatabaseId, OrganizationId, ResourceId, ResourceType, TypeScope, TypedPermission, TypedPermissions, UserId,
};
use tidegate_service::{Owner, Profile, Service};

/// What a token may do to one kind of thing.
pub(super) struct Permitted {
    pub(super) kind: &'static str,
    /// Which ones: `all`, or a name.
    pub(super) which: String,
    read: bool,
    write: bool,
}

impl Permitted {
    /// What may be done to it.
    pub(super) fn access(&self) -> &'static str {
        match (self.read, self.write) {
            (true, true) => "Read and write",
            (true, false) => "Read",
            (false, _) => "Write",
        }
    }
}

/// Each thing that is permitted once, in the order of the token.
pub(super) fn table(service: &Service, permissions: &TypedPermissions) -> Vec<Permitted> {
    let mut rows: Vec<(TypedPermission, Permitted)> = Vec::new();
    for permission in permissions.iter() {
        let same = |other: &TypedPermission| {
            (other.kind, other.organization, other.id) == (permission.kind, permission.organization, permission.id)
        };
        if !rows.iter().any(|(other, _)| same(other)) {
            let row = Permitted {
                kind: permission.kind.as_str(),
                which: which(service, permission),
                read: false,
                write: false,
            };
            rows.push((*permission, row));
        }
        if let Some((_, row)) = rows.iter_mut().find(|(other, _)| same(other)) {
            match permission.action {
                Action::Read => row.read = true,
                Action::Write => row.write = true,
            }
        }
    }
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Which things of its kind a permission is about.
fn which(service: &Service, permission: &TypedPermission) -> String {
    let organization = permission.organization.map(|id| match service.organization_name(id) {
        Some(name) => format!("of {name}"),
        None => format!("of organization {id}, which is gone"),
    });
    match (permission.id, organization) {
        (Some(id), _) => name_of(service, permission, id).unwrap_or_else(|| format!("{id}, which is gone")),
        (None, Some(organization)) => format!("all {organization}"),
        (None, None) => "all, everywhere".to_owned(),
    }
}

fn name_of(service: &Service, permission: &TypedPermission, id: ResourceId) -> Option<String> {
    match permission.kind {
        ResourceType::Buckets => {
            let name = service.database_name(DatabaseId::from_resource(id)?, permission.organization);
            name.map(|name| name.to_string())
        }
        ResourceType::Users => service.user_name(UserId::new(id.get())?).map(|name| name.to_string()),
        ResourceType::Orgs => service.organization_name(OrganizationId::new(id.get())?).map(|name| name.to_string()),
        _ => Some(id.to_string()),
    }
}

/// In a few words, for lists.
pub(super) fn summary(service: &Service, permissions: &TypedPermissions, organization: OrganizationId) -> String {
    if permissions.are_operator() {
        return "Operator: everything".to_owned();
    }
    let holds_all = |kind: &ResourceType| {
        [Action::Read, Action::Write]
            .into_iter()
            .all(|action| permissions.cover(&TypedPermission::in_organization(action, *kind, organization)))
    };
    let common = ResourceType::ALL.iter().filter(|kind| kind.scope() == TypeScope::Common);
    if common.filter(|kind| !kind.belongs_to_no_organization()).all(holds_all) {
        return "All access".to_owned();
    }
    described(service, permissions)
}

/// The description that a token gets if none is given, such as `Read buckets a, b Write buckets c` (contract §7).
pub(super) fn described(service: &Service, permissions: &TypedPermissions) -> String {
    let parts = [(Action::Read, "Read"), (Action::Write, "Write")].into_iter().filter_map(|(action, word)| {
        let kinds: Vec<String> =
            ResourceType::ALL.iter().filter_map(|kind| of_kind(service, permissions, action, *kind)).collect();
        (!kinds.is_empty()).then(|| format!("{word} {}", kinds.join(", ")))
    });
    shortened(parts.collect::<Vec<_>>().join(" "))
}

fn of_kind(service: &Service, permissions: &TypedPermissions, action: Action, kind: ResourceType) -> Option<String> {
    let mut held = permissions.iter().filter(|held| held.action == action && held.kind == kind).peekable();
    held.peek()?;
    let names: Option<Vec<String>> = held.map(|held| name_of(service, held, held.id?)).collect();
    Some(match names {
        Some(names) => format!("{kind} {}", names.join(", ")),
        None => format!("all {kind}"),
    })
}

fn shortened(text: String) -> String {
    const LONGEST: usize = 240;
    if text.len() <= LONGEST {
        return text;
    }
    let mut shorter: String = text.chars().take(LONGEST).collect();
    shorter.push('…');
    shorter
}

/// All Access for a user in an organization (contract §3).
pub(super) fn all_access(service: &Service, owner: Owner) -> TypedPermissions {
    let every = TypedPermissions::of_every_type(|action, kind| match (kind, action) {
        (ResourceType::Orgs, Action::Read) => Some(TypedPermission::on_one(action, kind, owner.organization)),
        (ResourceType::Orgs, Action::Write) => None,
        (ResourceType::Users, _) => Some(TypedPermission::on_one(action, kind, owner.user)),
        _ => is_known(service, kind).then(|| TypedPermission::in_organization(action, kind, owner.organization)),
    });
    every.iter().copied().collect()
}

fn is_known(service: &Service, kind: ResourceType) -> bool {
    match kind.scope() {
        TypeScope::Common => true,
        TypeScope::SelfHosted => service.profile() == Profile::SelfHosted,
        TypeScope::Cloud => service.profile() == Profile::Cloud,
    }
}

/// A row of the grid with the two boxes of a custom token. A box stands for the printed form of a permission.
pub(super) struct GridRow {
    pub(super) label: String,
    pub(super) read: GridBox,
    pub(super) write: GridBox,
}

/// A box to tick.
pub(super) struct GridBox {
    pub(super) value: String,
    pub(super) is_ticked: bool,
}

/// The rows for buckets, and those for everything else.
pub(super) struct Grid {
    buckets: Vec<GridRow>,
    others: Vec<GridRow>,
}

impl Grid {
    /// Its parts with their titles.
    pub(super) fn parts(&self) -> [(&'static str, &[GridRow]); 2] {
        [("Buckets", &self.buckets), ("Other resources", &self.others)]
    }
}

/// The grid for tokens of `owner`, with what was ticked before.
pub(super) fn grid(service: &Service, buckets: &[(DatabaseId, String)], owner: Owner, ticked: &[&str]) -> Grid {
    let row = |label: String, permission: &dyn Fn(Action) -> TypedPermission| {
        let cell = |action| {
            let value = permission(action).to_string();
            let is_ticked = ticked.contains(&value.as_str());
            GridBox { value, is_ticked }
        };
        GridRow { label, read: cell(Action::Read), write: cell(Action::Write) }
    };
    let kind = ResourceType::Buckets;
    let every = |action| TypedPermission::in_organization(action, kind, owner.organization);
    let mut of_buckets = vec![row("All buckets".to_owned(), &every)];
    of_buckets.extend(
        buckets
            .iter()
            .map(|(id, name)| row(name.clone(), &|action| TypedPermission::on(action, kind, owner.organization, *id))),
    );
    let others = ResourceType::ALL
        .iter()
        .copied()
        .filter(|kind| !matches!(kind, ResourceType::Buckets | ResourceType::Instance) && is_known(service, *kind));
    let others = others.map(|kind| match kind {
        ResourceType::Orgs => {
            row("orgs (this one)".to_owned(), &|action| TypedPermission::on_one(action, kind, owner.organization))
        }
        ResourceType::Users => {
            row("users (the owner)".to_owned(), &|action| TypedPermission::on_one(action, kind, owner.user))
        }
        _ => {
            row(kind.as_str().to_owned(), &|action| TypedPermission::in_organization(action, kind, owner.organization))
        }
    });
    Grid { buckets: of_buckets, others: others.collect() }
}
