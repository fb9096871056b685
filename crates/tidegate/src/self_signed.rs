//! A certificate that the server makes itself, for networks without an authority. Clients trust it by its file.
//!
//! It is kept in the data directory, so that clients which trust it go on doing so. It is made anew when it lacks a name
//! on which the server listens, and when little is left of its time; the key and the names stay. Clients should then be
//! given the new file; those that take any certificate of a key they trust accept the new one with the old file.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
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
/// What the certificate is for, a name a line.
const NAMES: &str = "names";
const PRIVATE: u32 = 0o600;

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
    let host = rustix::system::uname();
    provide_on(&host.nodename().to_string_lossy(), data_dir, listen, now)
}

/// On a machine of this name. A container has a new one whenever it is made anew, which is no reason to shake the trust
/// of clients, so the name goes into a new certificate and is not looked for in an old one.
fn provide_on(host: &str, data_dir: &Path, listen: &[ListenAddress], now: SystemTime) -> Result<Tls, SelfSignedError> {
    let directory = data_dir.join(DIRECTORY);
    let unusable = |reason| SelfSignedError::Unusable { path: directory.clone(), reason };
    let files = TlsFiles { certificates: directory.join(CERTIFICATE), key: directory.join(KEY) };
    restrict(&files.key).map_err(unusable)?;
    let mut names = names(listen, &known_names(&directory).map_err(unusable)?);
    if let Some(kept) = kept(&files)?.filter(|kept| serves(kept, &names, now)) {
        tracing::info!(file = %files.certificates.display(), "clients must trust the certificate in this file");
        return Ok(kept);
    }
    add_name(&mut names, host.to_owned());
    let key = known_key(&files.key).map_or_else(KeyPair::generate, Ok)?;
    let certificate = make(&names, &key, now)?;
    DirBuilder::new().recursive(true).mode(0o700).create(&directory).map_err(unusable)?;
    // Names without a certificate for them, or half of a pair, after a crash in between, lead here again.
    durable::replace(&directory, NAMES, (names.join("\n") + "\n").as_bytes()).map_err(unusable)?;
    durable::replace(&directory, KEY, key.serialize_pem().as_bytes()).map_err(unusable)?;
    durable::replace(&directory, CERTIFICATE, certificate.as_bytes()).map_err(unusable)?;
    durable::sync_directory(data_dir).map_err(unusable)?;
    tracing::info!(
        file = %files.certificates.display(),
        names = names.join(", "),
        "made a certificate: clients must trust the one in this file, such as by ca in [profile.tls]"
    );
    Ok(Tls::load(&files)?)
}

/// Takes the key away from everybody else. Whoever could read it before may still have it.
fn restrict(key: &Path) -> io::Result<()> {
    let mode = match fs::metadata(key) {
        Ok(metadata) => metadata.permissions().mode(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if mode & 0o777 & !PRIVATE == 0 {
        return Ok(());
    }
    tracing::warn!(
        file = %key.display(),
        "others could reach the server's own key, which is private again: if they may have read it, remove the file, and \
         give clients the new certificate"
    );
    fs::set_permissions(key, Permissions::from_mode(PRIVATE))
}

/// What a client may call this server: on this machine, as it listens, and as it was called before.
fn names(listen: &[ListenAddress], known: &str) -> Vec<String> {
    let own = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    let listened = listen.iter().filter_map(ListenAddress::client_host);
    let mut names = Vec::new();
    for name in own.into_iter().chain(listened).chain(known.lines().map(str::to_owned)) {
        add_name(&mut names, name);
    }
    names
}

/// Adds a name, unless it is there or no certificate can hold it.
fn add_name(names: &mut Vec<String>, name: String) {
    if ServerName::try_from(name.as_str()).is_ok() && !names.contains(&name) {
        names.push(name);
    }
}

fn known_names(directory: &Path) -> io::Result<String> {
    match fs::read_to_string(directory.join(NAMES)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read,
    }
}

/// The key of the last certificate, if it can be used.
fn known_key(path: &Path) -> Option<KeyPair> {
    KeyPair::from_pem(&fs::read_to_string(path).ok()?).ok()
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

/// A certificate, as PEM.
fn make(names: &[String], key: &KeyPair, now: SystemTime) -> Result<String, rcgen::Error> {
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
    Ok(parameters.self_signed(key)?.pem())
}

#[cfg(test)]
mod tests {
    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;
    use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

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
            self.provide_on("tide7", listen, now)
        }

        fn provide_on(&self, host: &str, listen: &[&str], now: SystemTime) -> Tls {
            let listen: Vec<ListenAddress> = listen.iter().map(|address| address.parse().unwrap()).collect();
            provide_on(host, self.0.path(), &listen, now).unwrap()
        }

        fn mode(&self, name: &str) -> u32 {
            fs::metadata(self.path(name)).unwrap().permissions().mode() & 0o777
        }

        fn certificate(&self) -> Vec<u8> {
            fs::read(self.path(CERTIFICATE)).unwrap()
        }
    }

    #[test]
    fn the_first_start_makes_a_private_pair_for_every_name() {
        let place = Place::new();
        let tls = place.provide(&["tide.example.org:1", "0.0.0.0:2", "[::]:2", "192.0.2.7:3"], SystemTime::now());
        for name in ["localhost", "127.0.0.1", "::1", "tide.example.org", "192.0.2.7", "tide7"] {
            assert!(tls.is_valid_for(name), "{name}");
        }
        assert!(!tls.is_valid_for("0.0.0.0") && !tls.is_valid_for("example.org"));
        assert!(tls.self_issued, "clients are told of it");
        assert_eq!([place.mode("."), place.mode(KEY), place.mode(CERTIFICATE)], [0o700, 0o600, 0o600]);
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
    fn a_new_name_of_the_machine_changes_nothing() {
        let place = Place::new();
        let now = SystemTime::now();
        place.provide_on("container-1", &["0.0.0.0:1"], now);
        let first = place.certificate();
        assert!(!place.provide_on("container-2", &["0.0.0.0:1"], now).is_valid_for("container-2"));
        assert_eq!(place.certificate(), first);
    }

    #[test]
    fn a_renewal_keeps_key_and_names() {
        let place = Place::new();
        let now = SystemTime::now();
        place.provide_on("container-1", &["tide.example.org:1", "192.0.2.7:1"], now);
        let (old, key) = (place.certificate(), fs::read(place.path(KEY)).unwrap());
        let renewed = place.provide_on("container-2", &["new.example.org:1"], now);
        for name in ["tide.example.org", "192.0.2.7", "container-1", "container-2", "new.example.org"] {
            assert!(renewed.is_valid_for(name), "{name}");
        }
        assert_eq!(fs::read(place.path(KEY)).unwrap(), key);
        let later = place.provide_on("container-3", &[], now + VALID - RENEWED_BEFORE + DAY);
        assert!(later.is_valid_for("192.0.2.7") && later.is_valid_for("new.example.org"));

        // Clients on rustls, this program's own among them, trust the key and not the one certificate.
        let [old, new] = [old, place.certificate()].map(|pem| CertificateDer::from_pem_slice(&pem).unwrap());
        assert_ne!(old, new);
        let anchor = anchor_from_trusted_cert(&old).unwrap();
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
        let time = (now + VALID).duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let new = EndEntityCert::try_from(&new).unwrap();
        let (time, usage) = (UnixTime::since_unix_epoch(time), KeyUsage::server_auth());
        new.verify_for_usage(algorithms, &[anchor], &[], time, usage, None, None).unwrap();
    }

    #[test]
    fn a_key_that_others_could_read_is_made_private() {
        let place = Place::new();
        let now = SystemTime::now();
        place.provide(&[], now);
        let certificate = place.certificate();
        for mode in [0o644, 0o640, 0o700] {
            fs::set_permissions(place.path(KEY), Permissions::from_mode(mode)).unwrap();
            place.provide(&[], now);
            assert_eq!(place.mode(KEY), 0o600, "{mode:o}");
        }
        assert_eq!(place.certificate(), certificate, "clients go on trusting it");
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
        assert_eq!(names(&listen, "höst\n\n::1\n"), ["localhost", "127.0.0.1", "::1", "tide.example.org"]);
        assert_eq!(names(&[], "tide7\n192.0.2.7"), ["localhost", "127.0.0.1", "::1", "tide7", "192.0.2.7"]);
        assert!(Place::new().provide_on("höst", &[], SystemTime::now()).is_valid_for("localhost"));
    }
}
