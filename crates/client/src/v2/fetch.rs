//! Reading what lies at an address, without a credential.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;

use super::error::{Error, Result};
use super::transport::whole;
use crate::connection::{http_client, innermost};
use crate::{BaseUrl, TlsOptions};

/// What lies at an address of any server. Redirects are not followed. Errors name neither its path nor its query.
pub async fn fetch(url: &str, insecure: bool, timeout: Duration, user_agent: &str) -> Result<Bytes> {
    let unusable = || Error::Undecodable("the address is not one of http or https".to_owned());
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https")).ok_or_else(unusable)?;
    let base = BaseUrl::from_url(url.clone());
    let tls = TlsOptions { insecure, ..TlsOptions::default() };
    let client = http_client(&base, &tls, timeout, user_agent)?;
    let authority = base.authority();
    let response = client
        .get(url)
        .send()
        .await
        .map_err(|error| Error::Undecodable(format!("cannot reach {authority}: {}", innermost(&error))))?;
    if !response.status().is_success() {
        return Err(Error::Undecodable(format!("{authority} answers {}", response.status())));
    }
    whole(response).await
}
