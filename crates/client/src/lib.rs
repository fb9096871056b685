//! Typed client of the management and data HTTP interfaces.
//!
//! [`ManagementClient`] speaks `/api/v0` (management API contract), [`DataClient`] writes line protocol and queries SQL
//! (data-plane contract §§4 and 6). Both send requests through a [`Connection`]. [`DeviceLogin`] gets a token from an
//! identity provider. [`v2::Client`] speaks `/api/v2` (v2 API contract). None of them follows redirects or puts a
//! credential, a query string or an answer's body into an error or an [`Exchange`].

mod answer;
mod base;
mod connection;
mod data;
mod device_login;
mod error;
mod listing;
mod management;
mod tls;
pub mod v2;
mod wire;

pub use base::{BaseUrl, BaseUrlError};
pub use connection::{Connection, ConnectionOptions, Exchange, Observer};
pub use data::{Column, ColumnKind, DataClient, Precision, QueryAnswer, Row};
pub use device_login::{DeviceCode, DeviceLogin, DeviceLoginOptions, LoginToken, Polled};
pub use error::{Error, RefusedLine, Result};
pub use listing::{Listing, UnreadableRecord};
pub use management::{ManagementClient, NewDatabaseToken, NewManagementToken, Scope, StatusFilter, TokenChanges};
pub use tls::TlsOptions;
pub use wire::{
    ClusterItem, Created, DatabaseItem, DatabaseTokenItem, ManagementTokenItem, PermissionItem, ServerTime, TableItem,
    UserItem,
};

#[cfg(test)]
mod tests;
