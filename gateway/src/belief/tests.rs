use std::path::Path;

use varde_wire::{Action, Command, DeviceId, Lane, OpeningKey, SigningKey, Verdict, WallTime};

use super::*;
use crate::config::Credentials;
use crate::config::tests::{Home, UPLINK};

/// A pair of the hub's, all of it made of one byte.
struct Pair(SigningKey, HubKeys);

fn pair(byte: u8) -> Pair {
    let (signing, opening) = (SigningKey::ed25519(&[byte; 32]), OpeningKey::derive(&[byte; 32]));
    let keys = HubKeys { verifying: signing.verifying_key(), sealing: opening.sealing_key() };
    Pair(signing, keys)
}

/// A gateway's state directory and credentials, of which the hub's keys can be others.
struct Disk {
    home: Home,
    credentials: Credentials,
}

impl Disk {
    fn new() -> Self {
        let home = Home::new();
        home.write("10-home.toml", UPLINK);
        let credentials = crate::config::Settings::load(&home.config()).unwrap().uplink.credentials;
        Self { home, credentials }.enrolled(&pair(1))
    }

    /// With keys of its own that are new, as enrolling gives them.
    fn enrolled_again(mut self, with: &Pair) -> Self {
        self.credentials.sign = SigningKey::ed25519(&[99; 32]);
        self.enrolled(with)
    }

    fn enrolled(mut self, with: &Pair) -> Self {
        self.credentials.hub_verify = with.1.verifying.clone();
        self.credentials.hub_seal = with.1.sealing.clone();
        self
    }

    fn state(&self) -> std::path::PathBuf {
        self.home.config().parent().unwrap().to_owned()
    }

    fn known(&self, directory: &Path) -> KnownHub {
        KnownHub::read(directory, &self.credentials)
    }

    /// What the next life believes.
    fn begin(&self) -> Belief {
        Belief::new(self.credentials.gateway.clone(), self.known(&self.state()))
    }
}

impl Belief {
    fn obeys(&self, hub: &Pair) -> bool {
        let command = Command { device: DeviceId::gateway(), action: Action::Diagnose };
        let validity = (WallTime::from_unix_millis(0), WallTime::from_unix_millis(1));
        let to = (&self.gateway, &OpeningKey::derive(&[9; 32]).sealing_key());
        let signed = command.sign(&hub.0, to, 1, validity, [8; 32]).unwrap();
        self.command(&signed).is_ok()
    }

    fn takes_receipts_of(&self, hub: &Pair) -> bool {
        let verdict = Verdict::Stored { number: 0, hash: varde_wire::Hash::NONE, through: 0 };
        let chain = varde_wire::ChainId::from_bytes([0; 16]);
        let receipt = Receipt { gateway: self.gateway.clone(), lane: Lane::Urgent, chain, verdict };
        self.receipt(&receipt.sign(&hub.0).unwrap()).is_ok()
    }
}

/// With one thread that waits for the disk: what is asked of it is done in that order.
fn in_order(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.max_blocking_threads(1).build().unwrap().block_on(test);
}

#[test]
fn a_change_counts_from_the_next_life_and_the_hub_is_believed_all_the_way() {
    in_order(async {
        let (disk, one, two) = (Disk::new(), pair(1), pair(2));
        let belief = disk.begin();
        assert!(belief.obeys(&one) && !belief.obeys(&two));
        assert!(belief.change(two.1.clone()).await.unwrap());
        assert!(belief.obeys(&one) && !belief.obeys(&two), "not yet");

        let belief = disk.begin();
        assert_eq!(*belief.keys(), two.1);
        assert!(belief.obeys(&one), "the hub may not know yet that we know");
        assert!(disk.begin().obeys(&one), "nor after another start");
        assert!(belief.takes_receipts_of(&two));
        assert!(!belief.obeys(&one) && !belief.takes_receipts_of(&one), "it has given that key up");
        assert!(!belief.change(two.1.clone()).await.unwrap(), "nothing to change");
        // Which came behind what the receipt had to write.
        assert!(!disk.begin().obeys(&one), "nor is it believed in later lives");
    });
}

#[test]
fn a_change_is_not_undone_by_the_end_of_the_change_before() {
    in_order(async {
        let (disk, two, three) = (Disk::new(), pair(2), pair(3));
        disk.begin().change(two.1.clone()).await.unwrap();
        let belief = disk.begin();
        belief.change(three.1.clone()).await.unwrap();
        assert!(belief.takes_receipts_of(&two));
        belief.change(three.1.clone()).await.unwrap();
        assert_eq!(*disk.begin().keys(), three.1);
        assert!(disk.begin().obeys(&two), "what is believed now is the key before");
    });
}

/// With the first pair too: the hub may have lost the one that it had changed to.
#[test]
fn whoever_is_enrolled_again_knows_the_hub_by_what_it_was_given_then() {
    in_order(async {
        for given in [pair(1), pair(3)] {
            let disk = Disk::new();
            disk.begin().change(pair(2).1).await.unwrap();
            let disk = disk.enrolled_again(&given);
            assert_eq!(*disk.begin().keys(), given.1);
            assert!(disk.begin().obeys(&given) && !disk.begin().obeys(&pair(2)));
            assert_eq!(disk.known(&disk.state()).changed_in(), None);
        }
    });
}

#[test]
fn a_file_that_makes_no_sense_is_told_and_can_be_mended_by_the_hub() {
    in_order(async {
        let (disk, one) = (Disk::new(), pair(1));
        for text in ["\0\0\0", "verifying = 1", "enrolment = \"varde-verify ed25519 00\""] {
            std::fs::write(disk.state().join("hub-keys.toml"), text).unwrap();
            let damage = disk.known(&disk.state()).damage.unwrap();
            assert!(damage.contains("hub-keys.toml: ") && damage.lines().count() == 1, "{damage}");
            assert_eq!(*disk.begin().keys(), one.1);
        }
        assert!(disk.begin().change(one.1.clone()).await.unwrap(), "it is written again");
        assert_eq!(disk.known(&disk.state()).damage, None);

        let nowhere = disk.state().join("gone");
        let belief = Belief::new(disk.credentials.gateway.clone(), disk.known(&nowhere));
        assert!(belief.change(pair(2).1).await.is_err());
        assert!(belief.obeys(&one));
    });
}
