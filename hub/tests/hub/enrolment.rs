//! What `init` and `enrol` write.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::gateway::Hub;
use varde_hub::{Directory, Enrol, Signature};
use varde_wire::OpeningKey;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_gateway_gets_its_credentials_and_nobody_else_may_read_the_secrets() {
    let hub = Hub::new();
    let gateway = hub.enrol("gw-1", Signature::Es256, false);
    let mut names: Vec<String> = std::fs::read_dir(&gateway.credentials)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = [
        "ca.crt",
        "client.crt",
        "client.key",
        "gateway.id",
        "hub-seal.key",
        "hub-verify.key",
        "open.key",
        "sign.key",
    ];
    assert_eq!(names, expected);
    assert_eq!(mode(&gateway.credentials), 0o700);
    for secret in ["client.key", "open.key", "sign.key"] {
        assert_eq!(mode(&gateway.credentials.join(secret)), 0o600);
    }
    let text = |name: &str| std::fs::read_to_string(gateway.credentials.join(name)).unwrap();
    assert!(text("sign.key").starts_with("varde-sign es256 "));
    assert!(text("client.key").starts_with("-----BEGIN PRIVATE KEY-----"));
    OpeningKey::from_text(&text("open.key")).unwrap();
    let keys = hub.directory.keys().unwrap();
    assert_eq!(keys.newest().signing.verifying_key(), gateway.hub_verify);
    assert_eq!(keys.newest().opening.sealing_key(), gateway.hub_seal);

    let root = hub.root.path().join("hub");
    assert_eq!((mode(&root), mode(&hub.database())), (0o700, 0o600));
    for secret in ["ca.key", "client.key", "keys/1/open.key", "keys/1/sign.key", "broker/server.key"] {
        assert_eq!(mode(&root.join(secret)), 0o600);
    }
}

#[test]
fn neither_a_hub_nor_a_gateway_is_made_twice_by_mistake() {
    let hub = Hub::new();
    let root = hub.root.path().join("hub");
    assert_eq!(varde_hub::init(&root, &["localhost".to_owned()]).unwrap_err().exit_code(), 73);
    hub.enrol("gw-1", Signature::Ed25519, false);
    let enrol = |id: &str, again| {
        let gateway = id.parse().unwrap();
        let out = hub.root.path().join("out");
        let enrol = Enrol { gateway, out, signature: Signature::Ed25519, again };
        varde_hub::enrol(&hub.directory, &hub.database(), &enrol)
    };
    assert_eq!(enrol("gw-1", false).unwrap_err().exit_code(), 73);
    assert_eq!(enrol("hub", false).unwrap_err().exit_code(), 78);
    enrol("gw-1", true).unwrap();
    assert_eq!(Directory::open(hub.root.path()).unwrap_err().exit_code(), 78);
}
