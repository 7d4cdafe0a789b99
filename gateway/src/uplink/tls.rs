//! Who is trusted, and what time it is: TLS 1.2/1.3 with certificates on both sides, the hub's own CA and
//! nobody else's.

use std::io;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::UnixTime;
use rustls::time_provider::TimeProvider;
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::UplinkError;
use crate::clock::Clocks;
use crate::config::Credentials;

/// The configuration of every connection.
///
/// # Errors
/// Where the credentials do not make one; `varde check` finds the same.
pub fn configuration(credentials: &Credentials, clocks: Arc<Clocks>) -> Result<ClientConfig, UplinkError> {
    let mut roots = RootCertStore::empty();
    for certificate in &credentials.ca {
        roots.add(certificate.clone()).map_err(|e| UplinkError::Tls(format!("ca.crt: {e}")))?;
    }
    let provider = Arc::new(ring::default_provider());
    let mut configuration = ClientConfig::builder_with_details(provider, Arc::new(TrustedTime(clocks)))
        .with_safe_default_protocol_versions()
        .map_err(|e| UplinkError::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_client_auth_cert(credentials.chain.clone(), credentials.tls_key.clone_key())
        .map_err(|e| UplinkError::Tls(format!("client.crt and client.key: {e}")))?;
    // A resumed session would carry the certificate of before a renewal.
    configuration.resumption = Resumption::disabled();
    Ok(configuration)
}

/// Certificates are checked against the latest of system time, build time and the last time known to be right:
/// a box that woke in 1970 must still get its alarms out.
#[derive(Debug)]
struct TrustedTime(Arc<Clocks>);

impl TimeProvider for TrustedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from(self.0.certificate_time().as_unix_millis()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(ms)))
    }
}

/// What a failed handshake means for a technician.
#[expect(clippy::wildcard_enum_match_arm, reason = "rustls has many errors, and advice for few of them")]
pub fn explain(error: &io::Error) -> UplinkError {
    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return UplinkError::Tls(format!("the broker ended the handshake: {error}"));
    };
    let advice = match tls {
        rustls::Error::InvalidCertificate(fault) => match fault {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "; the broker's certificate has expired: its operator must renew it"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "; the broker's certificate is not valid yet: is this box's clock right?"
            }
            // Every hub's CA has the same name, so that of another hub is found and does not fit.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "; ca.crt is not of the CA that signed the broker's certificate"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "; uplink.broker must be a name that stands in the broker's certificate"
            }
            _ => "",
        },
        rustls::Error::AlertReceived(_) => {
            "; the broker does not accept client.crt: is it expired, or enrolled with another hub?"
        }
        _ => "",
    };
    UplinkError::Tls(format!("{tls}{advice}"))
}
