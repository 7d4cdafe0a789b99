//! What is tested, in the order in which it is.

mod dose;
mod event;
mod plan;
mod power;
mod session;

use varde_link::Link;

use super::bench::{Bench, Failed};

macro_rules! checks {
    ($($name:ident $text:literal $promise:literal $run:path,)*) => {
        /// One check.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Check {
            $(#[doc = $promise] $name,)*
        }

        impl Check {
            /// Every check.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name on the command line.
            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What a conforming device does.
            pub(super) const fn promise(self) -> &'static str {
                match self { $(Self::$name => $promise,)* }
            }

            /// Tests it.
            pub(super) async fn run<L: Link>(self, bench: &mut Bench<L>) -> Result<(), Failed> {
                match self { $(Self::$name => $run(bench).await,)* }
            }
        }
    };
}

checks! {
    Greeting "greeting" "answers each Hello, with a new session" session::greeting,
    Versions "versions" "says which versions it speaks to whom it does not understand" session::versions,
    Heartbeat "heartbeat" "tells its state after a greeting and every ten seconds" session::heartbeat,
    ForeignSession "foreign-session" "does nothing for a message of another session" session::foreign_session,
    Noise "noise" "hears the frame behind noise, half a frame and a frame of 4,000 bytes" session::noise,
    Damaged "damaged" "does nothing for a frame with a wrong checksum" session::damaged,
    Clock "clock" "takes its clock from Set clock" session::clock,
    Repeated "repeated-request" "answers a repeated request the same and does it once" session::repeated_request,
    Superseded "superseded" "refuses a number below the last" session::superseded,
    Requests "requests" "does what it says it can, and says of the rest that it does not" session::requests,
    Retransmission "retransmission" "tells an event again until it is acknowledged, and not afterwards" event::retransmission,
    NewSession "events-after-greeting" "tells what is not acknowledged again in a new session" event::after_greeting,
    WrongAcknowledgement "wrong-acknowledgement" "keeps an event when a number that it never sent is acknowledged" event::wrong_acknowledgement,
    Plan "plan" "runs a plan that was committed, and shows it" plan::committed,
    HalfPlan "half-plan" "keeps its plan when the new one is cut in the middle" plan::half,
    WrongDigest "wrong-digest" "keeps its plan when the new one's digest is wrong" plan::wrong_digest,
    OutOfOrder "out-of-order" "refuses parts of a plan in another order" plan::out_of_order,
    BadPlan "bad-plan" "refuses a plan that breaks a rule" plan::bad,
    Dose "dose" "offers a dose at its time, and settles it by the end of its window" dose::due,
    Spring "spring-night" "offers the dose of a half past two that there is not, at three" dose::spring,
    Autumn "autumn-night" "offers the dose of a half past two that comes twice, once" dose::autumn,
    PowerEvent "power-event" "keeps events, answers and plan over a loss of power" power::keeps,
    PowerPlan "power-plan" "keeps its plan when power goes while a new one comes" power::half_plan,
}

impl Check {
    /// Whether somebody has to cut the power.
    pub(super) const fn needs_hands(self) -> bool {
        matches!(self, Self::PowerEvent | Self::PowerPlan)
    }
}
