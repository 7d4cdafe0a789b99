//! The consents of a scale's users.
//!
//! A scale with several users gives each their measurements only in their turn: from a consent until the next one.
//! So the users take turns, each for as long as measurements keep coming; and as somebody who stands on the scale
//! may be anybody's, they take turns again for the first minute of a connection. A user whom the scale refuses is
//! not tried again before the next connection: some scales forget the gateway for it.

use std::time::Duration;

use varde_wire::{DeviceId, Event, Instant, Metric, Observation, Value};

use crate::gatt::meter::{Taken, Visit};
use crate::gatt::user_data::{Consent, DATABASE_CHANGE_INCREMENT, Procedure, Response, USER_CONTROL_POINT};
use crate::{Description, FieldValue, Request};

/// How long a scale may take to answer: a procedure that takes longer has failed.
const ANSWER: Duration = Duration::from_secs(30);

/// Without a measurement for so long, a user's turn is over.
const QUIET: Duration = Duration::from_secs(3);

/// How long after the beginning of a connection users take turns again.
const TURNS: Duration = Duration::from_secs(60);

/// Who consented to what.
#[derive(Debug)]
pub(super) struct Consents {
    users: Vec<User>,
    step: Step,
    /// When the last new turn begins.
    until: Instant,
}

#[derive(Debug)]
struct User {
    consent: Consent,
    answer: Answer,
    /// Whether a fault was told that has not been told cleared.
    is_faulty: bool,
}

/// What the scale said to a consent at this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    NotAsked,
    Accepted,
    Refused(Response),
    Missing,
}

/// Where the turn is, as a place among the users.
#[derive(Clone, Copy, Debug)]
enum Step {
    Resting,
    Asked { turn: usize, at: Instant },
    Listening { turn: usize, heard: Instant },
}

impl Consents {
    pub(super) fn new(consents: &[Consent]) -> Self {
        let user = |consent: &Consent| User { consent: *consent, answer: Answer::NotAsked, is_faulty: false };
        Self { users: consents.iter().map(user).collect(), step: Step::Resting, until: Instant::default() }
    }

    /// A connection begins. A scale without users is asked nothing.
    pub(super) fn begin(&mut self, now: Instant) -> Vec<Request> {
        if self.users.is_empty() {
            return Vec::new();
        }
        for user in &mut self.users {
            user.answer = Answer::NotAsked;
        }
        self.until = now.after(TURNS);
        let subscribe = [USER_CONTROL_POINT, DATABASE_CHANGE_INCREMENT].map(Request::Subscribe);
        subscribe.into_iter().chain(self.ask(0, now)).collect()
    }

    /// A measurement came: there may be more for the same user.
    pub(super) fn measured(&mut self, now: Instant) {
        if let Step::Listening { heard, .. } = &mut self.step {
            *heard = now;
        }
    }

    /// Takes in what the control point said.
    pub(super) fn answered(&mut self, procedure: Procedure, visit: &Visit<'_>) -> Taken {
        let (Step::Asked { turn, .. }, Procedure::Response(response)) = (self.step, procedure) else {
            return Taken::learned();
        };
        if !response.is_to_consent() {
            return Taken::learned();
        }
        if response.is_success() {
            self.step = Step::Listening { turn, heard: visit.now };
            let is_first = self.users.get(turn).is_some_and(|user| user.answer == Answer::NotAsked);
            // It cannot be read without consent.
            let requests = is_first.then_some(Request::Read(DATABASE_CHANGE_INCREMENT));
            let observations = self.learn(turn, Answer::Accepted, visit.device);
            return Taken { observations, requests: requests.into_iter().collect(), ..Taken::default() };
        }
        let observations = self.learn(turn, Answer::Refused(response), visit.device);
        Taken { observations, requests: self.pass_turn(turn, visit.now), ..Taken::default() }
    }

    pub(super) fn handle_timeout(&mut self, visit: &Visit<'_>) -> Taken {
        if self.poll_timeout().is_none_or(|due| visit.now < due) {
            return Taken::default();
        }
        match self.step {
            Step::Resting => Taken::default(),
            Step::Asked { turn, .. } => {
                // Whatever is asked next would not be answered either.
                self.step = Step::Resting;
                Taken::measured(self.learn(turn, Answer::Missing, visit.device))
            }
            Step::Listening { turn, .. } => {
                Taken { requests: self.pass_turn(turn, visit.now), ..Taken::default() }
            }
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        match self.step {
            Step::Resting => None,
            Step::Asked { at, .. } => Some(at.after(ANSWER)),
            Step::Listening { heard, .. } => Some(heard.after(QUIET)),
        }
    }

    /// The connection is over.
    pub(super) fn end(&mut self) {
        self.step = Step::Resting;
    }

    /// What the scale said to each; empty where nobody needs to consent.
    pub(super) fn describe(&self) -> Description {
        if self.users.is_empty() {
            return Description::default();
        }
        let users = self.users.iter().map(|user| {
            let answer = match user.answer {
                Answer::NotAsked => "not-asked".into(),
                Answer::Accepted => "accepted".into(),
                Answer::Refused(response) => response.in_words(),
                Answer::Missing => "not-answered".into(),
            };
            let fields = Description::default().with("user", user.consent.user).with("answer", answer);
            FieldValue::Fields(fields)
        });
        Description::default().with("consents", FieldValue::List(users.collect()))
    }

    fn ask(&mut self, turn: usize, now: Instant) -> Option<Request> {
        let consent = self.users.get(turn)?.consent;
        self.step = Step::Asked { turn, at: now };
        let bytes = Procedure::Consent(consent).encode();
        Some(Request::Write { characteristic: USER_CONTROL_POINT, bytes })
    }

    /// The next user's turn. Where there is none, the one who consented last remains.
    fn pass_turn(&mut self, turn: usize, now: Instant) -> Vec<Request> {
        self.step = Step::Resting;
        let again = now < self.until;
        let next = (0..self.users.len())
            .cycle()
            .skip(turn.saturating_add(1))
            .take(self.users.len().saturating_sub(1))
            .find(|place| match self.users.get(*place).map(|user| user.answer) {
                Some(Answer::NotAsked) => true,
                Some(Answer::Accepted) => again,
                Some(Answer::Refused(_) | Answer::Missing) | None => false,
            });
        next.and_then(|place| self.ask(place, now)).into_iter().collect()
    }

    /// A user whose measurements are not given out is a fault, told once, until they are.
    fn learn(&mut self, turn: usize, answer: Answer, device: &DeviceId) -> Vec<Observation> {
        let Some(user) = self.users.get_mut(turn) else { return Vec::new() };
        user.answer = answer;
        let is_faulty = answer != Answer::Accepted;
        if std::mem::replace(&mut user.is_faulty, is_faulty) == is_faulty {
            return Vec::new();
        }
        let event = if is_faulty { Event::DeviceFault } else { Event::DeviceFaultCleared };
        let told = Observation::new(device.clone(), Metric::USER_CONSENT, Value::Event(event));
        vec![Observation { user: Some(user.consent.user), ..told }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gatt::user_data::ConsentCode;

    /// Users 1 and 2 with codes 1111 and 2222.
    fn two() -> Consents {
        Consents::new(&[
            Consent { user: 1, code: ConsentCode(1111) },
            Consent { user: 2, code: ConsentCode(2222) },
        ])
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    /// Whom the requests ask to consent.
    fn asked(requests: &[Request]) -> Vec<u8> {
        let user = |request: &Request| {
            let Request::Write { bytes, .. } = request else { return None };
            bytes.get(1).copied()
        };
        requests.iter().filter_map(user).collect()
    }

    fn events(taken: &Taken) -> Vec<(Option<u8>, String)> {
        taken.observations.iter().map(|o| (o.user, o.value.to_string())).collect()
    }

    fn answered(consents: &mut Consents, value: u8, now: Instant) -> Taken {
        let response = Response { request: 2, value, parameter: None };
        let device = "scale-1".parse().unwrap();
        consents.answered(
            Procedure::Response(response),
            &Visit { device: &device, home_time: None, now, is_stored: false },
        )
    }

    fn waited(consents: &mut Consents) -> (Instant, Taken) {
        let now = consents.poll_timeout().unwrap();
        let device = "scale-1".parse().unwrap();
        (now, consents.handle_timeout(&Visit { device: &device, home_time: None, now, is_stored: false }))
    }

    #[test]
    fn a_scale_without_users_is_asked_nothing() {
        let mut consents = Consents::new(&[]);
        assert!(consents.begin(at(0)).is_empty());
        assert_eq!(consents.poll_timeout(), None);
        assert!(consents.describe().fields().is_empty());
    }

    #[test]
    fn the_first_user_consents_with_the_code_once_the_answer_can_be_heard() {
        let requests = two().begin(at(0));
        let consent = Request::Write { characteristic: USER_CONTROL_POINT, bytes: vec![2, 1, 0x57, 0x04] };
        let listen = [USER_CONTROL_POINT, DATABASE_CHANGE_INCREMENT].map(Request::Subscribe);
        assert_eq!(requests, [&listen[..], &[consent]].concat());
    }

    #[test]
    fn each_user_has_a_turn_for_as_long_as_measurements_come_and_turns_go_round_for_a_minute() {
        let mut consents = two();
        consents.begin(at(0));
        let accepted = answered(&mut consents, 1, at(1));
        assert_eq!(accepted.requests, [Request::Read(DATABASE_CHANGE_INCREMENT)]);
        consents.measured(at(3));
        let mut turns = Vec::new();
        while consents.poll_timeout().is_some() {
            let (now, taken) = waited(&mut consents);
            turns.extend(asked(&taken.requests));
            if !taken.requests.is_empty() {
                answered(&mut consents, 1, now);
            }
            assert!(turns.len() > 1 || now == at(6), "three seconds after the measurement");
        }
        assert!(turns.starts_with(&[2, 1, 2]) && turns.len() == 18, "{turns:?}");
    }

    #[test]
    fn a_refusal_is_told_once_and_the_next_user_is_asked() {
        let mut consents = two();
        for told in [vec![(Some(1), "device-fault".to_owned())], vec![]] {
            consents.begin(at(0));
            let refused = answered(&mut consents, 5, at(1));
            assert_eq!((events(&refused), asked(&refused.requests)), (told, vec![2]));
            answered(&mut consents, 1, at(2));
            assert!(asked(&waited(&mut consents).1.requests).is_empty(), "the refused one is left in peace");
            consents.end();
        }
        consents.begin(at(60));
        assert_eq!(
            events(&answered(&mut consents, 1, at(61))),
            [(Some(1), "device-fault-cleared".to_owned())]
        );
    }

    #[test]
    fn a_scale_that_does_not_answer_is_a_fault_and_is_asked_no_more() {
        let mut consents = two();
        consents.begin(at(0));
        let (now, taken) = waited(&mut consents);
        assert_eq!((now, events(&taken)), (at(30), vec![(Some(1), "device-fault".to_owned())]));
        assert!(taken.requests.is_empty() && consents.poll_timeout().is_none());
        assert!(answered(&mut consents, 1, at(31)).requests.is_empty(), "an answer to nothing");
    }

    #[test]
    fn a_scale_that_goes_before_it_answers_is_no_fault() {
        let mut consents = two();
        consents.begin(at(0));
        consents.end();
        assert_eq!(consents.poll_timeout(), None);
    }

    #[test]
    fn what_the_scale_said_is_shown_without_the_codes() {
        let mut consents = two();
        consents.begin(at(0));
        answered(&mut consents, 5, at(1));
        let shown = format!("{:?}", consents.describe());
        assert!(shown.contains("user-not-authorized") && shown.contains("not-asked"), "{shown}");
        assert!(!shown.contains("1111") && !format!("{consents:?}").contains("1111"));
    }
}
