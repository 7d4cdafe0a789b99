//! What the gateway is by: its id, its certificate and its keys, in a directory that `varde-hub enrol` wrote.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use rustls::{
    InconsistentKeys, RootCertStore,
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    sign::CertifiedKey,
};
use varde_wire::{BadKey, GatewayId, OpeningKey, SealingKey, SigningKey, VerifyingKey, WallTime};
use x509_parser::{certificate::X509Certificate, parse_x509_certificate};
use zeroize::Zeroizing;

use super::fault::{Fault, Place, Problem};

/// A gateway's identity and keys, each known to be of the right kind and to fit the others.
#[derive(Debug)]
pub struct Credentials {
    /// The gateway's id, which is its certificate's common name too.
    pub gateway: GatewayId,
    /// The authorities whose certificates a broker may show; at least one.
    pub ca: Vec<CertificateDer<'static>>,
    /// The gateway's certificate, and those between it and the broker's authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// The key of the certificate. For TLS alone.
    pub tls_key: PrivateKeyDer<'static>,
    /// Signs batches.
    pub sign: SigningKey,
    /// Opens commands.
    pub open: OpeningKey,
    /// Verifies the hub's receipts and commands.
    pub hub_verify: VerifyingKey,
    /// Seals entries to the hub.
    pub hub_seal: SealingKey,
    /// When the certificate begins to be valid.
    pub not_before: WallTime,
    /// When the certificate ends to be valid.
    pub not_after: WallTime,
    /// Secret files that every user of the box may read.
    pub exposed: Vec<PathBuf>,
}

const ID: &str = "gateway.id";
const CA: &str = "ca.crt";
const CERTIFICATE: &str = "client.crt";
const TLS_KEY: &str = "client.key";
const SIGN: &str = "sign.key";
const OPEN: &str = "open.key";
const HUB_VERIFY: &str = "hub-verify.key";
const HUB_SEAL: &str = "hub-seal.key";

impl Credentials {
    /// Reads `gateway.id`, `ca.crt`, `client.crt`, `client.key`, `sign.key`, `open.key`, `hub-verify.key` and
    /// `hub-seal.key` of a directory.
    ///
    /// # Errors
    /// Every fault of every file. That the certificate is not valid now is none: clocks are wrong more often
    /// than files, and both mend themselves.
    pub fn read(directory: &Path) -> Result<Self, Vec<Fault>> {
        let mut reader = Reader { directory, faults: Vec::new() };
        if let Err(error) = fs::read_dir(directory) {
            return Err(vec![reader.unreadable(directory, &error)]);
        }
        let gateway = reader.gateway();
        let ca = reader.authorities();
        let certificate = reader.certificate();
        let tls_key = reader.tls_key();
        let sign = reader.key(SIGN, SigningKey::from_text);
        let open = reader.key(OPEN, OpeningKey::from_text);
        let hub_verify = reader.key(HUB_VERIFY, VerifyingKey::from_text);
        let hub_seal = reader.key(HUB_SEAL, SealingKey::from_text);
        if let (Some(id), Some(certificate)) = (&gateway, &certificate) {
            reader.compare_names(id, &certificate.name);
        }
        if let (Some(certificate), Some(key)) = (&certificate, &tls_key) {
            reader.compare_keys(&certificate.chain, key);
        }
        match (gateway, ca, certificate, tls_key, sign, open, hub_verify, hub_seal) {
            (
                Some(gateway),
                Some(ca),
                Some(certificate),
                Some(tls_key),
                Some(sign),
                Some(open),
                Some(hub_verify),
                Some(hub_seal),
            ) if reader.faults.is_empty() => Ok(Self {
                gateway,
                ca,
                tls_key,
                sign,
                open,
                hub_verify,
                hub_seal,
                not_before: certificate.not_before,
                not_after: certificate.not_after,
                chain: certificate.chain,
                exposed: exposed(directory),
            }),
            _ => Err(reader.faults),
        }
    }

    /// Which file's certificates end first, and when: the gateway's own with those between, or the last authority.
    pub fn first_to_end(&self) -> (&'static str, WallTime) {
        let chain = self.chain.iter().filter_map(|der| ends(der)).min().unwrap_or(self.not_after);
        let authority = self.ca.iter().filter_map(|der| ends(der)).max();
        match authority {
            Some(authority) if authority < chain => (CA, authority),
            Some(_) | None => (CERTIFICATE, chain),
        }
    }
}

/// What is told by the gateway's certificate.
struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    name: String,
    not_before: WallTime,
    not_after: WallTime,
}

struct Reader<'a> {
    directory: &'a Path,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn gateway(&mut self) -> Option<GatewayId> {
        let text = self.text(ID)?;
        text.trim().parse().map_err(|error| self.fault(ID, Problem::Id(error))).ok()
    }

    fn authorities(&mut self) -> Option<Vec<CertificateDer<'static>>> {
        let chain = self.certificates(CA)?;
        for certificate in &chain {
            if let Err(error) = RootCertStore::empty().add(certificate.clone()) {
                self.fault(CA, Problem::Damaged { what: "certificate", error: error.to_string() });
                return None;
            }
        }
        Some(chain)
    }

    fn certificate(&mut self) -> Option<Certificate> {
        let chain = self.certificates(CERTIFICATE)?;
        match parse_x509_certificate(chain.first()?) {
            Ok((_, certificate)) => Some(Certificate {
                name: common_name(&certificate),
                not_before: WallTime::from_unix_millis(
                    certificate.validity().not_before.timestamp().saturating_mul(1000),
                ),
                not_after: WallTime::from_unix_millis(
                    certificate.validity().not_after.timestamp().saturating_mul(1000),
                ),
                chain,
            }),
            Err(error) => {
                self.fault(CERTIFICATE, Problem::Damaged { what: "certificate", error: error.to_string() });
                None
            }
        }
    }

    fn tls_key(&mut self) -> Option<PrivateKeyDer<'static>> {
        let text = self.text(TLS_KEY)?;
        let Ok(key) = PrivateKeyDer::from_pem_slice(text.as_bytes()) else {
            self.fault(TLS_KEY, Problem::NoPem { expected: "private key" });
            return None;
        };
        match any_supported_type(&key) {
            Ok(_) => Some(key),
            Err(error) => {
                self.fault(TLS_KEY, Problem::Damaged { what: "key", error: error.to_string() });
                None
            }
        }
    }

    fn key<T>(&mut self, name: &str, from_text: impl FnOnce(&str) -> Result<T, BadKey>) -> Option<T> {
        let text = self.text(name)?;
        from_text(&text).map_err(|error| self.fault(name, Problem::Key(error))).ok()
    }

    fn compare_names(&mut self, id: &GatewayId, name: &str) {
        if id.as_str() != name {
            let (id, name) = (id.to_string(), name.to_owned());
            self.fault(ID, Problem::NameMismatch { id, certificate: CERTIFICATE, name });
        }
    }

    fn compare_keys(&mut self, chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>) {
        let Ok(key) = any_supported_type(key) else { return };
        let problem = match CertifiedKey::new(chain.to_vec(), key).keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => return,
            Err(rustls::Error::InconsistentKeys(_)) => Problem::KeyMismatch { key: TLS_KEY },
            Err(error) => Problem::Damaged { what: "certificate", error: error.to_string() },
        };
        self.fault(CERTIFICATE, problem);
    }

    fn certificates(&mut self, name: &str) -> Option<Vec<CertificateDer<'static>>> {
        let text = self.text(name)?;
        let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>();
        match found {
            Ok(chain) if !chain.is_empty() => Some(chain),
            _ => {
                self.fault(name, Problem::NoPem { expected: "certificate" });
                None
            }
        }
    }

    fn text(&mut self, name: &str) -> Option<Zeroizing<String>> {
        let path = self.directory.join(name);
        match fs::read(&path).map(String::from_utf8) {
            Ok(Ok(text)) => Some(Zeroizing::new(text)),
            Ok(Err(_)) => {
                self.fault(name, Problem::NotUtf8);
                None
            }
            Err(error) => {
                let fault = self.unreadable(&path, &error);
                self.faults.push(fault);
                None
            }
        }
    }

    fn fault(&mut self, name: &str, problem: Problem) {
        self.faults.push(Fault { place: Place::file(&self.directory.join(name)), key: None, problem });
    }

    fn unreadable(&self, path: &Path, error: &io::Error) -> Fault {
        const MEND: &str = "copy the whole directory that `varde-hub enrol` wrote for this gateway to where \
                            uplink.credentials points";
        let what = if path == self.directory { "directory" } else { "file" };
        let problem = if error.kind() == io::ErrorKind::NotFound {
            Problem::Absent { what, mend: MEND }
        } else {
            Problem::Unreadable { error: error.to_string() }
        };
        Fault { place: Place::file(path), key: None, problem }
    }
}

fn ends(certificate: &CertificateDer<'_>) -> Option<WallTime> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    let seconds = certificate.validity().not_after.timestamp();
    Some(WallTime::from_unix_millis(seconds.saturating_mul(1000)))
}

fn common_name(certificate: &X509Certificate<'_>) -> String {
    let mut names = certificate.subject().iter_common_name();
    names.next().and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned()
}

fn exposed(directory: &Path) -> Vec<PathBuf> {
    // The directory itself may keep everybody out.
    let open = |path: &Path, bit: u32| fs::metadata(path).is_ok_and(|data| data.mode() & bit != 0);
    if !open(directory, 0o001) {
        return Vec::new();
    }
    [TLS_KEY, SIGN, OPEN]
        .map(|name| directory.join(name))
        .into_iter()
        .filter(|path| open(path, 0o004))
        .collect()
}
