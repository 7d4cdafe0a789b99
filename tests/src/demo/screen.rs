//! The terminal: a timeline, and below it, where it is a terminal, a line that moves.

use std::{
    io::{IsTerminal as _, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::task::JoinHandle;

/// How often the moving line moves.
const MOVE: Duration = Duration::from_millis(250);
/// How long nothing may be said where there is no moving line.
const LONGEST_SILENCE: Duration = Duration::from_millis(1_750);
/// The same while cargo says something too.
const LONGEST_SILENCE_OF_BUILD: Duration = Duration::from_secs(10);
const CLEAR: &str = "\r\x1b[2K";

/// Standard output. Dropping it leaves the cursor on a fresh line.
#[derive(Debug)]
pub(super) struct Screen {
    shown: Arc<Mutex<Shown>>,
    moving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shown {
    start: Instant,
    is_terminal: bool,
    /// What is being waited for; the title of the part where it is nothing in particular.
    doing: String,
    title: String,
    /// Numbers that change meanwhile.
    state: String,
    last: Instant,
    /// While cargo builds, and where it draws a bar of its own: nothing of ours moves then.
    cargo_builds: bool,
    cargo_draws: bool,
    turn: usize,
}

impl Default for Screen {
    /// The seconds of the timeline begin now.
    fn default() -> Self {
        let shown = Arc::new(Mutex::new(Shown {
            start: Instant::now(),
            is_terminal: std::io::stdout().is_terminal(),
            doing: String::new(),
            title: String::new(),
            state: String::new(),
            last: Instant::now(),
            cargo_builds: false,
            cargo_draws: false,
            turn: 0,
        }));
        let moved = Arc::clone(&shown);
        let moving = tokio::spawn(async move {
            loop {
                tokio::time::sleep(MOVE).await;
                lock(&moved).turn();
            }
        });
        Self { shown, moving }
    }
}

impl Screen {
    /// A line of the timeline: what just happened.
    pub(super) fn line(&self, text: &str) {
        lock(&self.shown).line(text);
    }

    /// The title of a part of the timeline.
    pub(super) fn title(&self, text: &str) {
        let mut shown = lock(&self.shown);
        text.clone_into(&mut shown.title);
        shown.print("\n");
        shown.line(&text.to_uppercase());
    }

    /// Text without a time; nothing moves after it.
    pub(super) fn plain(&self, text: &str) {
        let mut shown = lock(&self.shown);
        shown.title.clear();
        shown.doing.clear();
        shown.print(&format!("{text}\n"));
    }

    /// What is being waited for from now on, until the next line.
    pub(super) fn doing(&self, text: &str) {
        text.clone_into(&mut lock(&self.shown).doing);
    }

    /// Numbers for the moving line.
    pub(super) fn state(&self, text: String) {
        lock(&self.shown).state = text;
    }

    /// Whether cargo builds now. The seconds of the timeline begin again when it has built.
    pub(super) fn builds(&self, builds: bool) {
        let mut shown = lock(&self.shown);
        shown.cargo_builds = builds;
        shown.cargo_draws = builds && std::io::stderr().is_terminal();
        if !builds {
            shown.start = Instant::now();
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.moving.abort();
        lock(&self.shown).print("");
    }
}

impl Shown {
    fn line(&mut self, text: &str) {
        let seconds = self.start.elapsed().as_secs_f64();
        self.print(&format!("{seconds:6.1} s  {text}\n"));
        self.doing.clear();
    }

    fn print(&mut self, text: &str) {
        self.last = Instant::now();
        let clear = if self.is_terminal && !self.cargo_draws { CLEAR } else { "" };
        write(&format!("{clear}{text}"));
    }

    fn turn(&mut self) {
        let doing = if self.doing.is_empty() { &self.title } else { &self.doing };
        if self.cargo_draws || doing.is_empty() {
            return;
        }
        let seconds = self.start.elapsed().as_secs_f64();
        let text = format!("{seconds:6.1} s  ... {doing}{}", self.state);
        if self.is_terminal {
            self.turn = self.turn.wrapping_add(1);
            let bead = if self.turn.is_multiple_of(2) { '*' } else { ' ' };
            let short: String = format!("{bead}{text}").chars().take(width().saturating_sub(1)).collect();
            write(&format!("{CLEAR}\x1b[2m{short}\x1b[0m"));
        } else if self.last.elapsed()
            > if self.cargo_builds { LONGEST_SILENCE_OF_BUILD } else { LONGEST_SILENCE }
        {
            self.print(&format!("{text}\n"));
        }
    }
}

/// Of the terminal; one that does not know is taken for a narrow one.
fn width() -> usize {
    let known = rustix::termios::tcgetwinsize(std::io::stdout()).map(|size| usize::from(size.ws_col));
    known.ok().filter(|width| *width > 0).unwrap_or(80)
}

fn write(text: &str) {
    let mut out = std::io::stdout().lock();
    // Nobody may be reading any more; the exit code still says how it went.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}
