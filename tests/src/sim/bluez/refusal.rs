//! BlueZ's refusals, in its words.

use zbus::{DynamicType, Message};

/// The reply to send now, or `None` where it comes later.
pub(super) type Answer = Result<Option<Message>, Refusal>;

/// A D-Bus error reply.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) name: &'static str,
    pub(super) text: String,
}

/// A call whose body is not what the method takes.
impl From<zbus::Error> for Refusal {
    fn from(error: zbus::Error) -> Self {
        refused("org.freedesktop.DBus.Error.InvalidArgs", error.to_string())
    }
}

impl Refusal {
    pub(super) fn reply(&self, call: &Message) -> zbus::Result<Message> {
        Message::error(&call.header(), self.name).build(&self.text)
    }
}

pub(super) fn refused(name: &'static str, text: impl Into<String>) -> Refusal {
    Refusal { name, text: text.into() }
}

pub(super) fn unknown_object(path: &str) -> Refusal {
    refused("org.freedesktop.DBus.Error.UnknownObject", format!("Unknown object '{path}'"))
}

pub(super) fn unknown_method(call: &Message) -> Refusal {
    let header = call.header();
    let member = header.member().map_or("", |member| member.as_str());
    refused("org.freedesktop.DBus.Error.UnknownMethod", format!("Method \"{member}\" doesn't exist"))
}

pub(super) fn not_ready() -> Refusal {
    refused("org.bluez.Error.NotReady", "Resource Not Ready")
}

pub(super) fn busy() -> Refusal {
    refused("org.bluez.Error.InProgress", "Operation already in progress")
}

pub(super) fn in_progress() -> Refusal {
    refused("org.bluez.Error.InProgress", "In Progress")
}

pub(super) fn does_not_exist() -> Refusal {
    refused("org.bluez.Error.DoesNotExist", "Does Not Exist")
}

pub(super) fn already_exists() -> Refusal {
    refused("org.bluez.Error.AlreadyExists", "Already Exists")
}

pub(super) fn invalid_arguments() -> Refusal {
    refused("org.bluez.Error.InvalidArguments", "Invalid arguments in method call")
}

pub(super) fn connection_failed() -> Refusal {
    refused("org.bluez.Error.Failed", "le-connection-abort-by-local")
}

pub(super) fn not_connected() -> Refusal {
    refused("org.bluez.Error.Failed", "Not connected")
}

/// The peripheral answered Insufficient Authentication or Insufficient Encryption, and pairing did not help.
pub(super) fn not_paired() -> Refusal {
    refused("org.bluez.Error.NotPermitted", "Not paired")
}

/// The peripheral answered with an error of its profile.
pub(super) fn att_error(code: u8) -> Refusal {
    refused("org.bluez.Error.Failed", format!("Operation failed with ATT error: 0x{code:02x}"))
}

pub(super) fn authentication_failed() -> Refusal {
    refused("org.bluez.Error.AuthenticationFailed", "Authentication Failed")
}

pub(super) fn authentication_canceled() -> Refusal {
    refused("org.bluez.Error.AuthenticationCanceled", "Authentication Canceled")
}

pub(super) fn authentication_timeout() -> Refusal {
    refused("org.bluez.Error.AuthenticationTimeout", "Authentication Timeout")
}

pub(super) fn page_timeout() -> Refusal {
    refused("org.bluez.Error.ConnectionAttemptFailed", "Page Timeout")
}

pub(super) fn reply<B: serde::Serialize + DynamicType>(call: &Message, body: &B) -> Answer {
    Ok(Some(Message::method_return(&call.header()).build(body)?))
}
