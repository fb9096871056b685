//! Users: reading and changing them.

use std::fmt;
use std::sync::Arc;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteConnection, SqliteExecutor};
use tidegate_model::{Name, Status, Timestamp, User, UserId};

use crate::audit::AuditAction;
use crate::columns::{id, id_column, name, status};
use crate::memory::Published;
use crate::records::RecordChange;
use crate::writer::{Change, Outcome, Step};
use crate::{Actor, Catalog, CatalogError};

/// The hash of a password, in whatever form its maker gave it. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash that was made elsewhere.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The hash. Every use of it should be easy to find.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// What a caller gives to make a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Its id, which no user had before.
    pub id: UserId,
    /// Its name, unique among the users that exist.
    pub name: Name,
    /// Whether its tokens and sessions can be used.
    pub status: Status,
    /// What it signs in with; `None` if it cannot.
    pub password: Option<PasswordHash>,
}

/// What to change of a user; `None` leaves it as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserChange {
    /// The new name.
    pub name: Option<Name>,
    /// The new status.
    pub status: Option<Status>,
}

macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT id, name, status, created_at, updated_at FROM users WHERE deleted_at IS NULL ", $rest)
    };
}

pub(crate) async fn all(executor: impl SqliteExecutor<'_>) -> Result<Vec<User>, CatalogError> {
    sqlx::query(select_users!("")).fetch_all(executor).await?.iter().map(decode).collect()
}

/// Whether there is a user, or was one.
pub(crate) async fn any_ever(executor: impl SqliteExecutor<'_>) -> Result<bool, CatalogError> {
    Ok(sqlx::query("SELECT EXISTS (SELECT 1 FROM users)").fetch_one(executor).await?.try_get(0)?)
}

/// The user of this id, which a change is about.
pub(crate) async fn existing(executor: impl SqliteExecutor<'_>, id: UserId) -> Result<User, CatalogError> {
    let row = sqlx::query(select_users!("AND id = ?")).bind(id_column(id.get())).fetch_optional(executor).await?;
    decode(&row.ok_or(CatalogError::UserNotFound)?)
}

fn decode(row: &SqliteRow) -> Result<User, CatalogError> {
    Ok(User {
        id: id(row.try_get(0)?, UserId::new)?,
        name: name(row.try_get(1)?)?,
        status: status(row.try_get(2)?)?,
        created_at: Timestamp::from_micros(row.try_get(3)?),
        updated_at: Timestamp::from_micros(row.try_get(4)?),
    })
}

pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    step: Step,
    new: &NewUser,
) -> Result<Arc<User>, CatalogError> {
    let inserted = sqlx::query(
        "INSERT INTO users (id, name, status, password_hash, created_at, updated_at, sequence) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id_column(new.id.get()))
    .bind(new.name.as_str())
    .bind(new.status.as_str())
    .bind(new.password.as_ref().map(PasswordHash::expose))
    .bind(step.now.micros())
    .bind(step.now.micros())
    .bind(step.sequence.0)
    .execute(connection)
    .await;
    match inserted {
        Ok(_) => Ok(Arc::new(User {
            id: new.id,
            name: new.name.clone(),
            status: new.status,
            created_at: step.now,
            updated_at: step.now,
        })),
        Err(error) => Err(taken(error, &new.name)),
    }
}

fn taken(error: sqlx::Error, name: &Name) -> CatalogError {
    match error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => CatalogError::UserExists { name: name.clone() },
        error => error.into(),
    }
}

impl Catalog {
    /// The user of this id. Does no I/O.
    pub fn user(&self, id: UserId) -> Option<Arc<User>> {
        self.shared.memory.records().users().get(id)
    }

    /// The user of this name. Does no I/O.
    pub fn user_by_name(&self, name: &str) -> Option<Arc<User>> {
        self.shared.memory.records().users().by_name(name)
    }

    /// The users, by id. Does no I/O.
    pub fn users(&self) -> Vec<Arc<User>> {
        self.shared.memory.records().users().all()
    }

    /// Whether there is a user, or was one. Does no I/O.
    pub fn any_user_ever(&self) -> bool {
        self.shared.memory.records().any_user_ever()
    }

    /// What a user signs in with; `None` if it cannot, or does not exist.
    ///
    /// # Errors
    /// Only those of storage.
    pub async fn password(&self, id: UserId) -> Result<Option<PasswordHash>, CatalogError> {
        let row = sqlx::query("SELECT password_hash FROM users WHERE id = ? AND deleted_at IS NULL")
            .bind(id_column(id.get()))
            .fetch_optional(&self.shared.readers)
            .await?;
        let hash = row.map(|row| row.try_get::<Option<String>, _>(0)).transpose()?;
        Ok(hash.flatten().map(PasswordHash))
    }

    /// Records a new user.
    ///
    /// # Errors
    /// [`CatalogError::UserExists`], also when a deleted user had the id.
    pub async fn create_user(&self, new: NewUser, actor: Actor) -> Result<Arc<User>, CatalogError> {
        self.change(CreateUser(new), actor).await
    }

    /// Changes name or status of a user. A change to what is there already is none.
    ///
    /// # Errors
    /// [`CatalogError::UserNotFound`], [`CatalogError::UserExists`].
    pub async fn update_user(&self, id: UserId, change: UserChange, actor: Actor) -> Result<Arc<User>, CatalogError> {
        self.change(UpdateUser { id, change }, actor).await
    }

    /// Gives a user a password, in place of the one it had.
    ///
    /// # Errors
    /// [`CatalogError::UserNotFound`].
    pub async fn set_password(&self, id: UserId, password: PasswordHash, actor: Actor) -> Result<(), CatalogError> {
        self.change(SetPassword { id, password }, actor).await
    }

    /// Deletes a user: its name is free again, its id is not, its password is forgotten, and it leaves all organizations.
    /// The records of its API tokens stay.
    ///
    /// # Errors
    /// [`CatalogError::UserNotFound`].
    pub async fn delete_user(&self, id: UserId, actor: Actor) -> Result<Arc<User>, CatalogError> {
        self.change(DeleteUser(id), actor).await
    }
}

struct CreateUser(NewUser);

impl Change for CreateUser {
    type Output = Arc<User>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::CreateUser, format!("{} {:?}", self.0.id, self.0.name.as_str())))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<User>>, CatalogError> {
        Ok(Outcome::Changed(insert(connection, step, &self.0).await?))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::User(output.clone()).into()
    }
}

struct UpdateUser {
    id: UserId,
    change: UserChange,
}

impl Change for UpdateUser {
    type Output = Arc<User>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        let mut subject = self.id.to_string();
        if let Some(name) = &self.change.name {
            subject.push_str(&format!(" {:?}", name.as_str()));
        }
        if let Some(status) = self.change.status {
            subject.push_str(&format!(" {}", status.as_str()));
        }
        Some((AuditAction::UpdateUser, subject))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<User>>, CatalogError> {
        let before = existing(&mut *connection, self.id).await?;
        let mut after = before.clone();
        if let Some(name) = &self.change.name {
            after.name = name.clone();
        }
        after.status = self.change.status.unwrap_or(after.status);
        if after == before {
            return Ok(Outcome::Unchanged(Arc::new(before)));
        }
        after.updated_at = step.now;
        sqlx::query("UPDATE users SET name = ?, status = ?, updated_at = ?, sequence = ? WHERE id = ?")
            .bind(after.name.as_str())
            .bind(after.status.as_str())
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(id_column(self.id.get()))
            .execute(connection)
            .await
            .map_err(|error| taken(error, &after.name))?;
        Ok(Outcome::Changed(Arc::new(after)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::User(output.clone()).into()
    }
}

struct SetPassword {
    id: UserId,
    password: PasswordHash,
}

impl Change for SetPassword {
    type Output = ();

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::SetPassword, self.id.to_string()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<()>, CatalogError> {
        existing(&mut *connection, self.id).await?;
        sqlx::query("UPDATE users SET password_hash = ?, sequence = ? WHERE id = ?")
            .bind(self.password.expose())
            .bind(step.sequence.0)
            .bind(id_column(self.id.get()))
            .execute(connection)
            .await?;
        Ok(Outcome::Changed(()))
    }

    fn published((): &()) -> Published {
        Published::Nothing
    }
}

struct DeleteUser(UserId);

impl Change for DeleteUser {
    type Output = Arc<User>;

    fn audit(&self) -> Option<(AuditAction, String)> {
        Some((AuditAction::DeleteUser, self.0.to_string()))
    }

    async fn apply(&self, connection: &mut SqliteConnection, step: Step) -> Result<Outcome<Arc<User>>, CatalogError> {
        let user = existing(&mut *connection, self.0).await?;
        sqlx::query("UPDATE users SET password_hash = NULL, deleted_at = ?, sequence = ? WHERE id = ?")
            .bind(step.now.micros())
            .bind(step.sequence.0)
            .bind(id_column(self.0.get()))
            .execute(&mut *connection)
            .await?;
        sqlx::query("DELETE FROM members WHERE user_id = ?").bind(id_column(self.0.get())).execute(connection).await?;
        Ok(Outcome::Changed(Arc::new(user)))
    }

    fn published(output: &Self::Output) -> Published {
        RecordChange::UserDeleted(output.id).into()
    }
}
