//! A certificate that the server makes itself, for networks without an authority. Clients trust it by its file.
//!
//! It is kept in the data directory, so that clients which trust it go on doing so. It is made anew when it lacks a name
//! by which the server is now reached, and when little is left of its time; clients must then be given the new file.

use std::fs::DirBuilder;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};
use rustls_pki_types::{ServerName, UnixTime};

use crate::config::TlsFiles;
use crate::durable;
use crate::listen::ListenAddress;
use crate::tls::{Tls, TlsError};

const DIRECTORY: &str = "tls";
const CERTIFICATE: &str = "cert.pem";
const KEY: &str = "key.pem";

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// Some clients refuse certificates that are valid for more than 825 days.
const VALID: Duration = Duration::from_secs(730 * DAY.as_secs());
/// A certificate that ends sooner is replaced at a start.
const RENEWED_BEFORE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Why the server has no certificate of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SelfSignedError {
    #[error("cannot keep a certificate in {}: {reason}", path.display())]
    Unusable { path: PathBuf, reason: io::Error },
    #[error("cannot make a certificate: {0}")]
    Generation(#[from] rcgen::Error),
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The certificate in the data directory, made anew if it does not serve any more.
pub(crate) fn provide(data_dir: &Path, listen: &[ListenAddress], now: SystemTime) -> Result<Tls, SelfSignedError> {
    let directory = data_dir.join(DIRECTORY);
    let files = TlsFiles { certificates: directory.join(CERTIFICATE), key: directory.join(KEY) };
    let host = rustix::system::uname();
    let names = names(&host.nodename().to_string_lossy(), listen);
    if let Some(kept) = kept(&files)?.filter(|kept| serves(kept, &names, now)) {
        tracing::info!(file = %files.certificates.display(), "clients must trust the certificate in this file");
        return Ok(kept);
    }
    let unusable = |reason| SelfSignedError::Unusable { path: directory.clone(), reason };
    let (certificate, key) = make(&names, now)?;
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unusable)?;
    // Half of a pair, after a crash in between, counts as none.
    durable::replace(&directory, KEY, key.as_bytes()).map_err(unusable)?;
    durable::replace(&directory, CERTIFICATE, certificate.as_bytes()).map_err(unusable)?;
    durable::sync_directory(data_dir).map_err(unusable)?;
    tracing::info!(
        file = %files.certificates.display(),
        names = names.join(", "),
        "made a certificate: clients must trust the one in this file, such as by ca in [profile.tls]"
    );
    Ok(Tls::load(&files)?)
}

/// What a client may call this server: as it listens, and in any case by the names of this machine.
fn names(host: &str, listen: &[ListenAddress]) -> Vec<String> {
    let own = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    let listened = listen.iter().filter_map(ListenAddress::client_host);
    let mut names: Vec<String> = Vec::new();
    for name in own.into_iter().chain(listened).chain([host.to_owned()]) {
        // Not every host name can stand in a certificate.
        if ServerName::try_from(name.as_str()).is_ok() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The pair in these files, if there is one.
fn kept(files: &TlsFiles) -> Result<Option<Tls>, TlsError> {
    match Tls::load(files) {
        Ok(tls) => Ok(Some(tls)),
        Err(TlsError::Unreadable { reason, .. }) if reason.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error @ TlsError::Unreadable { .. }) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "the server's own certificate is not usable and is made anew");
            Ok(None)
        }
    }
}

fn serves(tls: &Tls, names: &[String], now: SystemTime) -> bool {
    let at = |time: SystemTime| {
        let since_1970 = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        tls.is_accepted_by_itself(UnixTime::since_unix_epoch(since_1970))
    };
    at(now) && at(now + RENEWED_BEFORE) && names.iter().all(|name| tls.is_valid_for(name))
}

/// Certificate and key, both PEM.
fn make(names: &[String], now: SystemTime) -> Result<(String, String), rcgen::Error> {
    let mut parameters = CertificateParams::new(names)?;
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, "tidegate, self-signed");
    // The clock of a client may be behind.
    parameters.not_before = (now - DAY).into();
    parameters.not_after = (now + VALID).into();
    // Clients refuse an authority in the place of a server.
    parameters.is_ca = IsCa::ExplicitNoCa;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    Ok((parameters.self_signed(&key)?.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(DIRECTORY).join(name)
        }

        fn provide(&self, listen: &[&str], now: SystemTime) -> Tls {
            let listen: Vec<ListenAddress> = listen.iter().map(|address| address.parse().unwrap()).collect();
            provide(self.0.path(), &listen, now).unwrap()
        }

        fn certificate(&self) -> Vec<u8> {
            fs::read(self.path(CERTIFICATE)).unwrap()
        }
    }

    #[test]
    fn the_first_start_makes_a_private_pair_for_every_name() {
        let place = Place::new();
        let tls = place.provide(&["tide.example.org:1", "0.0.0.0:2", "[::]:2", "192.0.2.7:3"], SystemTime::now());
        for name in ["localhost", "127.0.0.1", "::1", "tide.example.org", "192.0.2.7"] {
            assert!(tls.is_valid_for(name), "{name}");
        }
        assert!(!tls.is_valid_for("0.0.0.0") && !tls.is_valid_for("example.org"));
        assert!(tls.self_issued, "clients are told of it");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&place.0.path().join(DIRECTORY)), 0o700);
        assert_eq!([mode(&place.path(KEY)), mode(&place.path(CERTIFICATE))], [0o600; 2]);
    }

    #[test]
    fn a_certificate_that_serves_is_kept() {
        let place = Place::new();
        let now = SystemTime::now();
        place.provide(&["tide.example.org:1"], now);
        let first = place.certificate();
        for later in [now, now + 600 * DAY, now + VALID - RENEWED_BEFORE] {
            place.provide(&["tide.example.org:1"], later);
            assert_eq!(place.certificate(), first);
        }
        place.provide(&["localhost:1"], now);
        assert_eq!(place.certificate(), first, "a name too many does no harm");
    }

    #[test]
    fn a_certificate_is_renewed_before_it_ends_and_for_new_names() {
        let place = Place::new();
        let now = SystemTime::now();
        let mut known = Vec::new();
        for (listen, at) in [
            (&["localhost:1"][..], now),
            (&["localhost:1", "tide.example.org:1"], now),
            (&["localhost:1"], now + VALID - RENEWED_BEFORE + DAY),
            // The clock was set back, so that the last one is not valid yet.
            (&["localhost:1"], now),
        ] {
            place.provide(listen, at);
            assert!(!known.contains(&place.certificate()), "{listen:?}");
            known.push(place.certificate());
        }
    }

    #[test]
    fn half_of_a_pair_or_a_broken_one_is_replaced() {
        let place = Place::new();
        let now = SystemTime::now();
        place.provide(&[], now);
        for (file, content) in [(KEY, None), (CERTIFICATE, None), (KEY, Some("x")), (CERTIFICATE, Some("x"))] {
            match content {
                None => fs::remove_file(place.path(file)).unwrap(),
                Some(text) => fs::write(place.path(file), text).unwrap(),
            }
            assert!(place.provide(&[], now).is_valid_for("localhost"), "{file} {content:?}");
        }
        // A pair that does not belong together, as after a crash between its two files.
        let other = Place::new();
        other.provide(&[], now);
        fs::copy(other.path(KEY), place.path(KEY)).unwrap();
        assert!(place.provide(&[], now).is_valid_for("localhost"));
    }

    #[test]
    fn names_that_no_certificate_can_hold_are_left_out() {
        let listen: Vec<ListenAddress> = vec!["localhost:1".parse().unwrap(), "tide.example.org:1".parse().unwrap()];
        assert_eq!(names("höst", &listen), ["localhost", "127.0.0.1", "::1", "tide.example.org"]);
        assert_eq!(names("", &[]), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(names("tide7", &[]), ["localhost", "127.0.0.1", "::1", "tide7"]);
    }
}
