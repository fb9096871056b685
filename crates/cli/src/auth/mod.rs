//! Logging in at an identity provider, and what is kept of it (influxctl contract §§4 and 13).

mod browser;
mod cache;

use std::time::Duration;

use tidegate_client::{DeviceCode, DeviceLogin, DeviceLoginOptions, LoginToken, Polled};
use tidegate_model::{PlainToken, Timestamp};

use crate::Face;
use crate::config::Profile;
use crate::error::{Error, Result};
use crate::io::Io;
pub(crate) use cache::Cache;

/// How long a login token lives if the provider does not say.
const USUAL_LIFE_TIME: Duration = Duration::from_secs(3600);

/// How much slower to poll when the provider asks for it (RFC 8628 §3.5).
const SLOWER: Duration = Duration::from_secs(5);

/// Lets a person log in and keeps the token.
pub(crate) async fn login(
    face: Face,
    io: &mut Io,
    profile: &Profile,
    audience: &str,
    timeout: Duration,
) -> Result<PlainToken> {
    let options = options(face, io, profile, timeout)?;
    let provider = DeviceLogin::new(options)?;
    let code = provider.start().await?;
    tell(io, &code);
    let LoginToken { token, life_time } = wait(io, &provider, &code).await?;
    io.log.hide(&token);
    let life_time = i64::try_from(life_time.unwrap_or(USUAL_LIFE_TIME).as_micros()).unwrap_or(i64::MAX);
    let expires_at = Timestamp::from_micros(io.clock.now().micros().saturating_add(life_time));
    let kept = Cache::of(&io.environment, &profile.name)
        .ok_or_else(|| "no home directory is known".to_owned())
        .and_then(|cache| cache.store(&context(profile, audience), &token, expires_at));
    if let Err(reason) = kept {
        io.log.warn(format!("the login is not kept for later commands: {reason}"));
    }
    Ok(token)
}

/// What a kept token must have been made for to be used.
pub(crate) fn context(profile: &Profile, audience: &str) -> Vec<String> {
    let mut context = vec![audience.to_owned()];
    if let Some(oauth2) = &profile.oauth2 {
        context.extend(oauth2.token_url.clone());
        context.extend(oauth2.client_id.clone());
        context.extend(oauth2.scopes.iter().cloned());
        context.extend(oauth2.parameters.iter().map(|(name, value)| format!("{name}={value}")));
    }
    context
}

fn options(face: Face, io: &Io, profile: &Profile, timeout: Duration) -> Result<DeviceLoginOptions> {
    let missing = |key: &str| {
        let advice = "set it, or set mgmt_token";
        let place = format!("profile {:?} in {}", profile.name, profile.file.display());
        Error::Configuration(format!("cannot log in: {place} has no {key} in [profile.auth.oauth2]: {advice}"))
    };
    let oauth2 = profile.oauth2.as_ref().ok_or_else(|| missing("client_id"))?;
    let mut tls = profile.tls.clone();
    tls.ca = tls.ca.map(|path| io.environment.current_dir.join(path));
    Ok(DeviceLoginOptions {
        client_id: oauth2.client_id.clone().ok_or_else(|| missing("client_id"))?,
        scopes: oauth2.scopes.clone(),
        parameters: oauth2.parameters.clone(),
        device_url: oauth2.device_url.clone().ok_or_else(|| missing("device_url"))?,
        token_url: oauth2.token_url.clone().ok_or_else(|| missing("token_url"))?,
        tls,
        timeout,
        user_agent: format!("{}/{}", face.name(), face.version()),
    })
}

/// Says on standard error where to confirm, so that piped results stay clean.
fn tell(io: &Io, code: &DeviceCode) {
    let shown = crate::output::one_line;
    let (address, word) = (shown(&code.verification_uri), shown(&code.user_code));
    io.log.raw(&format!("To log in, open\n\n    {address}\n\nand enter the code {word}\n"));
    if io.may_open_browser {
        browser::open(&io.environment, code.verification_uri_complete.as_ref().unwrap_or(&code.verification_uri));
    }
}

/// Polls until the person has decided or the code is void.
async fn wait(io: &Io, provider: &DeviceLogin, code: &DeviceCode) -> Result<LoginToken> {
    let mut interval = code.interval();
    let mut waited = Duration::ZERO;
    while waited < code.life_time() {
        (io.pause)(interval).await;
        // A provider that allows polling without pause must not keep us for ever.
        waited += interval.max(Duration::from_secs(1));
        match provider.poll(code).await {
            Ok(Polled::Token(token)) => return Ok(token),
            Ok(Polled::Pending) => {}
            Ok(Polled::SlowDown) => interval += SLOWER,
            // The person is still typing elsewhere: a network that stumbles must not end that.
            Err(
                error @ (tidegate_client::Error::TimedOut { .. }
                | tidegate_client::Error::Unreachable { .. }
                | tidegate_client::Error::BrokenOff { .. }),
            ) => {
                io.log.debug(format!("polling again: {error}"));
                interval += SLOWER;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Error::Failed("cannot log in: nobody confirmed in time; run the command again".to_owned()))
}
