//! TLS settings of a connection.

use std::path::{Path, PathBuf};
use std::sync::Once;

use reqwest::{Certificate, ClientBuilder, Identity};

use crate::error::{Error, Result};

/// How the server's certificate is checked, and which one the client shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// Do not verify the server's certificate.
    pub insecure: bool,
    /// PEM bundle of the only trusted authorities; `None` = those of the system.
    pub ca: Option<PathBuf>,
    /// PEM file with the client's certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file with the client's key.
    pub key: Option<PathBuf>,
}

impl TlsOptions {
    pub(crate) fn apply(&self, mut builder: ClientBuilder) -> Result<ClientBuilder> {
        use_ring();
        if let Some(path) = &self.ca {
            builder = trust(builder.tls_built_in_root_certs(false), path)?;
        }
        match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                let mut pem = read(certificate)?;
                pem.push(b'\n');
                pem.extend(read(key)?);
                let identity = Identity::from_pem(&pem)
                    .map_err(|_| Error::Tls("the client certificate and key are not valid PEM".to_owned()))?;
                builder = builder.identity(identity);
            }
            (None, None) => {}
            _ => return Err(Error::Tls("a client certificate needs both certificate and key".to_owned())),
        }
        Ok(builder.danger_accept_invalid_certs(self.insecure))
    }

    /// For a server that these settings do not describe: its certificate is verified, by the authorities of the system
    /// and those of `ca`, and it is shown no client certificate.
    pub(crate) fn trust_too(&self, builder: ClientBuilder) -> Result<ClientBuilder> {
        use_ring();
        match &self.ca {
            Some(path) => trust(builder, path),
            None => Ok(builder),
        }
    }
}

fn trust(mut builder: ClientBuilder, path: &Path) -> Result<ClientBuilder> {
    let pem = read(path)?;
    let authorities = Certificate::from_pem_bundle(&pem)
        .map_err(|_| Error::Tls(format!("{} is not a bundle of PEM certificates", path.display())))?;
    if authorities.is_empty() {
        return Err(Error::Tls(format!("{} contains no certificate", path.display())));
    }
    for authority in authorities {
        builder = builder.add_root_certificate(authority);
    }
    Ok(builder)
}

/// The HTTP library asks for the process's default provider; whoever has set one already keeps it.
fn use_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Lost only against another thread that has just set one, which is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
    });
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|reason| Error::TlsFile { path: path.to_owned(), reason })
}
