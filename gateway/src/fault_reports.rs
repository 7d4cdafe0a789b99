//! What stands on the board, told to the hub: each fault that lasts once, and its end once.

use varde_core::FaultChange;
use varde_wire::{Event, Value};

use crate::board::Board;
use crate::diary::Diary;

/// The longest text about a fault, in characters.
const LONGEST: usize = 400;

/// Tells the hub of faults that last, and of their end, until the store stops.
pub async fn report(board: &Board, diary: &Diary) {
    loop {
        let (change, message) = board.next_change().await;
        let (event, fault) = match &change {
            FaultChange::Raised(fault) => (Event::TechnicalFault, fault),
            FaultChange::Restored(fault) => (Event::TechnicalRestored, fault),
        };
        let text = if message.is_empty() { fault.to_string() } else { format!("{fault}: {message}") };
        let text: String = text.chars().take(LONGEST).collect();
        let written = diary.write(vec![Value::Event(event), Value::Text(text)], |kept| {
            match change {
                FaultChange::Raised(fault) => kept.told.insert(fault),
                FaultChange::Restored(fault) => kept.told.remove(&fault),
            };
        });
        if written.await.is_err() {
            return;
        }
    }
}
