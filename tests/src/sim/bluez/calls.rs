//! The D-Bus methods of bluetoothd: who is meant, properties, the adapter and the agents.

use std::collections::HashMap;

use zbus::{Message, OwnedObjectPath, OwnedVariant};

use super::{
    agents::{AGENT_MANAGER, MANAGER_PATH},
    association::Capability,
    daemon::{ADAPTER, ADAPTER_PATH, CHARACTERISTIC, DEVICE, Daemon},
    objects::{OBJECT_MANAGER, PROPERTIES},
    refusal::{
        Answer, already_exists, busy, does_not_exist, invalid_arguments, not_ready, refused, reply,
        unknown_method, unknown_object,
    },
};

pub(super) type Options = HashMap<String, OwnedVariant>;

impl Daemon {
    /// Performs a method call and emits what follows from it.
    pub(super) fn call(&mut self, call: &Message) {
        self.calls += 1;
        match self.answer(call) {
            Ok(None) => {}
            Ok(Some(reply)) => self.emit(Ok(reply)),
            Err(refusal) => self.emit(refusal.reply(call)),
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
            (AGENT_MANAGER, method) if path == MANAGER_PATH => self.agent_method(call, client, method),
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
            (ADAPTER, "Powered", Ok(true)) if self.faults.blocked => {
                return Err(refused("org.bluez.Error.Blocked", "Blocked through rfkill"));
            }
            (ADAPTER, "Powered", Ok(on)) if self.objects.contains(path) => self.power(on),
            (DEVICE, "Trusted", Ok(trusted)) if self.objects.contains(path) => {
                self.set(path, DEVICE, [("Trusted", trusted.into())]);
                self.air.entry(path.to_owned()).and_modify(|station| station.trusted = trusted);
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
                let duplicates = filter.get("DuplicateData").is_some_and(|it| bool::try_from(it) == Ok(true));
                let discovery = self.discovery.entry(client.to_owned()).or_default();
                (discovery.services, discovery.duplicates) = (services, duplicates);
            }
            "StartDiscovery" if !self.powered() => {
                return Err(not_ready());
            }
            "StartDiscovery" if self.faults.is_busy() => return Err(busy()),
            "StartDiscovery" => {
                let discovery = self.discovery.entry(client.to_owned()).or_default();
                if discovery.running {
                    return Err(busy());
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
                    return Err(does_not_exist());
                }
                self.abort_attempt(&device);
                self.disconnect(&device);
                self.forget(&device);
                // The peripheral does not hear of it and keeps its half of the bond.
                self.air.entry(device.to_string()).and_modify(|it| (it.ours, it.trusted) = (None, false));
            }
            _ => return Err(unknown_method(call)),
        }
        reply(call, &())
    }

    fn agent_method(&mut self, call: &Message, client: &str, method: &str) -> Answer {
        let body = call.body();
        match method {
            "RegisterAgent" => {
                let (path, capability): (OwnedObjectPath, &str) = body.deserialize()?;
                let capability = Capability::named(capability).ok_or_else(invalid_arguments)?;
                if !self.agents.register(client, path.to_string(), capability) {
                    return Err(already_exists());
                }
            }
            "UnregisterAgent" => {
                let path: OwnedObjectPath = body.deserialize()?;
                if !self.agents.unregister(client, &path) {
                    return Err(does_not_exist());
                }
            }
            "RequestDefaultAgent" => {
                let _path: OwnedObjectPath = body.deserialize()?;
                if !self.agents.make_default(client) {
                    return Err(does_not_exist());
                }
            }
            _ => return Err(unknown_method(call)),
        }
        self.pairable_changed();
        reply(call, &())
    }
}
