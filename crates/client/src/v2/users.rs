//! Users (v2 API contract §5.4).

use serde::Deserialize;
use serde_json::json;
use tidegate_model::PlainToken;

use super::error::{Codes, Result};
use super::records::{Record, User};
use super::transport::Client;
use crate::management::segment;
use crate::wire::empty_if_null;

const PATH: &str = "/api/v2/users";

#[derive(Deserialize)]
struct List {
    #[serde(default, deserialize_with = "empty_if_null")]
    users: Vec<Record<User>>,
}

impl Client {
    /// Users with this id and this name. A name may be given and empty, which does not narrow the list.
    pub async fn users(&self, id: Option<&str>, name: Option<&str>) -> Result<Vec<Record<User>>> {
        let list: List = self.document(self.get(PATH).query(&[("id", id), ("name", name)]), Codes::Known).await?;
        Ok(list.users)
    }

    /// One user.
    pub async fn user(&self, id: &str) -> Result<Record<User>> {
        self.document(self.get(&path(id)?), Codes::Known).await
    }

    /// Makes a user.
    pub async fn create_user(&self, name: &str) -> Result<Record<User>> {
        self.document(self.post(PATH).json(&json!({ "name": name })), Codes::Known).await
    }

    /// Gives a user another name.
    pub async fn update_user(&self, id: &str, name: Option<&str>) -> Result<Record<User>> {
        let body = name.map_or_else(|| json!({}), |name| json!({ "name": name }));
        self.document(self.patch(&path(id)?).json(&body), Codes::Known).await
    }

    /// Deletes a user, whose tokens are dead when this returns.
    pub async fn delete_user(&self, id: &str) -> Result<()> {
        self.done(self.delete(&path(id)?), Codes::Known).await
    }

    /// Sets a user's password.
    pub async fn set_password(&self, id: &str, password: &PlainToken) -> Result<()> {
        let path = format!("{}/password", path(id)?);
        self.done(self.post(&path).json(&json!({ "password": password.expose() })), Codes::Known).await
    }
}

fn path(id: &str) -> Result<String> {
    Ok(format!("{PATH}/{}", segment(id)?))
}
