//! What BlueZ asks while it pairs (doc/org.bluez.Agent.rst), and whom it may ask for.
//!
//! Only questions of bluetoothd itself about the chosen device are passed on. Whatever else is asked is
//! refused and counted: a stranger in the stairwell who tries to pair while the window is open gets nothing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use zbus::message::{Message, Type};
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath};

use super::Question;

pub(super) const AGENT_PATH: &str = "/varde/agent";
/// Numbers can be shown, compared and typed: the strongest way that the device knows is taken.
pub(super) const CAPABILITY: &str = "KeyboardDisplay";

const AGENT: &str = "org.bluez.Agent1";
/// BlueZ asks one thing at a time; whoever asks more is not waited for.
const WAITING: usize = 8;

/// Something that reached the agent about the chosen device.
#[derive(Debug)]
pub(super) enum Event {
    /// A question; the call awaits its answer, unless the question is only shown.
    Asked(Question, Message),
    /// BlueZ takes its question back.
    Withdrawn,
}

/// The agent as it stands on the bus. It refuses everything until a device is chosen.
#[derive(Debug)]
pub(super) struct Agent {
    gate: Arc<Mutex<Gate>>,
    task: JoinHandle<()>,
}

/// Who may pair, and who tried.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// The device that may pair now.
    chosen: Option<OwnedObjectPath>,
    /// What was refused so far.
    pub(super) refused: u64,
}

/// What is done with a call.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The technician answers.
    Ask(Question),
    /// The technician is told; there is nothing to answer.
    Tell(Question),
    /// The question is taken back.
    Withdraw,
    /// Nothing but an acknowledgement.
    Acknowledge,
    Refuse,
    Unknown,
}

impl Agent {
    /// Serves bluetoothd, whose unique name on the bus is `bluez`.
    pub(super) async fn serve(
        connection: &Connection,
        bluez: String,
    ) -> zbus::Result<(Self, mpsc::Receiver<Event>)> {
        let rule = MatchRule::builder().msg_type(Type::MethodCall).build()?;
        let calls = MessageStream::for_match_rule(rule, connection, None).await?;
        let (events, received) = mpsc::channel(WAITING);
        let gate = Arc::new(Mutex::new(Gate::default()));
        let desk = Desk { connection: connection.clone(), bluez, gate: Arc::clone(&gate), events };
        Ok((Self { gate, task: tokio::spawn(desk.serve(calls)) }, received))
    }

    /// Lets this device pair, or none.
    pub(super) fn choose(&self, device: Option<OwnedObjectPath>) {
        self.gate().chosen = device;
    }

    /// How often somebody asked who may not.
    pub(super) fn refused(&self) -> u64 {
        self.gate().refused
    }

    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Where the calls arrive.
struct Desk {
    connection: Connection,
    bluez: String,
    gate: Arc<Mutex<Gate>>,
    events: mpsc::Sender<Event>,
}

impl Desk {
    async fn serve(self, mut calls: MessageStream) {
        while let Some(Ok(call)) = calls.next().await {
            // Without a bus there is nobody to answer, and the stream ends.
            let _ = self.receive(call).await;
        }
    }

    async fn receive(&self, call: Message) -> zbus::Result<()> {
        let verdict = self.gate.lock().unwrap_or_else(PoisonError::into_inner).judge(&call, &self.bluez);
        match verdict {
            Verdict::Ask(question) => match self.events.try_send(Event::Asked(question, call.clone())) {
                Ok(()) => Ok(()),
                Err(_) => reject(&self.connection, &call).await,
            },
            Verdict::Tell(question) => {
                let _ = self.events.try_send(Event::Asked(question, call.clone()));
                self.connection.reply(&call.header(), &()).await
            }
            Verdict::Withdraw => {
                let _ = self.events.try_send(Event::Withdrawn);
                self.connection.reply(&call.header(), &()).await
            }
            Verdict::Acknowledge => self.connection.reply(&call.header(), &()).await,
            Verdict::Refuse => reject(&self.connection, &call).await,
            Verdict::Unknown => {
                let name = "org.freedesktop.DBus.Error.UnknownMethod";
                self.connection.reply_error(&call.header(), name, &"no such method").await
            }
        }
    }
}

/// Answers a question of BlueZ's with no.
pub(super) async fn reject(connection: &Connection, call: &Message) -> zbus::Result<()> {
    connection.reply_error(&call.header(), "org.bluez.Error.Rejected", &"not wanted").await
}

impl Gate {
    fn judge(&mut self, call: &Message, bluez: &str) -> Verdict {
        let header = call.header();
        let of_agent = header.interface().is_some_and(|interface| interface == AGENT)
            && header.path().is_some_and(|path| path == AGENT_PATH);
        let Some(member) = header.member().filter(|_| of_agent) else { return Verdict::Unknown };
        if header.sender().is_none_or(|sender| sender != bluez) {
            return self.refuse();
        }
        match member.as_str() {
            "Release" => Verdict::Acknowledge,
            "Cancel" => Verdict::Withdraw,
            "DisplayPasskey"
            | "RequestPasskey"
            | "RequestConfirmation"
            | "RequestAuthorization"
            | "RequestPinCode"
            | "DisplayPinCode"
            | "AuthorizeService" => match question(call) {
                Some((device, question)) if self.chosen.as_ref() == Some(&device) => match question {
                    Question::ShowPasskey { .. } => Verdict::Tell(question),
                    Question::EnterPasskey | Question::ConfirmNumber { .. } | Question::Authorize => {
                        Verdict::Ask(question)
                    }
                },
                Some(_) | None => self.refuse(),
            },
            _ => Verdict::Unknown,
        }
    }

    fn refuse(&mut self) -> Verdict {
        self.refused = self.refused.saturating_add(1);
        Verdict::Refuse
    }
}

/// What is asked, and about whom. PIN codes and service authorisation belong to Bluetooth Classic: they are
/// not for us.
fn question(call: &Message) -> Option<(OwnedObjectPath, Question)> {
    let header = call.header();
    let body = call.body();
    match header.member()?.as_str() {
        "DisplayPasskey" => {
            let (device, passkey, entered): (_, u32, u16) = body.deserialize().ok()?;
            Some((device, Question::ShowPasskey { passkey, entered }))
        }
        "RequestPasskey" => Some((body.deserialize().ok()?, Question::EnterPasskey)),
        "RequestConfirmation" => {
            let (device, number): (_, u32) = body.deserialize().ok()?;
            Some((device, Question::ConfirmNumber { number }))
        }
        "RequestAuthorization" => Some((body.deserialize().ok()?, Question::Authorize)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use zbus::ObjectPath;

    use super::*;

    const BLUETOOTHD: &str = ":1.4";
    const CUFF: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_01";
    const STRANGER: &str = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_02";

    fn path(text: &'static str) -> ObjectPath<'static> {
        ObjectPath::try_from(text).unwrap()
    }

    /// A call of the agent, with a body of any type.
    macro_rules! call {
        ($sender:expr, $member:expr, $body:expr) => {
            Message::method_call(AGENT_PATH, $member).interface(AGENT).sender($sender).build($body).unwrap()
        };
    }

    fn open_for_the_cuff() -> Gate {
        Gate { chosen: Some(path(CUFF).into()), refused: 0 }
    }

    #[test]
    fn the_four_ways_to_be_sure_of_each_other_reach_the_technician() {
        let gate = &mut open_for_the_cuff();
        let mut judged = |call: Message| gate.judge(&call, BLUETOOTHD);
        let cuff = || path(CUFF);
        assert_eq!(
            judged(call!(BLUETOOTHD, "DisplayPasskey", &(cuff(), 42_u32, 3_u16))),
            Verdict::Tell(Question::ShowPasskey { passkey: 42, entered: 3 })
        );
        assert_eq!(
            judged(call!(BLUETOOTHD, "RequestPasskey", &cuff())),
            Verdict::Ask(Question::EnterPasskey)
        );
        assert_eq!(
            judged(call!(BLUETOOTHD, "RequestConfirmation", &(cuff(), 7_u32))),
            Verdict::Ask(Question::ConfirmNumber { number: 7 })
        );
        assert_eq!(
            judged(call!(BLUETOOTHD, "RequestAuthorization", &cuff())),
            Verdict::Ask(Question::Authorize)
        );
        assert_eq!(judged(call!(BLUETOOTHD, "Cancel", &())), Verdict::Withdraw);
        assert_eq!(judged(call!(BLUETOOTHD, "Release", &())), Verdict::Acknowledge);
        assert_eq!(gate.refused, 0);
    }

    #[test]
    fn nobody_but_bluetoothd_asks_and_about_nobody_but_the_chosen_device() {
        let gate = &mut open_for_the_cuff();
        let refused = [
            call!(BLUETOOTHD, "RequestConfirmation", &(path(STRANGER), 7_u32)),
            call!(BLUETOOTHD, "RequestAuthorization", &path(STRANGER)),
            call!(":1.66", "RequestPasskey", &path(CUFF)),
            call!(BLUETOOTHD, "RequestPinCode", &path(CUFF)),
            call!(BLUETOOTHD, "AuthorizeService", &(path(CUFF), "0000110b-0000-1000-8000-00805f9b34fb")),
            call!(BLUETOOTHD, "RequestConfirmation", &"of another shape"),
        ];
        for (count, call) in (1..).zip(&refused) {
            assert_eq!(gate.judge(call, BLUETOOTHD), Verdict::Refuse, "{call:?}");
            assert_eq!(gate.refused, count);
        }
        assert_eq!(gate.judge(&call!(BLUETOOTHD, "Reboot", &()), BLUETOOTHD), Verdict::Unknown);
    }

    #[test]
    fn while_no_device_is_chosen_everything_is_refused() {
        let gate = &mut Gate::default();
        let asked = call!(BLUETOOTHD, "RequestAuthorization", &path(CUFF));
        assert_eq!(gate.judge(&asked, BLUETOOTHD), Verdict::Refuse);
    }
}
