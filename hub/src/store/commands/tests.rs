use varde_wire::{BoundedText, DeviceId, OpeningKey, SigningKey};

use super::*;
use crate::store::Enrolment;

const NOW: WallTime = WallTime::from_unix_millis(1_800_000_000_000);

struct Hub {
    _directory: tempfile::TempDir,
    store: Store,
    gateway: GatewayRow,
}

impl Hub {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut store = Store::open(&directory.path().join("hub.db")).unwrap();
        let gateway: GatewayId = "gw-1".parse().unwrap();
        let enrolment = Enrolment {
            gateway: gateway.clone(),
            verifying: SigningKey::ed25519(&[1; 32]).verifying_key(),
            sealing: OpeningKey::derive(&[2; 32]).sealing_key(),
            certificate_end: NOW,
            hub_key: [3; 8],
        };
        store.enrol(&enrolment, NOW).unwrap();
        let gateway = store.gateway(&gateway).unwrap().unwrap().row;
        Self { _directory: directory, store, gateway }
    }

    fn ask(&mut self) -> u64 {
        let new =
            NewCommand { gateway: self.gateway, device: "gateway", action: "identify", validity: (NOW, NOW) };
        let sign = |number: u64| Ok(SignedCommand::from_bytes(number.to_be_bytes().to_vec()));
        self.store.command::<StoreError>(&new, sign).unwrap()
    }

    fn hears(&self, number: u64, stage: Stage) -> String {
        let outcome = Outcome { number, device: DeviceId::gateway(), stage, note: BoundedText::default() };
        self.store.note_outcome(self.gateway, &outcome, NOW).unwrap();
        self.stage(number)
    }

    fn stage(&self, number: u64) -> String {
        self.store.progress(self.gateway, number).unwrap().map_or_else(String::new, |found| found.stage)
    }

    fn under_way(&self) -> Vec<Vec<u8>> {
        let unanswered = self.store.unanswered().unwrap();
        unanswered.iter().map(|command| command.signed.as_bytes().to_vec()).collect()
    }
}

#[test]
fn of_each_gateway_the_next_command_goes_when_the_one_before_it_is_answered_or_out_of_time() {
    let mut hub = Hub::new();
    assert_eq!([hub.ask(), hub.ask(), hub.ask()], [1, 2, 3]);
    let bytes = |number: u64| vec![number.to_be_bytes().to_vec()];
    assert_eq!(hub.under_way(), bytes(1));
    let row = hub.store.unanswered().unwrap()[0].row;
    hub.store.note_sent(row, NOW).unwrap();
    assert_eq!((hub.under_way(), hub.stage(1)), (bytes(1), "sent".to_owned()));
    hub.hears(1, Stage::Accepted);
    assert_eq!(hub.under_way(), bytes(2));
    let row = hub.store.unanswered().unwrap()[0].row;
    hub.store.note_unanswered(row, NOW).unwrap();
    assert_eq!((hub.under_way(), hub.stage(2)), (bytes(3), "unanswered".to_owned()));
    assert_eq!(hub.hears(2, Stage::Done), "done", "its answer was only late");
}

#[test]
fn a_later_stage_wins_whatever_the_order_they_come_in() {
    let mut hub = Hub::new();
    let number = hub.ask();
    assert_eq!(hub.hears(number, Stage::Delivered), "delivered");
    assert_eq!(hub.hears(number, Stage::Accepted), "delivered");
    assert_eq!(hub.hears(number, Stage::Refused(Cause::Busy)), "refused");
    assert_eq!(hub.hears(number, Stage::Done), "refused", "what is final stays");
    assert_eq!(hub.hears(99, Stage::Done), "", "a number that this hub never gave");
}

#[test]
fn a_hub_that_forgot_goes_on_behind_what_the_gateway_has() {
    let mut hub = Hub::new();
    let number = hub.ask();
    assert_eq!(hub.hears(number, Stage::Refused(Cause::OutOfOrder { highest: 70 })), "refused");
    assert_eq!([hub.ask(), hub.ask()], [71, 72]);
}
