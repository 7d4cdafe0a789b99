//! What the device and BlueZ want to know while they pair, put to the technician.

use varde_link::{Answer, Attempt, PairingError, Question, Step};

use super::terminal::{Answers, say};

/// Lives through one attempt: what the device wants to know, the technician is asked.
pub(super) async fn converse(attempt: &mut Attempt<'_>) -> Result<(), PairingError> {
    let mut answers = Answers::default();
    let mut asked = None;
    loop {
        tokio::select! {
            step = attempt.next() => match step? {
                Step::Paired => return Ok(()),
                Step::Withdrawn => {
                    say("the device waits for no answer any more");
                    asked = None;
                }
                Step::Asked(question) => asked = ask(question),
            },
            line = answers.next(), if asked.is_some() => {
                let Some(question) = asked else { continue };
                match understand(question, line.as_deref()) {
                    Some(answer) => {
                        attempt.answer(answer).await?;
                        asked = None;
                    }
                    None => asked = ask(question),
                }
            }
        }
    }
}

/// Puts a question to the technician; gives it back if it wants an answer.
fn ask(question: Question) -> Option<Question> {
    match question {
        Question::ShowPasskey { passkey, entered: 0 } => {
            say(format_args!("type this on the device: {passkey:06}"))
        }
        Question::ShowPasskey { .. } => {}
        Question::EnterPasskey => {
            say("which passkey does the device show? Type its six digits and press Enter")
        }
        Question::ConfirmNumber { number } => {
            say(format_args!("does the device show {number:06}? yes or no"))
        }
        Question::Authorize => say("the device can show nothing: is it the one before you? yes or no"),
    }
    (!matches!(question, Question::ShowPasskey { .. })).then_some(question)
}

/// What a line answers to a question; nothing where it must be asked again. The end of the input is a no.
fn understand(question: Question, line: Option<&str>) -> Option<Answer> {
    let Some(line) = line else { return Some(Answer::No) };
    let word = line.to_ascii_lowercase();
    match (question, word.as_str()) {
        (_, "no" | "n") => Some(Answer::No),
        (Question::EnterPasskey, digits) => {
            let digits = digits.replace(' ', "");
            let six = digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse().ok().filter(|_| six).map(Answer::Passkey)
        }
        (Question::ConfirmNumber { .. } | Question::Authorize, "yes" | "y") => Some(Answer::Yes),
        (Question::ConfirmNumber { .. } | Question::Authorize | Question::ShowPasskey { .. }, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_understood_or_asked_for_again_and_silence_is_a_no() {
        let (number, passkey) = (Question::ConfirmNumber { number: 42 }, Question::EnterPasskey);
        for (question, line, answer) in [
            (number, Some("yes"), Some(Answer::Yes)),
            (number, Some("Y"), Some(Answer::Yes)),
            (number, Some("no"), Some(Answer::No)),
            (number, Some("000042"), None),
            (number, None, Some(Answer::No)),
            (passkey, Some("000042"), Some(Answer::Passkey(42))),
            (passkey, Some("000 042"), Some(Answer::Passkey(42))),
            (passkey, Some("42"), None),
            (passkey, Some("yes"), None),
            (passkey, Some("n"), Some(Answer::No)),
            (passkey, None, Some(Answer::No)),
            (Question::Authorize, Some(""), None),
        ] {
            assert_eq!(understand(question, line), answer, "{question:?} {line:?}");
        }
    }
}
