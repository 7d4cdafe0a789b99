//! The command line. Exit codes are those of `sysexits.h`.

#![expect(clippy::print_stderr, reason = "the command line speaks on it")]

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use jiff::tz::TimeZone;
use varde_drivers::advert::{AdvertFormat, Secret};
use varde_drivers::esp3::Eep;
use varde_drivers::nonin::DataFormat;
use varde_link::Address;

use crate::config::{DEFAULT_DIRECTORY, Settings};
use crate::daemon::After;
use crate::device_link_command::DeviceLinkCommand;
use crate::devices_command::DevicesCommand;
use crate::{
    clock, config, daemon, decode, device_link_command, devices_command, log, observer, rules_command, status,
};

pub(crate) const EX_USAGE: u8 = 64;
const EX_DATAERR: u8 = 65;
pub(crate) const EX_UNAVAILABLE: u8 = 69;
const EX_SOFTWARE: u8 = 70;
pub(crate) const EX_CANTCREAT: u8 = 73;
pub(crate) const EX_IOERR: u8 = 74;
pub(crate) const EX_TEMPFAIL: u8 = 75;
pub(crate) const EX_NOPERM: u8 = 77;
pub(crate) const EX_CONFIG: u8 = 78;

/// The gateway in the home: hears devices, keeps what they say, gets it to the hub.
#[derive(Parser)]
#[command(name = "varde", version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM
    Run {
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
    /// Check a configuration: every fault with its file, line, key and mend
    Check {
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
    /// Show how the running gateway does
    Status {
        /// Directory of the configuration's *.toml files: says where the state directory is
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
        /// The state directory itself; the configuration is not read then
        #[arg(long, value_name = "DIR", conflicts_with = "config")]
        state: Option<PathBuf>,
        /// One JSON object instead of a page
        #[arg(long)]
        json: bool,
    },
    /// Find, pair, list, forget and watch devices; needs root, such as by sudo
    Devices {
        #[command(subcommand)]
        what: DevicesCommand,
    },
    /// For makers of dispensers, panels and alarms: test a prototype's end of the device link
    DeviceLink {
        #[command(subcommand)]
        what: DeviceLinkCommand,
    },
    /// Supervision of people: what the rules of a configuration would do
    Rules {
        #[command(subcommand)]
        what: Rules,
    },
    /// Decode bytes of a device: one JSON object a line
    Decode {
        #[command(subcommand)]
        what: Decode,
    },
}

#[derive(Subcommand)]
enum Rules {
    /// Show when the configured rules would have raised alarms, over what a home once said
    Try {
        /// What was said: the lines of `varde-hub show --json`
        #[arg(long, value_name = "FILE")]
        recording: PathBuf,
        /// Directory of the configuration's *.toml files
        #[arg(long, value_name = "DIR", default_value = DEFAULT_DIRECTORY)]
        config: PathBuf,
    },
}

#[derive(Subcommand)]
enum Decode {
    /// The value of a GATT characteristic
    Gatt {
        /// Its 16-bit UUID, such as 2A35
        uuid: String,
        /// Its bytes in hexadecimal
        hex: String,
    },
    /// An advertisement of a BTHome sensor: its service data, or the whole of it
    Bthome(Advert),
    /// An advertisement of a Ruuvi sensor: its manufacturer data, or the whole of it
    Ruuvi(Advert),
    /// An advertisement of a thermometer with the firmware of atc1441 or pvvx: its service data, or the whole of it
    Atc(Advert),
    /// Packets of an EnOcean stick (EnOcean Serial Protocol 3)
    Esp3 {
        /// The sender's EnOcean Equipment Profile, such as D5-00-01
        #[arg(long)]
        eep: Option<String>,
        /// The bytes in hexadecimal
        hex: String,
    },
    /// Packets of a Nonin pulse oximeter on a serial line
    Nonin {
        /// How it is set to speak: data-format-2, data-format-7, data-format-8 or data-format-13
        #[arg(long, default_value = "data-format-2")]
        format: String,
        /// The bytes in hexadecimal
        hex: String,
    },
    /// Frames of a Hi-Link LD2410 presence radar
    Ld2410 {
        /// The bytes in hexadecimal
        hex: String,
    },
    /// The answer of a Modbus RTU unit
    Modbus {
        /// Its bytes in hexadecimal
        hex: String,
    },
    /// Frames of the device link, of a gateway or of a device
    DeviceLink {
        /// The bytes in hexadecimal
        hex: String,
    },
}

#[derive(Args)]
struct Advert {
    /// What it is encrypted with: 32 hexadecimal digits
    #[arg(long, requires = "address")]
    key: Option<String>,
    /// The sensor's address, such as F0:F1:F2:F3:F4:01, which is part of the encryption
    #[arg(long, requires = "key")]
    address: Option<Address>,
    /// Its bytes in hexadecimal
    hex: String,
}

/// Runs the command that the arguments name.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed terminal is no reason to fail differently.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { EX_USAGE } else { 0 });
        }
    };
    let code = match arguments.command {
        Command::Run { config } => run_daemon(&config),
        Command::Check { config } => check(&config),
        Command::Status { config, state, json } => show_status(&config, state, json),
        Command::Devices { what } => match devices_command::run(what) {
            Ok(()) => 0,
            Err(failure) => fail(failure.code, &failure),
        },
        Command::DeviceLink { what } => match device_link_command::run(what) {
            Ok(true) => 0,
            Ok(false) => 1,
            Err(error) => fail(EX_UNAVAILABLE, &error),
        },
        Command::Rules { what: Rules::Try { recording, config } } => try_rules(&recording, &config),
        Command::Decode { what: Decode::Gatt { uuid, hex } } => decode_gatt(&uuid, &hex),
        Command::Decode { what: Decode::Bthome(advert) } => decode_advert(AdvertFormat::BtHome, &advert),
        Command::Decode { what: Decode::Ruuvi(advert) } => decode_advert(AdvertFormat::Ruuvi, &advert),
        Command::Decode { what: Decode::Atc(advert) } => decode_advert(AdvertFormat::Atc, &advert),
        Command::Decode { what: Decode::Nonin { format, hex } } => decode_nonin(&format, &hex),
        Command::Decode { what: Decode::Ld2410 { hex } } => decode_all(&hex, decode::ld2410),
        Command::Decode { what: Decode::Modbus { hex } } => {
            decode_all(&hex, |bytes| vec![decode::modbus(bytes)])
        }
        Command::Decode { what: Decode::DeviceLink { hex } } => decode_all(&hex, decode::device_link),
        Command::Decode { what: Decode::Esp3 { eep, hex } } => decode_esp3(eep.as_deref(), &hex),
    };
    ExitCode::from(code)
}

fn run_daemon(config: &Path) -> u8 {
    let settings = match Settings::load(config) {
        Ok(settings) => settings,
        Err(faults) => return fail(EX_CONFIG, &faults),
    };
    log::start(settings.log_level);
    for warning in settings.warnings(clock::wall()) {
        tracing::warn!("{warning}");
    }
    match daemon::run(settings, config::fingerprint(config)) {
        Ok(After::Nothing) => 0,
        Ok(After::Start) => {
            let error = begin_anew();
            tracing::error!("the program cannot take its own place ({error}): systemd starts it again");
            EX_UNAVAILABLE
        }
        Err(error) => {
            tracing::error!("{error}");
            match error {
                daemon::Fatal::Runtime(_) => EX_UNAVAILABLE,
                daemon::Fatal::Store(_) => EX_IOERR,
                daemon::Fatal::Tls(_) => EX_CONFIG,
                daemon::Fatal::Task(_) => EX_SOFTWARE,
            }
        }
    }
}

/// Puts the program in its own place, as it was started; gives why that failed. Not by an end that systemd follows with
/// a start: nobody who presses a pendant should meet a gateway that waits for that.
fn begin_anew() -> std::io::Error {
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| "varde".into());
    match std::env::current_exe() {
        Ok(program) => std::process::Command::new(program).arg0(name).args(arguments).exec(),
        Err(error) => error,
    }
}

fn check(config: &Path) -> u8 {
    match config::check(config, clock::wall()) {
        Ok(report) => {
            say(&report.to_string());
            0
        }
        Err(faults) => fail(EX_CONFIG, &faults),
    }
}

fn try_rules(recording: &Path, config: &Path) -> u8 {
    let rules = match Settings::rules(config) {
        Ok(rules) => rules,
        Err(faults) => return fail(EX_CONFIG, &faults),
    };
    match std::fs::read_to_string(recording) {
        Ok(text) => match rules_command::timeline(rules, &text, &TimeZone::system()) {
            Ok(timeline) => {
                say(&timeline);
                0
            }
            Err(error) => fail(EX_DATAERR, &format!("{}: {error}", recording.display())),
        },
        Err(error) => fail(EX_IOERR, &format!("{} cannot be read: {error}", recording.display())),
    }
}

fn show_status(config: &Path, state: Option<PathBuf>, json: bool) -> u8 {
    let state = match state.map_or_else(|| Settings::state_directory(config), Ok) {
        Ok(state) => state,
        Err(faults) => return fail(EX_CONFIG, &faults),
    };
    match observer::ask(&state) {
        Ok(snapshot) if json => match serde_json::to_string(&snapshot) {
            Ok(text) => {
                say(&format!("{text}\n"));
                0
            }
            Err(error) => fail(EX_IOERR, &error),
        },
        Ok(snapshot) => {
            say(&status::page(&snapshot));
            0
        }
        Err(error) => {
            let state = state.display();
            fail(
                EX_UNAVAILABLE,
                &format!(
                    "no gateway answers in {state}: {error}; is varde running, and may you ask it (group varde)?"
                ),
            )
        }
    }
}

fn decode_gatt(uuid: &str, hex: &str) -> u8 {
    let digits = uuid.trim_start_matches("0x");
    let Ok(uuid) = u16::from_str_radix(digits, 16) else {
        return fail(
            EX_USAGE,
            &format!("'{uuid}' is no 16-bit UUID: give four hexadecimal digits, such as 2A35"),
        );
    };
    match decode::bytes_from_hex(hex) {
        Ok(bytes) => print_lines([decode::gatt(uuid, &bytes)]),
        Err(error) => fail(EX_DATAERR, &error),
    }
}

fn decode_advert(format: AdvertFormat, advert: &Advert) -> u8 {
    let key = match advert.key.as_deref().map(config::bind_key) {
        Some(None) => return fail(EX_USAGE, &"the key has to be 32 hexadecimal digits"),
        Some(Some(key)) => Some(key),
        None => None,
    };
    let secret = key.zip(advert.address).map(|(bind_key, address)| Secret { bind_key, address: address.0 });
    match decode::bytes_from_hex(&advert.hex) {
        Ok(bytes) => print_lines([decode::advert(format, &bytes, secret.as_ref())]),
        Err(error) => fail(EX_DATAERR, &error),
    }
}

fn decode_esp3(eep: Option<&str>, hex: &str) -> u8 {
    let eep = match eep.map(|name| Eep::from_name(name).ok_or(name)) {
        Some(Ok(eep)) => Some(eep),
        Some(Err(name)) => {
            let known: Vec<_> = Eep::near(name).map(Eep::name).collect();
            return fail(EX_USAGE, &format!("no profile '{name}' is known; known: {}", known.join(", ")));
        }
        None => None,
    };
    match decode::bytes_from_hex(hex) {
        Ok(bytes) if bytes.is_empty() => fail(EX_DATAERR, &"sync byte at byte 0: there are no bytes"),
        Ok(bytes) => print_lines(decode::esp3(&bytes, eep)),
        Err(error) => fail(EX_DATAERR, &error),
    }
}

fn decode_nonin(format: &str, hex: &str) -> u8 {
    let Some(format) = DataFormat::from_name(format) else {
        let known: Vec<_> = DataFormat::ALL.iter().map(|format| format.name()).collect();
        return fail(EX_USAGE, &format!("no format '{format}' is known; known: {}", known.join(", ")));
    };
    decode_all(hex, |bytes| decode::nonin(bytes, format))
}

/// What is in a stream of bytes, one line each.
fn decode_all(hex: &str, decode: impl Fn(&[u8]) -> Vec<decode::Line>) -> u8 {
    match decode::bytes_from_hex(hex) {
        Ok(bytes) if bytes.is_empty() => fail(EX_DATAERR, &"frame at byte 0: there are no bytes"),
        Ok(bytes) => print_lines(decode(&bytes)),
        Err(error) => fail(EX_DATAERR, &error),
    }
}

fn print_lines(lines: impl IntoIterator<Item = decode::Line>) -> u8 {
    let mut code = 0;
    for line in lines {
        match line {
            Ok(line) => say(&format!("{line}\n")),
            Err(error) => code = fail(EX_DATAERR, &error),
        }
    }
    code
}

/// To standard output; a reader that went away (`| head`) is no error.
fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn fail(code: u8, error: &impl std::fmt::Display) -> u8 {
    eprintln!("{}", error.to_string().trim_end());
    code
}
