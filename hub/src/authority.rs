//! The hub's own certificate authority: who may speak with the broker at all.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};
use varde_wire::WallTime;

use crate::{Directory, Error, clock, file};

/// The hub's common name on the broker, which no gateway may bear.
pub(crate) const HUB: &str = "hub";

const NAME: &str = "Varde hub authority";
const AUTHORITY_YEARS: i32 = 20;
/// Long, as nothing renews a certificate yet; `enrol --again` gives a new one.
const CERTIFICATE_YEARS: i32 = 5;

/// Signs certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

/// A new certificate and its key.
pub(crate) struct Issued {
    /// PEM.
    pub(crate) certificate: String,
    /// PKCS#8, PEM. Secret.
    pub(crate) key: zeroize::Zeroizing<String>,
    /// When it ends.
    pub(crate) end: WallTime,
}

impl Authority {
    /// A new authority: itself, and its own certificate and key.
    pub(crate) fn found() -> Result<(Self, Issued), Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let params = authority_params()?;
        let issued = issued(&params.self_signed(&key)?, &key, &params);
        Ok((Self { issuer: Issuer::new(params, key) }, issued))
    }

    /// The authority of a hub that exists.
    pub(crate) fn load(directory: &Directory) -> Result<Self, Error> {
        let path = directory.ca_key();
        let key =
            KeyPair::from_pem(&file::read(&path)?).map_err(|e| Error::Tls { path, what: e.to_string() })?;
        Ok(Self { issuer: Issuer::new(authority_params()?, key) })
    }

    /// A certificate for a broker that answers under these names and addresses.
    pub(crate) fn server(&self, hosts: &[String]) -> Result<Issued, Error> {
        let mut names = hosts.to_vec();
        for own in ["localhost", "127.0.0.1"] {
            if !names.iter().any(|name| name == own) {
                names.push(own.to_owned());
            }
        }
        let common = hosts.first().map_or("localhost", String::as_str);
        self.issue(CertificateParams::new(names)?, common, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A certificate for a client of the broker, known there by `name`.
    pub(crate) fn client(&self, name: &str) -> Result<Issued, Error> {
        let params = CertificateParams::new(Vec::new())?;
        self.issue(params, name, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        name: &str,
        purpose: ExtendedKeyUsagePurpose,
    ) -> Result<Issued, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        valid_for(&mut params, CERTIFICATE_YEARS);
        params.distinguished_name = common_name(name);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![purpose];
        params.use_authority_key_identifier_extension = true;
        Ok(issued(&params.signed_by(&key, &self.issuer)?, &key, &params))
    }
}

fn authority_params() -> Result<CertificateParams, Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    valid_for(&mut params, AUTHORITY_YEARS);
    params.distinguished_name = common_name(NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn issued(certificate: &Certificate, key: &KeyPair, params: &CertificateParams) -> Issued {
    Issued {
        certificate: certificate.pem(),
        key: key.serialize_pem().into(),
        end: WallTime::from_unix_millis(params.not_after.unix_timestamp().saturating_mul(1000)),
    }
}

/// From yesterday, as a gateway's clock may lag, until `years` from now.
fn valid_for(params: &mut CertificateParams, years: i32) {
    let today = clock::today();
    let day = |date: jiff::civil::Date| {
        date_time_ymd(date.year().into(), date.month().cast_unsigned(), date.day().cast_unsigned())
    };
    params.not_before = day(today.yesterday().unwrap_or(today));
    params.not_after = day(today.saturating_add(jiff::Span::new().years(years)));
}

fn common_name(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}
