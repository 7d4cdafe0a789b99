//! Pairing: what bluetoothd and the kernel do between `Device1.Pair`, the agent and the peripheral.

use std::{num::NonZeroU32, time::Duration};

use tokio::time::Instant;
use zbus::{DynamicType, Message, ObjectPath};

use super::{
    agents::Agent,
    association::{Association, Capability},
    daemon::{ADAPTER, ADAPTER_PATH, DEVICE, Daemon},
    peripheral::{Event, Security},
    refusal::{Refusal, authentication_failed, not_paired},
    station::Key,
};

const AGENT: &str = "org.bluez.Agent1";

/// Core 5.4, Vol 3, Part H, §3.4: pairing fails when its next step takes longer.
const STEP_LIMIT: Duration = Duration::from_secs(30);

/// A pairing that waits for somebody.
#[derive(Debug)]
pub(super) struct Procedure {
    /// The `Pair` to be answered; none where the peripheral's refusal of a request has begun it.
    pair: Option<Message>,
    /// Requests that the peripheral refused for want of security, to be made again.
    refused: Vec<Message>,
    agent: Agent,
    association: Association,
    /// The number of six digits that both sides go by.
    pub(super) passkey: u32,
    /// The call of the agent whose answer decides; none where the peripheral's user does.
    asked: Option<NonZeroU32>,
    until: Instant,
}

impl Daemon {
    /// Without an agent the adapter says that it has neither display nor keys, and does not keep the key.
    pub(super) fn begin_pairing(
        &mut self,
        device: &str,
        pair: Option<Message>,
        refused: Vec<Message>,
        needed: Security,
    ) {
        let caller = pair.as_ref().map(Message::header);
        let caller = caller.as_ref().and_then(|header| header.sender()).map(|sender| sender.to_string());
        let agent = self.agents.serving(caller.as_deref());
        let capability = agent.as_ref().map_or(Capability::NoInputNoOutput, |agent| agent.capability);
        let Some(station) = self.air.get(device) else { return };
        let association = station.pairs.map(|there| (Association::between(capability, there), there.demands));
        let association = association.filter(|(it, demands)| it.security() >= needed.max(*demands));
        let Some((association, _)) = association else {
            self.pairing_failed(device, pair, &refused, &authentication_failed());
            return;
        };
        let Some(agent) = agent.filter(|_| association != Association::JustWorks) else {
            self.paired(device, association, pair, &refused);
            return;
        };
        let passkey = u32::try_from(self.chance.below(1_000_000)).unwrap_or_default();
        let asked = self.ask(device, &agent, association, passkey);
        let until = Instant::now() + STEP_LIMIT;
        let procedure = Procedure { pair, refused, agent, association, passkey, asked, until };
        if let Some(station) = self.air.get_mut(device) {
            let _ = station.events.send(match association {
                Association::TypedThere => Event::PasskeyWanted,
                Association::JustWorks | Association::TypedHere | Association::Compared => {
                    Event::Passkey(passkey)
                }
            });
            station.procedure = Some(procedure);
        }
    }

    /// One more request waits for the pairing that runs, or begins one.
    pub(super) fn elevate(&mut self, device: &str, call: &Message, needed: Security) {
        let procedure = self.air.get_mut(device).and_then(|station| station.procedure.as_mut());
        match procedure {
            Some(procedure) => procedure.refused.push(call.clone()),
            None => self.begin_pairing(device, None, vec![call.clone()], needed),
        }
    }

    /// An agent has replied to a call.
    pub(super) fn agent_answered(&mut self, reply: &Message) {
        let header = reply.header();
        let asked = header.reply_serial();
        let waits = |(_, station): &(&String, &super::station::Station)| {
            asked.is_some() && station.procedure.as_ref().is_some_and(|it| it.asked == asked)
        };
        let Some(device) = self.air.iter().find(waits).map(|(device, _)| device.clone()) else { return };
        let Some(procedure) = self.air.get_mut(&device).and_then(|it| it.procedure.take()) else { return };
        let body = reply.body();
        let agreed = header.error_name().is_none()
            && match procedure.association {
                Association::TypedHere => body.deserialize::<u32>().is_ok_and(|it| it == procedure.passkey),
                Association::JustWorks | Association::TypedThere | Association::Compared => true,
            };
        self.conclude(&device, procedure, agreed);
    }

    /// The peripheral's user has typed a number.
    pub(super) fn passkey_entered(&mut self, device: &str, passkey: u32) {
        let typed_there = |procedure: &mut Procedure| procedure.association == Association::TypedThere;
        let procedure = self.air.get_mut(device).and_then(|it| it.procedure.take_if(typed_there));
        if let Some(procedure) = procedure {
            let agreed = procedure.passkey == passkey;
            self.conclude(device, procedure, agreed);
        }
    }

    pub(super) fn give_up_pairing(&mut self, device: &str, now: Instant) {
        let overdue = |station: &super::station::Station| {
            station.procedure.as_ref().is_some_and(|procedure| procedure.until <= now)
        };
        if self.air.get(device).is_some_and(overdue) {
            self.disconnect(device);
        }
    }

    /// `CancelPairing`, or the end of the client that called `Pair`; false where it pairs nothing.
    pub(super) fn cancel_pairing(&mut self, device: &str) -> bool {
        let Some(station) = self.air.get(device) else { return false };
        if station.attempt.as_ref().is_some_and(|attempt| attempt.pair) {
            return self.abort_attempt(device);
        }
        let pairs = station.procedure.as_ref().is_some_and(|procedure| procedure.pair.is_some());
        if pairs {
            self.disconnect(device);
        }
        pairs
    }

    /// The link below a pairing is gone or going.
    pub(super) fn end_pairing(&mut self, device: &str, refusal: &Refusal) {
        let Some(procedure) = self.air.get_mut(device).and_then(|it| it.procedure.take()) else { return };
        self.cancel_agent(&procedure);
        self.refuse(device, procedure.pair, &procedure.refused, refusal);
    }

    /// A client has left: its agent answers nothing more, and nobody waits for what it began.
    pub(super) fn agent_gone(&mut self, client: &str) {
        self.agents.forget(client);
        self.pairable_changed();
        let devices: Vec<String> = self.air.keys().cloned().collect();
        for device in devices {
            let Some(station) = self.air.get_mut(&device) else { continue };
            let own = |call: &Message| call.header().sender().is_some_and(|sender| sender == client);
            let began = station.attempt.as_ref().is_some_and(|attempt| attempt.pair && own(&attempt.call))
                || station.procedure.as_ref().and_then(|it| it.pair.as_ref()).is_some_and(own);
            if began {
                self.cancel_pairing(&device);
            } else if let Some(procedure) =
                station.procedure.take_if(|it| it.asked.is_some() && it.agent.client == client)
            {
                self.conclude(&device, procedure, false);
            }
        }
    }

    /// An adapter bonds while there is somebody to ask (AlwaysPairable in BlueZ's main.conf is off).
    pub(super) fn pairable_changed(&mut self) {
        let pairable = self.agents.any();
        if pairable != self.objects.is_true(ADAPTER_PATH, ADAPTER, "Pairable") {
            self.set(ADAPTER_PATH, ADAPTER, [("Pairable", pairable.into())]);
        }
    }

    fn conclude(&mut self, device: &str, procedure: Procedure, agreed: bool) {
        let Procedure { pair, refused, association, .. } = procedure;
        if agreed {
            self.paired(device, association, pair, &refused);
        } else {
            self.pairing_failed(device, pair, &refused, &authentication_failed());
        }
    }

    fn paired(&mut self, device: &str, association: Association, pair: Option<Message>, refused: &[Message]) {
        let key =
            Key { number: self.chance.next_u64(), security: association.security(), kept: self.agents.any() };
        let Some(station) = self.air.get_mut(device) else { return };
        (station.ours, station.theirs, station.security) = (Some(key), Some(key), key.security);
        let _ = station.events.send(Event::Paired);
        self.set(device, DEVICE, [("Paired", true.into()), ("Bonded", key.kept.into())]);
        if !self.objects.is_true(device, DEVICE, "ServicesResolved") {
            self.resolve_services(device);
        }
        if let Some(call) = pair {
            self.emit(Message::method_return(&call.header()).build(&()));
        }
        refused.iter().for_each(|call| self.call(call));
    }

    fn pairing_failed(
        &mut self,
        device: &str,
        pair: Option<Message>,
        refused: &[Message],
        refusal: &Refusal,
    ) {
        // What was connected for pairing alone has no more use.
        let hang_up = pair.is_some();
        self.refuse(device, pair, refused, refusal);
        if hang_up {
            self.disconnect(device);
        }
    }

    fn refuse(&mut self, device: &str, pair: Option<Message>, refused: &[Message], refusal: &Refusal) {
        if let Some(station) = self.air.get(device) {
            let _ = station.events.send(Event::PairingFailed);
        }
        if let Some(call) = pair {
            self.emit(refusal.reply(&call));
        }
        refused.iter().for_each(|call| self.emit(not_paired().reply(call)));
    }

    /// Calls the agent; gives the number of the call where its answer decides.
    fn ask(&self, device: &str, agent: &Agent, association: Association, passkey: u32) -> Option<NonZeroU32> {
        let path = ObjectPath::try_from(device).unwrap_or_default();
        match association {
            Association::JustWorks => None,
            Association::TypedHere => self.call_agent(agent, "RequestPasskey", &path),
            Association::Compared => self.call_agent(agent, "RequestConfirmation", &(path, passkey)),
            Association::TypedThere => {
                // Nothing is known of what was typed on the peripheral until it is complete.
                self.call_agent(agent, "DisplayPasskey", &(path, passkey, 0_u16));
                None
            }
        }
    }

    /// Takes a question back; what was only to be shown is not taken back.
    fn cancel_agent(&self, procedure: &Procedure) {
        if procedure.asked.is_some() {
            self.call_agent(&procedure.agent, "Cancel", &());
        }
    }

    fn call_agent<B>(&self, agent: &Agent, method: &str, body: &B) -> Option<NonZeroU32>
    where
        B: serde::Serialize + DynamicType,
    {
        let Agent { client, path, .. } = agent;
        let call = Message::method_call(path.as_str(), method)
            .interface(AGENT)
            .destination(client.as_str())
            .build(body);
        let serial = call.as_ref().ok().map(|call| call.primary_header().serial_num());
        self.emit(call);
        serial
    }
}
