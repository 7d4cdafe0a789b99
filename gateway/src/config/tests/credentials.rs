//! Every fault that a directory of credentials can have.

use std::fs;

use tempfile::TempDir;

use super::{Home, UPLINK, enrol};

#[test]
fn every_fault_of_the_credentials_names_its_file() {
    let other = TempDir::new().unwrap();
    enrol(other.path(), "gw-2");
    let of_other = |name: &str| fs::read_to_string(other.path().join(name)).unwrap();
    let same = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let table = [
        (same("gateway.id", "GW 1"), "gateway.id: 'GW 1' is no gateway id"),
        (
            same("gateway.id", "gw-2"),
            "gateway.id: says 'gw-2', but client.crt was made out to 'gw-1': both must come",
        ),
        (same("ca.crt", ""), "ca.crt: holds no certificate in PEM form"),
        (
            same("ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "ca.crt: the certificate in it is damaged",
        ),
        (
            same("client.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            "client.crt: the certificate in it is damaged",
        ),
        (same("client.crt", &of_other("client.key")), "client.crt: holds no certificate in PEM form"),
        (same("client.key", &of_other("client.crt")), "client.key: holds no private key in PEM form"),
        (
            same("client.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
            "client.key: the key in it is damaged",
        ),
        (
            same("client.key", &of_other("client.key")),
            "client.crt: does not belong to the key in client.key: both must come",
        ),
        (
            same("sign.key", &of_other("hub-verify.key")),
            "sign.key: wrong key file (expected a line 'varde-sign ALGORITHM HEX', got varde-verify): copy",
        ),
        (
            same("open.key", &of_other("sign.key")),
            "open.key: wrong key file (expected a line 'varde-open ALGORITHM HEX', got varde-sign)",
        ),
        (
            same("hub-verify.key", "varde-verify ed25519 00"),
            "hub-verify.key: wrong key file (the varde-verify key is damaged",
        ),
        (
            same("hub-seal.key", "\n"),
            "hub-seal.key: wrong key file (expected a line 'varde-seal ALGORITHM HEX', got something else)",
        ),
    ];
    for ((name, text), expected) in table {
        let home = Home::new();
        home.write("a.toml", UPLINK);
        fs::write(home.credentials().join(&name), &text).unwrap();
        let faults = home.faults();
        assert_eq!(faults.len(), 1, "{name}: {faults:#?}");
        assert!(faults[0].starts_with(&format!("credentials/{expected}")), "{}", faults[0]);
        for secret in ["client.key", "sign.key", "open.key"].map(of_other) {
            assert!(
                secret
                    .split_whitespace()
                    .filter(|word| word.len() > 20)
                    .all(|word| !faults[0].contains(word))
            );
        }
    }
}

#[test]
fn every_missing_file_of_the_credentials_is_told_at_once() {
    let home = Home::new();
    home.write("a.toml", UPLINK);
    for file in fs::read_dir(home.credentials()).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let faults = home.faults();
    assert_eq!(faults.len(), 8);
    assert!(
        faults
            .iter()
            .all(|fault| fault.contains(": no such file: copy the whole directory that `varde-hub enrol`"))
    );
    fs::remove_dir(home.credentials()).unwrap();
    let faults = home.faults();
    assert_eq!(faults.len(), 1);
    assert!(
        faults[0].starts_with("credentials: no such directory: copy the whole directory"),
        "{}",
        faults[0]
    );
}
