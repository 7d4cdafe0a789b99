//! What mosquitto 2 needs to be the broker of this hub.

use std::path::Path;

use varde_wire::MAX_BATCH_BYTES;

/// Where a broker listens unless it is told otherwise.
pub(crate) const PORT: u16 = 8883;

/// The access list: the same rules as [`crate::access`].
pub(crate) const ACCESS_LIST: &str = "\
# %u is the common name of the client's certificate: each gateway has its own level and no other.
user hub
topic readwrite varde/v1/#

pattern write varde/v1/%u/up/#
pattern write varde/v1/%u/status
pattern write varde/v1/%u/heartbeat
pattern read varde/v1/%u/receipt/#
pattern read varde/v1/%u/command
";

/// The configuration. `directory` holds the other files.
pub(crate) fn configuration(directory: &Path) -> String {
    let directory = directory.display();
    format!(
        "\
# mosquitto 2 as the broker of a Varde hub: mosquitto -c {directory}/mosquitto.conf
# The user that mosquitto runs as must be able to read this directory; moved elsewhere, mend the paths.
per_listener_settings false
listener {PORT}

# Both sides show a certificate of this hub's authority, and the client's common name is who it is.
cafile {directory}/ca.crt
certfile {directory}/server.crt
keyfile {directory}/server.key
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {directory}/acl

# An alarm is one small packet: it must not wait for the acknowledgement of the packet before it.
set_tcp_nodelay true

# The gateways' outboxes are the only sessions: what the broker forgets is sent again.
persistence false

# Room for every batch under way, and an end to it. Messages beyond are dropped and sent again.
max_inflight_messages 64
max_queued_messages 1000
max_queued_bytes 67108864
message_size_limit {MAX_BATCH_BYTES}
"
    )
}
