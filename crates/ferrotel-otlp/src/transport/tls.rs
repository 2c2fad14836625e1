//! TLS: whom to trust, and who we are.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

/// Certificates and keys, parsed. The default trusts the system's authorities and shows no certificate.
#[derive(Default)]
pub(crate) struct Identity {
    /// The authorities to trust; `None`: the system's.
    authorities: Option<Vec<CertificateDer<'static>>>,
    /// What the client shows (mutual TLS).
    client: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// What is wrong with a PEM file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadPem {
    NoCertificate,
    NoKey,
    Malformed,
    KeyDoesNotFit,
}

impl Identity {
    /// Trusts the authorities in this PEM text, and no others.
    pub fn trust(&mut self, pem: &[u8]) -> Result<(), BadPem> {
        let authorities = certificates(pem)?;
        RootCertStore::empty()
            .add_parsable_certificates(authorities.iter().cloned())
            .0
            .checked_sub(1)
            .ok_or(BadPem::Malformed)?;
        self.authorities = Some(authorities);
        Ok(())
    }

    /// Shows this chain, proved by this key. `key` may be the same text as `chain`.
    pub fn show(&mut self, chain: &[u8], key: &[u8]) -> Result<(), BadPem> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => BadPem::NoKey,
            _ => BadPem::Malformed,
        })?;
        // Made here and thrown away, so that a mismatch shows at configuration and not at the first export.
        builder()
            .map_err(|_| BadPem::KeyDoesNotFit)?
            .with_root_certificates(RootCertStore::empty())
            .with_client_auth_cert(chain.clone(), key.clone_key())
            .map_err(|_| BadPem::KeyDoesNotFit)?;
        self.client = Some((chain, key));
        Ok(())
    }

    /// The configuration for connections that speak `protocol` inside TLS.
    pub fn client_config(&self, protocol: &[u8]) -> Result<Arc<ClientConfig>, rustls::Error> {
        let builder = builder()?.with_root_certificates(self.roots());
        let mut config = match &self.client {
            Some((chain, key)) => builder.with_client_auth_cert(chain.clone(), key.clone_key())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Arc::new(config))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        match &self.authorities {
            Some(authorities) => roots.add_parsable_certificates(authorities.iter().cloned()),
            None => roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs),
        };
        if roots.is_empty() {
            // A small container image without the system's certificates.
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        roots
    }
}

/// A configuration for connections that never use TLS: it trusts nobody.
pub(super) fn unused() -> Result<Arc<ClientConfig>, rustls::Error> {
    Ok(Arc::new(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()))
}

type Builder = rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>;

fn builder() -> Result<Builder, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, BadPem> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(BadPem::NoCertificate),
        Ok(found) => Ok(found),
        Err(_) => Err(BadPem::Malformed),
    }
}

impl fmt::Display for BadPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadPem::NoCertificate => "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)",
            BadPem::NoKey => "it holds no private key in PEM form (-----BEGIN PRIVATE KEY-----), or an encrypted one",
            BadPem::Malformed => "its PEM is malformed",
            BadPem::KeyDoesNotFit => "the private key does not belong to the certificate, or is of an unknown kind",
        })
    }
}
