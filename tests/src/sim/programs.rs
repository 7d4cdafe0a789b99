//! Programs as child processes: found or built, started, watched, stopped and killed.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal};
use tokio::{
    process::{Child, Command},
    sync::OnceCell,
    time::{Instant, sleep, timeout},
};

use super::SimError;

/// How often a condition in another process is looked at.
const PAUSE: Duration = Duration::from_millis(5);
/// How long a killed process may take to vanish; only one stuck in the kernel takes longer.
const GONE_LIMIT: Duration = Duration::from_secs(2);

/// Where the two programs under test lie.
#[derive(Debug)]
pub struct Programs {
    dir: PathBuf,
}

impl Programs {
    /// Finds the programs in `$VARDE_BIN_DIR`, else builds them once into the folder this program was built into.
    ///
    /// # Errors
    /// When cargo cannot build them; its progress and messages stand on our standard error.
    pub async fn built() -> Result<&'static Self, SimError> {
        static BUILT: OnceCell<Programs> = OnceCell::const_new();
        BUILT.get_or_try_init(Self::find_or_build).await
    }

    /// The gateway, `varde`.
    pub fn varde(&self) -> Command {
        Command::new(self.dir.join("varde"))
    }

    /// The hub, `varde-hub`.
    pub fn varde_hub(&self) -> Command {
        Command::new(self.dir.join("varde-hub"))
    }

    async fn find_or_build() -> Result<Self, SimError> {
        if let Some(dir) = std::env::var_os("VARDE_BIN_DIR") {
            return Ok(Self { dir: dir.into() });
        }
        let this = std::env::current_exe().map_err(SimError::io("finding this program"))?;
        let dir = profile_dir(&this);
        let profile = match dir.file_name().and_then(|name| name.to_str()) {
            None | Some("debug") => "dev",
            Some(profile) => profile,
        };
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["build", "--package", "varde", "--package", "varde-hub", "--profile", profile]);
        if let Some(target_dir) = dir.parent() {
            cargo.arg("--target-dir").arg(target_dir);
        }
        let status = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .map_err(SimError::io("running cargo build"))?;
        if status.success() {
            Ok(Self { dir })
        } else {
            Err(SimError::Ended { program: "cargo build".into(), status, log: "standard error".into() })
        }
    }
}

/// A running program. Its output goes to a file; dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `command`, which brings its arguments and environment; what it prints is appended to the file `log`.
    ///
    /// # Errors
    /// When the log cannot be opened or the program not started.
    pub fn start(mut command: Command, log: &Path) -> Result<Self, SimError> {
        let name = Path::new(command.as_std().get_program())
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let to_log = || OpenOptions::new().create(true).append(true).open(log);
        let opening = || SimError::io(format!("opening {}", log.display()));
        let child = command
            .stdin(Stdio::null())
            .stdout(to_log().map_err(opening())?)
            .stderr(to_log().map_err(opening())?)
            .spawn()
            .map_err(SimError::io(format!("starting {name}")))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// The process id, or `None` once it has ended and been waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything it has printed so far, earlier runs with the same log included.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn output(&self) -> Result<String, SimError> {
        let bytes =
            std::fs::read(&self.log).map_err(SimError::io(format!("reading {}", self.log.display())))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the operating system cannot tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>, SimError> {
        self.child.try_wait().map_err(SimError::io(format!("looking after {}", self.name)))
    }

    /// Waits until `ready` holds while the program runs; `what` names the condition in the error.
    ///
    /// # Errors
    /// When the program ends first or the limit passes.
    pub async fn wait_until<F, R>(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: F,
    ) -> Result<(), SimError>
    where
        F: FnMut() -> R,
        R: Future<Output = bool>,
    {
        let until = Instant::now() + limit;
        while !ready().await {
            if let Some(status) = self.ended()? {
                return Err(SimError::Ended { program: self.name.clone(), status, log: self.log.clone() });
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: format!("{}: {what}", self.name), limit });
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// When the limit passes; it runs on then.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus, SimError> {
        match timeout(limit, self.child.wait()).await {
            Ok(status) => status.map_err(SimError::io(format!("waiting for {}", self.name))),
            Err(_) => Err(SimError::TooLate { what: format!("the end of {}", self.name), limit }),
        }
    }

    /// Asks it to end (SIGTERM) and waits; after the limit it is killed, and that is an error.
    ///
    /// # Errors
    /// When it did not end within the limit.
    pub async fn stop(&mut self, limit: Duration) -> Result<ExitStatus, SimError> {
        self.signal(Signal::TERM)?;
        let ended = self.wait(limit).await;
        if ended.is_err() {
            self.kill().await?;
        }
        ended
    }

    /// Kills it (SIGKILL) and waits until it is gone. It gets no chance to write, flush or say good-bye.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub async fn kill(&mut self) -> Result<(), SimError> {
        self.child.kill().await.map_err(SimError::io(format!("killing {}", self.name)))
    }

    /// Sends a signal; one that comes after its end is no error.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn signal(&self, signal: Signal) -> Result<(), SimError> {
        let Some(pid) = self.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) else {
            return Ok(());
        };
        match rustix::process::kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(SimError::io(format!("signalling {}", self.name))(error.into())),
        }
    }

    /// What it holds in memory now.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> Result<Memory, SimError> {
        let status = self.proc_file("status")?;
        Ok(Memory {
            resident_kib: status_field(&status, "VmRSS:")?,
            anonymous_kib: status_field(&status, "RssAnon:")?,
        })
    }

    /// How often its threads have gone to sleep and been woken since its start: voluntary context switches.
    ///
    /// # Errors
    /// When it has ended.
    pub fn wake_ups(&self) -> Result<u64, SimError> {
        let tasks = self.proc_path("task");
        let listing = || SimError::io(format!("listing {}", tasks.display()));
        let mut sum = 0;
        for task in std::fs::read_dir(&tasks).map_err(listing())? {
            let path = task.map_err(listing())?.path().join("status");
            // A thread that ends between listing and reading has no more wake-ups to tell.
            if let Ok(status) = std::fs::read_to_string(path) {
                sum += status_field(&status, "voluntary_ctxt_switches:")?;
            }
        }
        Ok(sum)
    }

    fn proc_file(&self, name: &str) -> Result<String, SimError> {
        let path = self.proc_path(name);
        std::fs::read_to_string(&path).map_err(SimError::io(format!("reading {}", path.display())))
    }

    fn proc_path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.id().unwrap_or_default()))
    }
}

impl Drop for Program {
    /// Kills it and waits until it is gone: what it held, a port or a socket, is free afterwards.
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        let until = std::time::Instant::now() + GONE_LIMIT;
        while matches!(self.child.try_wait(), Ok(None)) && std::time::Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Memory {
    /// All pages in memory, those of the program file and shared libraries included.
    pub resident_kib: u64,
    /// The part that is heap and stack.
    pub anonymous_kib: u64,
}

/// Whether `program` can be started from `$PATH` or from where Debian keeps daemons.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).chain(["/usr/sbin".into()]).any(|dir| dir.join(program).is_file())
}

/// The folder of the build profile: the parent of an executable, without the `deps` of a test or `examples`.
fn profile_dir(executable: &Path) -> PathBuf {
    let dir = executable.parent().unwrap_or(Path::new("."));
    match dir.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => dir.parent().unwrap_or(dir).to_owned(),
        _ => dir.to_owned(),
    }
}

fn status_field(status: &str, field: &'static str) -> Result<u64, SimError> {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse().ok()).ok_or_else(|| {
        SimError::Unexpected {
            what: format!("{field} in the process's status"),
            expected: "a number",
            got: line.to_owned(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str, log: &Path) -> Program {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("GREETING", "good day");
        Program::start(command, log).unwrap()
    }

    #[tokio::test]
    async fn output_and_environment_reach_and_a_stopped_program_ends_as_it_chose() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut program = shell("trap 'exit 3' TERM; echo $GREETING; while :; do sleep 0.01; done", &log);
        let said = async || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("good day"));
        program.wait_until("its greeting", LIMIT, said).await.unwrap();
        assert_eq!(program.output().unwrap(), "good day\n");
        assert_eq!(program.stop(LIMIT).await.unwrap().code(), Some(3));
        program.signal(Signal::TERM).unwrap();
    }

    #[tokio::test]
    async fn a_program_that_ignores_the_request_is_killed_at_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut program = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done", &log);
        let ready = async || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("ready"));
        program.wait_until("ready", LIMIT, ready).await.unwrap();
        let refused = program.stop(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(refused, SimError::TooLate { .. }), "{refused}");
        assert_eq!(program.ended().unwrap().unwrap().signal(), Some(9));
    }

    #[tokio::test]
    async fn waiting_for_a_program_that_ended_names_how_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell("exit 78", &dir.path().join("log"));
        let error = program.wait_until("anything", LIMIT, async || false).await.unwrap_err();
        assert!(matches!(&error, SimError::Ended { status, .. } if status.code() == Some(78)), "{error}");
    }

    #[tokio::test]
    async fn a_dropped_program_is_killed_and_a_killed_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell("exec sleep 1000", &dir.path().join("log"));
        assert!(program.memory().unwrap().resident_kib > 0);
        program.kill().await.unwrap();
        assert!(program.memory().is_err());

        let program = shell("exec sleep 1000", &dir.path().join("log"));
        let pid = Pid::from_raw(i32::try_from(program.id().unwrap()).unwrap()).unwrap();
        drop(program);
        assert!(rustix::process::test_kill_process(pid).is_err(), "it runs on");
    }

    #[tokio::test]
    async fn wake_ups_grow_with_each_sleep() {
        let dir = tempfile::tempdir().unwrap();
        let mut program = shell("while :; do sleep 0.001; done", &dir.path().join("log"));
        let first = program.wake_ups().unwrap();
        let pid = program.id().unwrap();
        let grown = async || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
            status_field(&status, "voluntary_ctxt_switches:").unwrap() > first + 5
        };
        program.wait_until("wake-ups", LIMIT, grown).await.unwrap();
        assert!(program.wake_ups().unwrap() > first + 5);
    }

    #[test]
    fn the_programs_are_sought_beside_this_one() {
        assert_eq!(profile_dir(Path::new("/t/debug/deps/sim-0123")), Path::new("/t/debug"));
        assert_eq!(profile_dir(Path::new("/t/release/demo")), Path::new("/t/release"));
        assert!(is_installed("sh") && !is_installed("no-such-program"));
    }
}
