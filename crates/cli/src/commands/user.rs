//! `user` (influxctl contract §12).

use clap::ArgMatches;
use serde::Serialize;
use tidegate_client::UserItem;
use tidegate_model::AccountId;
use uuid::Uuid;

use super::{or_nil, print_list};
use crate::error::Result;
use crate::output::ListTable;
use crate::session::Session;

pub(super) async fn list(session: &mut Session<'_>, matches: &ArgMatches) -> Result<()> {
    let mut users = session.management(matches).await?.users().await?;
    users.items.sort_by_key(|user| user.id);
    print_list(session, matches, &users, JsonUser::new, |users| {
        let mut table = ListTable::of_texts(&["ID", "FIRST NAME", "LAST NAME", "EMAIL"]);
        for user in users {
            let names = [user.first_name.clone(), user.last_name.clone(), user.email.clone()];
            table.row([vec![user.id.to_string()], names.into()].concat());
        }
        table
    })
}

#[derive(Serialize)]
struct JsonUser<'a> {
    id: Uuid,
    #[serde(serialize_with = "or_nil")]
    account_id: Option<AccountId>,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
}

impl<'a> JsonUser<'a> {
    fn new(user: &'a UserItem) -> Self {
        Self {
            id: user.id.as_uuid(),
            account_id: user.account_id,
            first_name: &user.first_name,
            last_name: &user.last_name,
            email: &user.email,
        }
    }
}
