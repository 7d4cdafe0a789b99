//! The D-Bus methods of devices and their characteristics.

use zbus::Message;

use super::{
    calls::Options,
    daemon::{CHARACTERISTIC, Daemon},
    peripheral::{Event, Security},
    refusal::{
        Answer, already_exists, att_error, authentication_failed, does_not_exist, in_progress, not_connected,
        not_ready, refused, reply, unknown_method, unknown_object,
    },
};

impl Daemon {
    pub(super) fn device_method(&mut self, call: &Message, device: &str, method: &str) -> Answer {
        let (powered, connected) = (self.powered(), self.connected(device));
        let Some(station) = self.air.get(device) else { return Err(unknown_object(device)) };
        let under_way = station.attempt.is_some() || station.procedure.is_some();
        let bonded = station.is_bonded();
        match method {
            "Connect" if connected => reply(call, &()),
            "Connect" if under_way || self.faults.is_busy() => Err(in_progress()),
            "Connect" if !powered => Err(not_ready()),
            "Connect" => {
                self.await_advertisement(device, call, false);
                Ok(None)
            }
            "Disconnect" | "Pair" if self.hangs(device, call) => Ok(None),
            "Disconnect" if self.abort_attempt(device) => reply(call, &()),
            "Disconnect" if connected => {
                self.disconnect(device);
                reply(call, &())
            }
            "Disconnect" => Err(refused("org.bluez.Error.NotConnected", "Not Connected")),
            "Pair" if under_way || self.faults.is_busy() => Err(in_progress()),
            "Pair" if bonded => Err(already_exists()),
            "Pair" if !powered => Err(authentication_failed()),
            "Pair" if connected => {
                self.begin_pairing(device, Some(call.clone()), Vec::new(), Security::Encrypted);
                Ok(None)
            }
            "Pair" => {
                self.await_advertisement(device, call, true);
                Ok(None)
            }
            "CancelPairing" if self.cancel_pairing(device) => reply(call, &()),
            "CancelPairing" => Err(does_not_exist()),
            _ => Err(unknown_method(call)),
        }
    }

    pub(super) fn characteristic_method(
        &mut self,
        call: &Message,
        path: &str,
        client: &str,
        method: &str,
    ) -> Answer {
        // A characteristic lies two levels below its device.
        let device = path.rsplitn(3, '/').last().unwrap_or_default().to_owned();
        let connected = self.connected(&device);
        let Some(station) = self.air.get_mut(&device) else { return Err(unknown_object(path)) };
        let Some(characteristic) = station.characteristic(path) else {
            return Err(unknown_object(path));
        };
        let (uuid, half_open) = (characteristic.uuid, station.half_open.is_some());
        let configured = station.subscribers.contains_key(path);
        let flags = |any_of: &[&str]| characteristic.may(any_of);
        let body = call.body();
        match method {
            "ReadValue" if !flags(&["read"]) => {
                Err(refused("org.bluez.Error.NotPermitted", "Read not permitted"))
            }
            "WriteValue" if !flags(&["write", "write-without-response"]) => {
                Err(refused("org.bluez.Error.NotPermitted", "Write not permitted"))
            }
            "StartNotify" if !flags(&["notify", "indicate"]) => {
                Err(refused("org.bluez.Error.NotSupported", "Operation is not supported"))
            }
            "StopNotify" => {
                if self.unsubscribe(&device, path, client) {
                    reply(call, &())
                } else {
                    Err(refused("org.bluez.Error.Failed", "No notify session started"))
                }
            }
            "ReadValue" | "WriteValue" | "StartNotify" if !connected => Err(not_connected()),
            "ReadValue" | "WriteValue" | "StartNotify" if half_open => {
                self.hangs(&device, call);
                Ok(None)
            }
            // The peripheral refuses; BlueZ pairs for it, if that is possible, and asks again.
            "ReadValue" | "WriteValue" | "StartNotify" if station.security < characteristic.security => {
                let needed = characteristic.security;
                self.elevate(&device, call, needed);
                Ok(None)
            }
            "ReadValue" => {
                let options: Options = body.deserialize()?;
                let offset = options.get("offset").and_then(|offset| u16::try_from(offset).ok()).unwrap_or(0);
                let Some(value) = characteristic.value.get(usize::from(offset)..).map(<[u8]>::to_vec) else {
                    return Err(refused("org.bluez.Error.InvalidArguments", "Invalid offset"));
                };
                // As BlueZ does: a read, too, changes the property, and clients hear it like a notification.
                self.set(path, CHARACTERISTIC, [("Value", value.clone().into())]);
                reply(call, &value)
            }
            "WriteValue" => {
                let (value, _): (Vec<u8>, Options) = body.deserialize()?;
                if let Some(code) = characteristic.unconfigured.filter(|_| !configured) {
                    return Err(att_error(code));
                }
                let _ = station.events.send(Event::Written(uuid, value));
                reply(call, &())
            }
            "StartNotify" => {
                let clients = station.subscribers.entry(path.to_owned()).or_default();
                if !clients.insert(client.to_owned()) {
                    return Err(refused("org.bluez.Error.Failed", "Already notifying"));
                }
                if clients.len() == 1 {
                    let _ = station.events.send(Event::Subscribed(uuid));
                    self.set(path, CHARACTERISTIC, [("Notifying", true.into())]);
                }
                reply(call, &())
            }
            _ => Err(unknown_method(call)),
        }
    }
}
