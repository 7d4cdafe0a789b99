//! Every driver behind a bad line, on which bytes come split, merged, slow and garbled: what arrives whole is told once and
//! in order, what is damaged is never told, and it goes on afterwards.

use futures_util::future::join_all;
use varde_tests::sim::{
    enocean::{Rocker, Telegram},
    home::{DOOR, Device, PENDANT, alarms, doors},
};

use super::*;

/// A hand that presses again is slower than the echoes of one press.
const BETWEEN_PRESSES: Duration = Duration::from_millis(150);
/// How often an oximeter looks for an acknowledgement.
const SOON: Duration = Duration::from_millis(5);

#[tokio::test]
async fn every_telegram_is_told_once_and_no_alarm_is_made_of_noise() {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("door-1", DOOR)];
    let home = Home::start(Plan { devices, direct: true, ..Plan::default() }).await.unwrap();
    home.stick.opened().await.unwrap();
    let door = [false, true].map(|closed| Telegram::contact(DOOR, closed));
    let mut bad = BadLine::seeded(11);
    let mut moves = 0;
    for injury in Injury::ALL {
        let times = if injury == Injury::Slow { 1 } else { 10 };
        let mut telegrams: Vec<_> = std::iter::repeat_n(&door, times).flatten().cloned().collect();
        moves += telegrams.len();
        telegrams.insert(1, Telegram::pressed(PENDANT, Rocker::Ai));
        telegrams.push(Telegram::released(PENDANT));
        home.stick.hear_badly(&mut bad, injury, &telegrams).await.unwrap();
        sleep(BETWEEN_PRESSES).await;
    }
    // Whole telegrams alone are the end: what was held back is told by now.
    home.door(false).await.unwrap();
    let all = |seen: &[Value]| doors(seen) > moves as u64;
    home.hub.wait_for("the last door", LIMIT, all).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!(alarms(&seen), Injury::ALL.len() as u64);
    let expected = ["door-opened", "door-closed"].into_iter().cycle().take(moves + 1);
    assert_eq!(said(&seen, "door-1"), expected.collect::<Vec<_>>());
}

/// Format 8 has no checksum. It can tell damage by the highest bits alone, which mark where a packet begins; what is damaged
/// below them is told as it stands, and noise can be a packet. So its line flips highest bits.
#[tokio::test]
async fn no_number_of_an_oximeter_is_made_of_noise_in_any_format_that_streams() {
    let ports = ports();
    let oximeter = |format: &'static str, packet, bad| {
        let port = ports.path().join(format);
        let tty = Tty::plug_in(&port, bad).unwrap();
        let table = table(format, "nonin", &port, &format!("profile = '{format}'"));
        (Oximeter { name: format, packet, tty }, table)
    };
    let (mut oximeters, tables): (Vec<_>, Vec<_>) = [
        oximeter("data-format-2", |spo2, rate| oximeter::format_2(spo2, rate, true), BadLine::seeded(21)),
        oximeter("data-format-7", |spo2, rate| oximeter::format_7(spo2, rate, true), BadLine::seeded(22)),
        oximeter("data-format-8", oximeter::format_8, BadLine::seeded(23).only_in_the_highest_bit()),
    ]
    .into_iter()
    .unzip();
    let home = home(&tables.concat()).await;
    for Oximeter { tty, .. } in &mut oximeters {
        tty.opened().await.unwrap();
    }
    let names = oximeters.iter().map(|oximeter| oximeter.name).collect::<Vec<_>>();
    let mut expected = Vec::new();
    for (spo2, rate) in [(97, 72), (88, 110)] {
        expected.push([spo2.to_string(), rate.to_string()]);
        let began = Instant::now();
        loop {
            through_every_injury(&mut oximeters, spo2, rate).await;
            let seen = home.hub.show(0).await.unwrap();
            if names.iter().all(|name| numbers(&seen, name) == expected) {
                break;
            }
            assert!(began.elapsed() < LIMIT, "expected {expected:?}, got {seen:#?}");
        }
    }
    through_every_injury(&mut oximeters, 88, 110).await;
    home.drained(LIMIT).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    for name in names {
        assert_eq!(numbers(&seen, name), expected, "{name}");
        assert!(status["devices"][name]["refused_frames"].as_u64().unwrap() > 0, "{name}: {status:#}");
    }
}

/// The oximeter forgets what is acknowledged, so it has to outlive a gateway that is killed at that very moment.
#[tokio::test]
async fn each_spot_check_is_acknowledged_once_it_is_kept_and_no_damaged_one_is() {
    let ports = ports();
    let port = ports.path().join("oximeter");
    let mut oximeter = Tty::plug_in(&port, BadLine::seeded(31)).unwrap();
    let mut home = home(&table("oximeter-1", "nonin", &port, "profile = 'data-format-13'")).await;
    let mut expected = Vec::new();
    for (first, injury) in (90..).step_by(2).zip(Injury::ALL) {
        oximeter.opened().await.unwrap();
        let spot_checks = [first, first + 1].map(|spo2| oximeter::format_13(spo2, 72));
        expected.extend([first, first + 1].map(|spo2| [spo2.to_string(), "72".to_owned()]));
        oximeter.say_badly(injury, &spot_checks).await.unwrap();
        let mut heard = Vec::new();
        let began = Instant::now();
        while heard.len() < spot_checks.len() {
            heard.extend(oximeter.heard().unwrap());
            assert!(began.elapsed() < LIMIT, "{injury:?}: got {heard:?}");
            sleep(SOON).await;
        }
        home.gateway.kill().await.unwrap();
        heard.extend(oximeter.heard().unwrap());
        assert_eq!(heard, [oximeter::ACKNOWLEDGEMENT; 2], "{injury:?}");
        home.gateway.start().await.unwrap();
    }
    home.drained(LIMIT).await.unwrap();
    assert_eq!(numbers(&home.hub.show(0).await.unwrap(), "oximeter-1"), expected);
}

/// A radar's frames have no checksum: a flipped bit may well say that somebody is there. But nothing is told that does
/// not last.
#[tokio::test]
async fn a_radar_tells_who_comes_and_goes_and_damaged_reports_tell_nobody() {
    let ports = ports();
    let port = ports.path().join("radar");
    let mut radar = Tty::plug_in(&port, BadLine::seeded(41)).unwrap();
    let home = home(&table("radar-1", "ld2410", &port, "left_after_s = 2\nstill_after_s = 2")).await;
    radar.opened().await.unwrap();
    let expected = ["entered-room", "motion", "motion-cleared", "left-room"];
    let phases = [(Target::Nobody, 0), (Target::Moving, 2), (Target::Nobody, 4), (Target::Nobody, 4)];
    for (target, count) in phases {
        let began = Instant::now();
        loop {
            for injury in Injury::ALL {
                let mut messages = vec![radar::answers(&radar.heard().unwrap())];
                messages.retain(|answers| !answers.is_empty());
                messages.extend([radar::report(target), radar::engineering_report(target)]);
                radar.say_badly(injury, &messages).await.unwrap();
            }
            let seen = home.hub.show(0).await.unwrap();
            let told = said(&seen, "radar-1");
            assert!(expected[..count].starts_with(&told), "{target:?}: {told:?}");
            if told.len() == count {
                break;
            }
            assert!(began.elapsed() < LIMIT, "{target:?}: {told:?}");
        }
    }
    let status = home.gateway.status().await.unwrap();
    assert!(status["devices"]["radar-1"]["refused_frames"].as_u64().unwrap() > 0, "{status:#}");
}

/// Lines have no checksum: what is told is exactly what fits, as it stands, and what is refused exactly the rest.
#[tokio::test]
async fn every_whole_line_is_told_and_each_that_does_not_fit_is_counted() {
    let ports = ports();
    let port = ports.path().join("scale");
    let mut scale = Tty::plug_in(&port, BadLine::seeded(51)).unwrap();
    let rules = "line = '2400 7E1'\npatterns = [ '^ST,GS,[+] (?<weight>[0-9]{2}[.][0-9]{2})kg$' ]\n\
                 values = { weight = 'MDC_MASS_BODY_ACTUAL kg' }";
    let home = home(&table("scale-1", "lines", &port, rules)).await;
    scale.opened().await.unwrap();
    let (mut came, mut whole) = (Vec::new(), Vec::new());
    for (injury, ten) in Injury::ALL.into_iter().zip(10..) {
        let count = if injury == Injury::Slow { 3 } else { 10 };
        let weights = (10..10 + count).map(|part| format!("{ten}.{part}"));
        // Each ends what was before it, so that noise does not stand in the same line.
        let mut lines: Vec<_> =
            weights.clone().map(|weight| format!("\r\nST,GS,+ {weight}kg\r\n").into_bytes()).collect();
        whole.extend(weights);
        lines.push([b'x'; 300].to_vec());
        came.extend(scale.say_badly(injury, &lines).await.unwrap());
    }
    came.extend(scale.say_badly(Injury::Split, &[b"\rST,GS,+ 99.99kg\r".to_vec()]).await.unwrap());

    let lines = came.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty());
    let (fit, others): (Vec<_>, Vec<_>) = lines.map(|line| weight(line).ok_or(line)).partition(Result::is_ok);
    let mut expected: Vec<_> = fit.into_iter().map(Result::unwrap).collect();
    // The same again at once is an echo.
    expected.dedup();
    assert!(whole.iter().all(|weight| expected.contains(&weight.as_str())), "{expected:?}");
    let all = |seen: &[Value]| said(seen, "scale-1").contains(&"99.99");
    let seen = home.hub.wait_for("the last line", LIMIT, all).await.unwrap();
    let mut told = said(&seen, "scale-1");
    told.dedup();
    assert_eq!(told, expected);
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"]["scale-1"]["refused_frames"], others.len(), "{status:#}");
}

/// Where a unit's answer is damaged nothing comes in its place: it is asked again in the next round.
#[tokio::test]
async fn registers_are_read_through_a_bad_line_and_nothing_is_told_of_damaged_answers() {
    let ports = ports();
    let port = ports.path().join("bus");
    let monitor = ModbusUnit::plug_in(&port, 7, BadLine::seeded(61)).unwrap();
    monitor.input(0, 2301);
    monitor.discrete(5, true);
    let registers = "unit = 7\npoll_s = 1\nregisters = { a = 'input 0 u16 MDCX_VOLTAGE V 1e-1', \
                     b = 'discrete 5 off mains-lost on mains-restored' }";
    let home = home(&table("mains-1", "modbus", &port, registers)).await;
    // What was so before the first round is not told.
    let has_voltage = |seen: &[Value]| said(seen, "mains-1") == ["230.1"];
    home.hub.wait_for("the first round", LIMIT, has_voltage).await.unwrap();
    let mut expected = Vec::new();
    let states = [(false, "mains-lost"), (true, "mains-restored")].into_iter().cycle();
    for (injury, (is_on, word)) in Injury::ALL.into_iter().zip(states) {
        monitor.injure(Some(injury));
        monitor.discrete(5, is_on);
        expected.push(word);
        let told = |seen: &[Value]| mains(seen) == expected;
        home.hub.wait_for(&format!("{word}, {injury:?}"), LIMIT, told).await.unwrap();
    }
    // It goes on, and an answer is lost among those of the next rounds.
    let refused = |status: &Value| status["devices"]["mains-1"]["refused_frames"].as_u64() > Some(0);
    let status = home.gateway.wait_for("an answer that is damaged", LIMIT, refused).await.unwrap();
    assert_eq!(fault(&status, "device mains-1"), "", "{status:#}");
    monitor.injure(None);
    monitor.discrete(5, false);
    expected.push("mains-lost");
    let told = |seen: &[Value]| mains(seen) == expected;
    home.hub.wait_for("the mains that went on a good line", LIMIT, told).await.unwrap();
    let seen = home.hub.show(0).await.unwrap();
    assert_eq!(mains(&seen), expected);
    // A steady number is told again each minute.
    assert!(
        said(&seen, "mains-1").iter().all(|said| *said == "230.1" || said.starts_with("mains-")),
        "{seen:#?}"
    );
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "device mains-1"), "", "{status:#}");
}

struct Oximeter {
    name: &'static str,
    packet: fn(u8, u16) -> Vec<u8>,
    tty: Tty,
}

/// Has each oximeter say some packets of these numbers, with the first of them behind noise.
async fn through_every_injury(oximeters: &mut [Oximeter], spo2: u8, rate: u16) {
    for injury in Injury::ALL.into_iter().rev() {
        let say = oximeters.iter_mut().map(async |Oximeter { packet, tty, .. }| {
            tty.say_badly(injury, &[packet(spo2, rate), packet(spo2, rate)]).await
        });
        join_all(say).await.into_iter().for_each(|said| drop(said.unwrap()));
    }
}

/// Saturation and pulse rate as they were told; what only repeats those before, as each minute, is left out.
fn numbers(seen: &[Value], device: &str) -> Vec<[String; 2]> {
    let said = said(seen, device);
    let (pairs, rest) = said.as_chunks::<2>();
    assert!(rest.is_empty(), "{said:?}");
    let mut pairs: Vec<_> = pairs.iter().map(|pair| pair.map(str::to_owned)).collect();
    pairs.dedup();
    pairs
}

/// The weight in a whole line of the scale.
fn weight(line: &[u8]) -> Option<&str> {
    let weight = line.strip_prefix(b"ST,GS,+ ")?.strip_suffix(b"kg")?;
    let [a, b, b'.', c, d] = weight else { return None };
    [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()).then(|| std::str::from_utf8(weight).unwrap())
}

fn mains(seen: &[Value]) -> Vec<&str> {
    said(seen, "mains-1").into_iter().filter(|said| said.starts_with("mains-")).collect()
}
