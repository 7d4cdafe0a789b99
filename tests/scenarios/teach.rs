//! A technician teaches a sender in on the stick on which a running gateway listens.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};
use varde_tests::sim::{
    enocean::Telegram,
    home::{Device, Home, PENDANT, Plan},
};

const LIMIT: Duration = Duration::from_secs(60);
/// How often somebody presses the learn button.
const AGAIN: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_sender_is_taught_in_and_the_gateway_hears_again_without_a_restart() {
    let devices = vec![Device::pendant("pendant-1", PENDANT)];
    let home = Home::start(Plan { devices, direct: true, ..Plan::default() }).await.unwrap();
    home.press().await.unwrap();
    let alarms =
        |expected: u64| move |status: &Value| status["devices"]["pendant-1"]["observations"] == expected;
    home.gateway.wait_for("the alarm before", LIMIT, alarms(1)).await.unwrap();

    let mut command = home.gateway.command();
    command.args(["devices", "teach"]).arg(home.stick.path()).args(["--as", "hall-1", "--seconds", "60"]);
    command.arg("--config").arg(home.gateway.configuration()).kill_on_drop(true);
    // The link telegram of an occupancy sensor: A5-07-01, by EnOcean.
    let (rorg, payload, sender) = (0xA5, vec![0x1C, 0x08, 0x0B, 0x80], [0x05, 0x12, 0x34, 0x56]);
    let shown = Telegram { rorg, payload, sender, status: 0, subtelegrams: 1, dbm: 61 };
    let showing = async {
        loop {
            home.stick.hear(&shown).await.unwrap();
            sleep(AGAIN).await;
        }
    };
    let output = tokio::select! {
        () = showing => unreachable!("it is pressed for ever"),
        output = timeout(LIMIT, command.output()) => output.unwrap().unwrap(),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("the gateway does not hear pendant-1"), "{said}");
    assert!(said.contains("05123456: -61 dBm, profile A5-07-01, maker 00B"), "{said}");
    let file = std::fs::read_to_string(home.gateway.configuration().join("hall-1.toml")).unwrap();
    for key in ["name = \"hall-1\"", "protocol = \"esp3\"", "id = \"05123456\"", "profile = \"A5-07-01\""] {
        assert!(file.contains(key), "{file}");
    }

    home.press().await.unwrap();
    home.gateway.wait_for("the alarm after", LIMIT, alarms(2)).await.unwrap();
}
