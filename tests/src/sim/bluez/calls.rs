//! The D-Bus methods of bluetoothd, with the errors it refuses them with.

use std::collections::HashMap;

use zbus::{DynamicType, Message, OwnedObjectPath, OwnedVariant};

use super::{
    daemon::{ADAPTER, ADAPTER_PATH, CHARACTERISTIC, DEVICE, Daemon},
    objects::{OBJECT_MANAGER, PROPERTIES},
    peripheral::Event,
};

type Options = HashMap<String, OwnedVariant>;

/// The reply to send now, or `None` where it comes later.
type Answer = Result<Option<Message>, Refusal>;

/// A D-Bus error reply.
struct Refusal {
    name: &'static str,
    text: String,
}

impl Daemon {
    /// Performs a method call and emits what follows from it.
    pub(super) fn call(&mut self, call: &Message) {
        match self.answer(call) {
            Ok(None) => {}
            Ok(Some(reply)) => self.emit(Ok(reply)),
            Err(Refusal { name, text }) => {
                self.emit(Message::error(&call.header(), name).build(&text));
            }
        }
    }

    fn answer(&mut self, call: &Message) -> Answer {
        let header = call.header();
        let (Some(path), Some(member)) = (header.path(), header.member()) else {
            return Err(unknown_method(call));
        };
        let path = path.as_str();
        let client = header.sender().map_or("", |sender| sender.as_str());
        match (header.interface().map_or("", |interface| interface.as_str()), member.as_str()) {
            ("org.freedesktop.DBus.Introspectable", "Introspect") => match self.objects.introspect(path) {
                Some(xml) => reply(call, &xml),
                None => Err(unknown_object(path)),
            },
            (OBJECT_MANAGER, "GetManagedObjects") if path == "/" => reply(call, &self.objects.all()?),
            (PROPERTIES, "Get") => self.get_property(call, path),
            (PROPERTIES, "GetAll") => self.get_all_properties(call, path),
            (PROPERTIES, "Set") => self.set_property(call, path),
            (ADAPTER, method) if path == ADAPTER_PATH && self.objects.contains(path) => {
                self.adapter_method(call, client, method)
            }
            (DEVICE, method) if self.objects.properties(path, DEVICE).is_some() => {
                self.device_method(call, path, method)
            }
            (CHARACTERISTIC, method) if self.objects.properties(path, CHARACTERISTIC).is_some() => {
                self.characteristic_method(call, path, client, method)
            }
            _ if self.objects.introspect(path).is_none() => Err(unknown_object(path)),
            _ => Err(unknown_method(call)),
        }
    }

    fn get_property(&self, call: &Message, path: &str) -> Answer {
        let body = call.body();
        let (interface, name): (&str, &str) = body.deserialize()?;
        match self.objects.get(path, interface, name) {
            Some(value) => reply(call, value),
            None => {
                Err(refused("org.freedesktop.DBus.Error.InvalidArgs", format!("No such property '{name}'")))
            }
        }
    }

    fn get_all_properties(&self, call: &Message, path: &str) -> Answer {
        let body = call.body();
        match self.objects.properties(path, body.deserialize()?) {
            Some(properties) => reply(call, properties),
            None => Err(unknown_object(path)),
        }
    }

    fn set_property(&mut self, call: &Message, path: &str) -> Answer {
        let body = call.body();
        let (interface, name, value): (&str, &str, OwnedVariant) = body.deserialize()?;
        match (interface, name, bool::try_from(&value)) {
            (ADAPTER, "Powered", Ok(on)) if self.objects.contains(path) => self.power(on),
            (DEVICE, "Trusted", Ok(trusted)) if self.objects.contains(path) => {
                self.set(path, DEVICE, [("Trusted", trusted.into())]);
            }
            _ => {
                return Err(refused(
                    "org.freedesktop.DBus.Error.PropertyReadOnly",
                    format!("Property '{name}' is not writable"),
                ));
            }
        }
        reply(call, &())
    }

    fn adapter_method(&mut self, call: &Message, client: &str, method: &str) -> Answer {
        match method {
            "SetDiscoveryFilter" => {
                let body = call.body();
                let mut filter: Options = body.deserialize()?;
                let services =
                    filter.remove("UUIDs").map(Vec::<String>::try_from).transpose()?.unwrap_or_default();
                self.discovery.entry(client.to_owned()).or_default().services = services;
            }
            "StartDiscovery" if !self.powered() => {
                return Err(refused("org.bluez.Error.NotReady", "Resource Not Ready"));
            }
            "StartDiscovery" => {
                let discovery = self.discovery.entry(client.to_owned()).or_default();
                if discovery.running {
                    return Err(refused("org.bluez.Error.InProgress", "Operation already in progress"));
                }
                discovery.running = true;
                self.discovery_changed();
            }
            "StopDiscovery" => {
                match self.discovery.get_mut(client).filter(|discovery| discovery.running) {
                    Some(discovery) => discovery.running = false,
                    None => return Err(refused("org.bluez.Error.Failed", "No discovery started")),
                }
                self.discovery_changed();
            }
            "RemoveDevice" => {
                let body = call.body();
                let device: OwnedObjectPath = body.deserialize()?;
                if self.objects.properties(&device, DEVICE).is_none() {
                    return Err(refused("org.bluez.Error.DoesNotExist", "Does Not Exist"));
                }
                self.disconnect(&device);
                self.forget(&device);
            }
            _ => return Err(unknown_method(call)),
        }
        reply(call, &())
    }

    fn device_method(&mut self, call: &Message, device: &str, method: &str) -> Answer {
        let (powered, connected) = (self.powered(), self.connected(device));
        let Some(station) = self.air.get_mut(device) else { return Err(unknown_object(device)) };
        match method {
            "Connect" if connected => reply(call, &()),
            "Connect" if station.connecting.is_some() => {
                Err(refused("org.bluez.Error.InProgress", "Operation already in progress"))
            }
            "Connect" if !powered => Err(refused("org.bluez.Error.NotReady", "Resource Not Ready")),
            "Connect" => {
                self.await_advertisement(device, call);
                Ok(None)
            }
            "Disconnect" => {
                let given_up = station.connecting.take();
                match given_up {
                    Some((attempt, _)) => self.abort_connect(&attempt),
                    None if connected => self.disconnect(device),
                    None => return Err(refused("org.bluez.Error.NotConnected", "Not Connected")),
                }
                reply(call, &())
            }
            _ => Err(unknown_method(call)),
        }
    }

    fn characteristic_method(&mut self, call: &Message, path: &str, client: &str, method: &str) -> Answer {
        // A characteristic lies two levels below its device.
        let device = path.rsplitn(3, '/').last().unwrap_or_default().to_owned();
        let connected = self.connected(&device);
        let Some(station) = self.air.get_mut(&device) else { return Err(unknown_object(path)) };
        let Some(characteristic) = station.characteristic(path) else {
            return Err(unknown_object(path));
        };
        let uuid = characteristic.uuid;
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
            "ReadValue" | "WriteValue" | "StartNotify" if !connected => {
                Err(refused("org.bluez.Error.Failed", "Not connected"))
            }
            "ReadValue" => {
                let options: Options = body.deserialize()?;
                let offset = options.get("offset").and_then(|offset| u16::try_from(offset).ok()).unwrap_or(0);
                let Some(value) = characteristic.value.get(usize::from(offset)..).map(<[u8]>::to_vec) else {
                    return Err(refused("org.bluez.Error.InvalidOffset", "Invalid offset"));
                };
                // As BlueZ does: a read, too, changes the property, and clients hear it like a notification.
                self.set(path, CHARACTERISTIC, [("Value", value.clone().into())]);
                reply(call, &value)
            }
            "WriteValue" => {
                let (value, _): (Vec<u8>, Options) = body.deserialize()?;
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

/// A call whose body is not what the method takes.
impl From<zbus::Error> for Refusal {
    fn from(error: zbus::Error) -> Self {
        refused("org.freedesktop.DBus.Error.InvalidArgs", error.to_string())
    }
}

fn refused(name: &'static str, text: impl Into<String>) -> Refusal {
    Refusal { name, text: text.into() }
}

fn unknown_object(path: &str) -> Refusal {
    refused("org.freedesktop.DBus.Error.UnknownObject", format!("Unknown object '{path}'"))
}

fn unknown_method(call: &Message) -> Refusal {
    let header = call.header();
    let member = header.member().map_or("", |member| member.as_str());
    refused("org.freedesktop.DBus.Error.UnknownMethod", format!("Method \"{member}\" doesn't exist"))
}

fn reply<B: serde::Serialize + DynamicType>(call: &Message, body: &B) -> Answer {
    Ok(Some(Message::method_return(&call.header()).build(body)?))
}
