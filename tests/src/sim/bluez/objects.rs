//! The objects that a D-Bus service shows: paths, interfaces and properties, with the signals their changes cause.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use zbus::{Message, ObjectPath, Type, Variant};

pub(super) const OBJECT_MANAGER: &str = "org.freedesktop.DBus.ObjectManager";
pub(super) const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The properties of one interface of one object. One that has no value is absent.
pub(super) type Properties = BTreeMap<&'static str, Variant<'static>>;
/// The interfaces of one object, by name.
type Interfaces = BTreeMap<&'static str, Properties>;

/// All objects of the service, by path.
#[derive(Debug, Default)]
pub(super) struct Objects {
    tree: BTreeMap<String, Interfaces>,
}

impl Objects {
    /// Everything, in the shape that `GetManagedObjects` answers with.
    pub(super) fn all(&self) -> zbus::Result<HashMap<ObjectPath<'_>, &Interfaces>> {
        self.tree
            .iter()
            .map(|(path, interfaces)| Ok((ObjectPath::try_from(path.as_str())?, interfaces)))
            .collect()
    }

    pub(super) fn contains(&self, path: &str) -> bool {
        self.interfaces(path).is_some()
    }

    pub(super) fn properties(&self, path: &str, interface: &str) -> Option<&Properties> {
        self.interfaces(path)?.get(interface)
    }

    pub(super) fn get(&self, path: &str, interface: &str, property: &str) -> Option<&Variant<'static>> {
        self.properties(path, interface)?.get(property)
    }

    pub(super) fn is_true(&self, path: &str, interface: &str, property: &str) -> bool {
        self.get(path, interface, property) == Some(&Variant::Bool(true))
    }

    /// Adds an object with one interface; gives the signal that announces it.
    pub(super) fn add(
        &mut self,
        path: &str,
        interface: &'static str,
        properties: Properties,
    ) -> zbus::Result<Message> {
        let interfaces = BTreeMap::from([(interface, properties)]);
        let signal = object_manager_signal("InterfacesAdded", path, &interfaces);
        self.tree.insert(path.to_owned(), interfaces);
        signal
    }

    /// Removes an object and all below it; gives the signals, children first.
    pub(super) fn remove(&mut self, path: &str) -> zbus::Result<Vec<Message>> {
        let below = format!("{path}/");
        let doomed = |known: &String| known == path || known.starts_with(&below);
        let removed: Vec<_> = self.tree.extract_if(.., |known, _| doomed(known)).collect();
        removed
            .into_iter()
            .rev()
            .map(|(path, interfaces)| {
                let interfaces: Vec<&str> = interfaces.into_keys().collect();
                object_manager_signal("InterfacesRemoved", &path, &interfaces)
            })
            .collect()
    }

    /// The paths below a path.
    pub(super) fn below(&self, path: &str) -> Vec<String> {
        let below = format!("{path}/");
        self.tree.keys().filter(|known| known.starts_with(&below)).cloned().collect()
    }

    /// Changes properties; gives the signal, which also comes where a value stays the same.
    pub(super) fn set(
        &mut self,
        path: &str,
        interface: &'static str,
        changed: Properties,
    ) -> zbus::Result<Message> {
        let signal = Message::signal(path, PROPERTIES, "PropertiesChanged").build(&(
            interface,
            &changed,
            [""; 0].as_slice(),
        ));
        if let Some(properties) = self.interface(path, interface) {
            properties.extend(changed);
        }
        signal
    }

    /// Takes a property away; gives the signal.
    pub(super) fn unset(
        &mut self,
        path: &str,
        interface: &'static str,
        property: &'static str,
    ) -> zbus::Result<Message> {
        if let Some(properties) = self.interface(path, interface) {
            properties.remove(property);
        }
        let changed = Properties::new();
        Message::signal(path, PROPERTIES, "PropertiesChanged").build(&(
            interface,
            changed,
            [property].as_slice(),
        ))
    }

    /// What stands at a path, in D-Bus's XML: interfaces by name alone, and the children. `None` where nothing does.
    pub(super) fn introspect(&self, path: &str) -> Option<String> {
        let below = if path == "/" { "/".to_owned() } else { format!("{path}/") };
        let mut children: Vec<&str> = self
            .tree
            .keys()
            .filter_map(|known| known.strip_prefix(&below)?.split('/').next())
            .filter(|child| !child.is_empty())
            .collect();
        children.dedup();
        let interfaces = self.interfaces(path);
        if interfaces.is_none() && children.is_empty() {
            return None;
        }
        let mut xml = String::from("<node>");
        for interface in interfaces.into_iter().flat_map(BTreeMap::keys) {
            let _ = write!(xml, "<interface name=\"{interface}\"/>");
        }
        for child in children {
            let _ = write!(xml, "<node name=\"{child}\"/>");
        }
        xml.push_str("</node>");
        Some(xml)
    }

    fn interface(&mut self, path: &str, interface: &str) -> Option<&mut Properties> {
        self.tree.get_mut(path)?.get_mut(interface)
    }

    fn interfaces(&self, path: &str) -> Option<&Interfaces> {
        self.tree.get(path)
    }
}

fn object_manager_signal<B: serde::Serialize + Type>(
    member: &str,
    path: &str,
    body: &B,
) -> zbus::Result<Message> {
    Message::signal("/", OBJECT_MANAGER, member).build(&(ObjectPath::try_from(path)?, body))
}
