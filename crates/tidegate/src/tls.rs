//! The server's certificate, and what clients need to know of it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::{Error as PemError, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::TlsAcceptor;
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::config::TlsFiles;
use crate::exposure;

const LARGEST_FILE: u64 = 1024 * 1024;

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("cannot read {}: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: io::Error },
    #[error("{} has more than {LARGEST_FILE} bytes", path.display())]
    TooLarge { path: PathBuf },
    #[error("{} holds no certificates in PEM form: give the certificate chain, the server's own first", path.display())]
    NoCertificate { path: PathBuf },
    #[error("{} holds no private key in PEM form", path.display())]
    NoKey { path: PathBuf },
    #[error("cannot use the certificate in {}: {reason}", path.display())]
    Certificate { path: PathBuf, reason: webpki::Error },
    #[error("cannot use the certificate in {} with the key in {}: {reason}", certificates.display(), key.display())]
    Pair { certificates: PathBuf, key: PathBuf, reason: rustls::Error },
}

/// A certificate with its key, ready to be shown.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    /// Absolute path of the certificates.
    pub(crate) certificates: PathBuf,
    /// Whether the chain ends in a certificate that vouches for itself, so that clients must be told of it.
    pub(crate) self_issued: bool,
    /// The first full host name that the certificate is for.
    pub(crate) host_name: Option<String>,
    own: CertificateDer<'static>,
}

impl Tls {
    /// Reads and checks certificates and key: TLS 1.2 or 1.3, HTTP/2 or HTTP/1.1.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        let path = &files.certificates;
        let chain = CertificateDer::pem_slice_iter(&read(path)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|_: PemError| TlsError::NoCertificate { path: path.clone() })?;
        let own = chain.first().cloned().ok_or_else(|| TlsError::NoCertificate { path: path.clone() })?;
        let key = PrivateKeyDer::from_pem_slice(&read(&files.key)?);
        let key = key.map_err(|_: PemError| TlsError::NoKey { path: files.key.clone() })?;
        warn_if_shared(&files.key);

        let parsed = chain.iter().map(EndEntityCert::try_from).collect::<Result<Vec<_>, _>>();
        let parsed = parsed.map_err(|reason| TlsError::Certificate { path: path.clone(), reason })?;
        let self_issued = parsed.iter().any(|certificate| certificate.issuer() == certificate.subject());
        let host_name = parsed.first().and_then(|own| own.valid_dns_names().find(|name| !name.contains('*')));
        let host_name = host_name.map(str::to_owned);
        drop(parsed);

        let pair_error = |reason| TlsError::Pair { certificates: path.clone(), key: files.key.clone(), reason };
        let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(pair_error)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair_error)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let certificates = path.canonicalize().map_err(|reason| TlsError::Unreadable { path: path.clone(), reason })?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), certificates, self_issued, host_name, own })
    }

    /// Whether clients that ask for this host will accept the certificate.
    pub(crate) fn is_valid_for(&self, host: &str) -> bool {
        let Ok(own) = EndEntityCert::try_from(&self.own) else { return false };
        ServerName::try_from(host).is_ok_and(|name| own.verify_is_valid_for_subject_name(&name).is_ok())
    }

    /// Whether clients that trust this very certificate will accept it at that time.
    pub(crate) fn is_accepted_by_itself(&self, time: UnixTime) -> bool {
        let (Ok(own), Ok(anchor)) = (EndEntityCert::try_from(&self.own), anchor_from_trusted_cert(&self.own)) else {
            return false;
        };
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms.all;
        own.verify_for_usage(algorithms, &[anchor], &[], time, KeyUsage::server_auth(), None, None).is_ok()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let unreadable = |reason| TlsError::Unreadable { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.len() > LARGEST_FILE {
        return Err(TlsError::TooLarge { path: path.to_owned() });
    }
    fs::read(path).map_err(unreadable)
}

fn warn_if_shared(key: &Path) {
    if let Some(who) = fs::metadata(key).ok().as_ref().and_then(exposure::of_secret) {
        tracing::warn!(file = %key.display(), "{who} can reach the private key for TLS: make its mode 0600");
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    struct Files {
        directory: tempfile::TempDir,
        files: TlsFiles,
    }

    fn files(certificates: &str, key: &str) -> Files {
        let directory = tempfile::tempdir().unwrap();
        let files = TlsFiles { certificates: directory.path().join("cert.pem"), key: directory.path().join("key.pem") };
        fs::write(&files.certificates, certificates).unwrap();
        fs::write(&files.key, key).unwrap();
        Files { directory, files }
    }

    fn names(names: &[&str]) -> CertificateParams {
        CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    fn error(certificates: &str, key: &str) -> TlsError {
        match Tls::load(&files(certificates, key).files) {
            Ok(_) => panic!("this must not load"),
            Err(error) => error,
        }
    }

    #[test]
    fn a_self_issued_certificate_is_recognised() {
        let key = KeyPair::generate().unwrap();
        let certificate = names(&["*.example.org", "tide.example.org", "127.0.0.1"]).self_signed(&key).unwrap();
        let files = files(&certificate.pem(), &key.serialize_pem());
        let tls = Tls::load(&files.files).unwrap();
        assert!(tls.self_issued);
        assert_eq!(tls.host_name.as_deref(), Some("tide.example.org"));
        assert!(tls.certificates.starts_with(files.directory.path().canonicalize().unwrap()));
        for (host, valid) in [
            ("tide.example.org", true),
            ("x.example.org", true),
            ("127.0.0.1", true),
            ("localhost", false),
            ("::1", false),
            ("not a host", false),
        ] {
            assert_eq!(tls.is_valid_for(host), valid, "{host}");
        }
    }

    #[test]
    fn a_certificate_of_an_authority_is_not_self_issued_unless_the_authority_is_in_the_file() {
        let mut authority = names(&[]);
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "an authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = names(&["localhost"]).signed_by(&key, &authority).unwrap().pem();
        let load = |chain: &str| Tls::load(&files(chain, &key.serialize_pem()).files).unwrap();
        assert!(!load(&own).self_issued);
        assert!(load(&format!("{own}{}", authority.as_ref().pem())).self_issued);
    }

    #[test]
    fn unusable_files_are_named() {
        let [key, other] = [(); 2].map(|()| KeyPair::generate().unwrap());
        let certificate = names(&["localhost"]).self_signed(&key).unwrap().pem();
        let key = key.serialize_pem();
        assert!(matches!(error("", &key), TlsError::NoCertificate { .. }));
        assert!(matches!(error(&key, &key), TlsError::NoCertificate { .. }));
        assert!(matches!(error(&certificate, &certificate), TlsError::NoKey { .. }));
        assert!(matches!(error(&certificate, &other.serialize_pem()), TlsError::Pair { .. }));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(error(broken, &key), TlsError::Certificate { .. }));
        let missing = TlsFiles { certificates: "/nowhere/cert.pem".into(), key: "/nowhere/key.pem".into() };
        assert!(matches!(Tls::load(&missing), Err(TlsError::Unreadable { .. })));
    }
}
