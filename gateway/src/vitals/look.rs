//! One look at the box: the files in which the kernel tells of it. One that is not there says nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use rustix::fs::{StatVfsMountFlags, statvfs};
use varde_core::vitals::{Amount, Reading, Throttled, Wear};

/// Where to look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// Where `/proc` and `/sys` are found.
    root: PathBuf,
    /// On the file system that is watched.
    state_directory: PathBuf,
}

impl Look {
    pub(super) fn new(root: PathBuf, state_directory: PathBuf) -> Self {
        Self { root, state_directory }
    }

    /// Looks; on another thread, since the firmware or a stalled card may take their time.
    pub(super) async fn take(&self) -> Reading {
        let look = self.clone();
        tokio::task::spawn_blocking(move || look.read()).await.unwrap_or_default()
    }

    fn read(&self) -> Reading {
        let file_system = statvfs(&self.state_directory).ok();
        let meminfo = self.text("proc/meminfo").unwrap_or_default();
        let status = self.text("proc/self/status").unwrap_or_default();
        Reading {
            storage: file_system.as_ref().map(|fs| Amount {
                free: fs.f_bavail.saturating_mul(fs.f_frsize),
                total: fs.f_blocks.saturating_mul(fs.f_frsize),
            }),
            read_only: file_system.map(|fs| fs.f_flag.contains(StatVfsMountFlags::RDONLY)),
            // Kept in the superblock until `fsck` clears it.
            file_system_errors: self
                .each("sys/fs/ext4", "errors_count")
                .iter()
                .map(|text| number::<u64>(text))
                .sum(),
            wear: self.wear(),
            memory: kibibytes(&meminfo, "MemAvailable:")
                .zip(kibibytes(&meminfo, "MemTotal:"))
                .map(|(free, total)| Amount { free, total }),
            own_memory: kibibytes(&status, "VmRSS:"),
            millicelsius: self.millicelsius(),
            throttled: self
                .text("sys/devices/platform/soc/soc:firmware/get_throttled")
                .and_then(|text| u32::from_str_radix(text.trim(), 16).ok())
                .map(Throttled),
            under_voltage: self.under_voltage(),
            ..Reading::default()
        }
    }

    /// The most worn of the memories. The kernel's `mmc` names them mmcblk; JEDEC's bytes are hexadecimal, as 0x01.
    fn wear(&self) -> Option<Wear> {
        let hex = |text: &str| u8::from_str_radix(text.trim_start_matches("0x"), 16).ok();
        let worst = |file: &str| {
            let texts = self.each("sys/block", file);
            texts.iter().flat_map(|text| text.split_whitespace()).filter_map(hex).max()
        };
        let (life, pre_eol) = (worst("device/life_time"), worst("device/pre_eol_info"));
        (life.is_some() || pre_eol.is_some())
            .then(|| Wear { life_tenths: life.unwrap_or_default(), pre_eol: pre_eol.unwrap_or_default() })
    }

    fn millicelsius(&self) -> Option<i64> {
        let zones = self.each("sys/class/thermal", "temp");
        // A sensor that is not there reads as the absolute zero, or as anything.
        zones.iter().filter_map(|text| number(text)).filter(|t| (-40_000..150_000).contains(t)).max()
    }

    fn under_voltage(&self) -> Option<bool> {
        let monitors = self.below("sys/class/hwmon");
        let ours =
            monitors.iter().find(|path| read(&path.join("name")).is_some_and(|n| n.trim() == "rpi_volt"))?;
        number::<u8>(&read(&ours.join("in0_lcrit_alarm"))?).map(|alarm| alarm != 0)
    }

    fn text(&self, file: &str) -> Option<String> {
        read(&self.root.join(file))
    }

    /// What this file says, in each folder below that one which has it.
    fn each(&self, folder: &str, file: &str) -> Vec<String> {
        self.below(folder).iter().filter_map(|path| read(&path.join(file))).collect()
    }

    fn below(&self, folder: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.root.join(folder));
        entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    }
}

fn read(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.trim().parse().ok()
}

/// Bytes of a line such as `MemTotal:  948292 kB`.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    number::<u64>(line.trim().strip_suffix("kB")?).map(|count| count.saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look_at(files: &[(&str, &str)]) -> Reading {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let state_directory = root.path().to_owned();
        Reading {
            storage: None,
            read_only: None,
            ..Look { root: root.path().to_owned(), state_directory }.read()
        }
    }

    #[test]
    fn a_raspberry_pi_is_read_whole() {
        let reading = look_at(&[
            ("proc/meminfo", "MemTotal:         948292 kB\nMemFree:   10 kB\nMemAvailable:     700000 kB\n"),
            ("proc/self/status", "Name:\tvarde\nVmRSS:\t   10400 kB\nThreads:\t2\n"),
            ("sys/class/thermal/thermal_zone0/temp", "48312\n"),
            ("sys/class/thermal/thermal_zone1/temp", "-274000\n"),
            ("sys/class/thermal/cooling_device0/type", "cpufreq\n"),
            ("sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n"),
            ("sys/class/hwmon/hwmon0/name", "cpu_thermal\n"),
            ("sys/class/hwmon/hwmon1/name", "rpi_volt\n"),
            ("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n"),
            ("sys/block/mmcblk0/device/life_time", "0x03 0x09\n"),
            ("sys/block/mmcblk0/device/pre_eol_info", "0x02\n"),
            ("sys/block/sda/size", "100\n"),
            ("sys/fs/ext4/mmcblk0p2/errors_count", "3\n"),
            ("sys/fs/ext4/features/lazy_itable_init", "supported\n"),
        ]);
        let expected = Reading {
            memory: Some(Amount { free: 700_000 * 1024, total: 948_292 * 1024 }),
            own_memory: Some(10_400 * 1024),
            millicelsius: Some(48_312),
            throttled: Some(Throttled(0x5_0005)),
            under_voltage: Some(true),
            wear: Some(Wear { life_tenths: 9, pre_eol: 2 }),
            file_system_errors: Some(3),
            ..Reading::default()
        };
        assert_eq!(reading, expected);
    }

    #[test]
    fn what_a_box_does_not_have_or_garbles_says_nothing() {
        let garbled = look_at(&[
            ("proc/meminfo", "MemTotal: many\n"),
            ("sys/class/thermal/thermal_zone0/temp", "hot"),
            ("sys/devices/platform/soc/soc:firmware/get_throttled", "throttled=0x0\n"),
            ("sys/class/hwmon/hwmon1/name", "rpi_volt\n"),
            ("sys/block/mmcblk0/device/life_time", ""),
            ("sys/fs/ext4/mmcblk0p2/errors_count", "-"),
        ]);
        assert_eq!(garbled, Reading::default());
        assert_eq!(look_at(&[]), Reading { file_system_errors: Some(0), ..Reading::default() });
    }

    #[test]
    fn the_disk_of_this_machine_is_found() {
        let here = Look { root: PathBuf::from("/"), state_directory: std::env::temp_dir() }.read();
        assert!(here.storage.unwrap().total > 0);
        assert_eq!(here.read_only, Some(false));
        assert!(here.memory.is_some() && here.own_memory.is_some());
    }
}
