//! Lines out, answers in; with a person at the other end, or a script.

use std::io::{BufRead as _, Write as _};

use tokio::sync::mpsc;

/// Prints a line at once; a reader that went away (`| head`) is no error.
pub(super) fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The lines of standard input. Nothing is read before the first is asked for.
#[derive(Debug, Default)]
pub(super) struct Answers {
    lines: Option<mpsc::Receiver<String>>,
}

impl Answers {
    /// The next line without its end; `None` at the end of the input. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<String> {
        self.lines.get_or_insert_with(read).recv().await
    }
}

/// On a thread of its own, which a read that never returns cannot keep the program from ending.
fn read() -> mpsc::Receiver<String> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.blocking_send(line.trim().to_owned()).is_err() {
                return;
            }
        }
    });
    lines
}
