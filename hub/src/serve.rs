//! `varde-hub serve`: the links, the store and, if asked for, the broker.

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use varde_wire::Lane;

use crate::checkpoint::Checkpoints;
use crate::commands::sending::Sending;
use crate::embedded::Embedded;
use crate::link::{BrokerAddress, Credentials, Gateways, Link, Outgoing};
use crate::silence::{self, Watch};
use crate::store::Store;
use crate::waiting::{self, Waiting};
use crate::{Answer, Directory, Error, Intake};

/// Receipts and commands that wait for a link. What comes on top is let go, and asked for or sent again.
const MOST_OUTGOING: usize = 1024;

/// Which broker the hub hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broker {
    /// One that runs elsewhere.
    At(BrokerAddress),
    /// One within this process, on this address; port 0 takes any that is free.
    Embedded(SocketAddr),
}

/// Receives until `stop` is done. Calls `ready` once both lanes are heard, with the broker's address.
///
/// What was committed when it stops stays; what was not is sent again.
///
/// # Errors
/// Where the keys, the certificates, the database or the embedded broker's address cannot be used. A broker
/// that cannot be reached is no error: it is tried again and again.
pub async fn serve(
    directory: &Directory,
    database: &Path,
    broker: Broker,
    ready: impl FnOnce(&BrokerAddress),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    // mqtt5 takes the process's default. Another one may be set already; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let credentials = Arc::new(Credentials::load(directory)?);
    let intake = Intake::new(Store::open(database)?, directory.clone())?;
    let (stopping, stopped) = watch::channel(false);
    let (mut tasks, mut broker_task) = (JoinSet::new(), JoinSet::new());
    let address = match broker {
        Broker::At(address) => address,
        Broker::Embedded(address) => {
            let embedded = Embedded::bind(directory, address).await?;
            let address = BrokerAddress::local(reachable(embedded.address()?));
            broker_task.spawn(embedded.run());
            address
        }
    };

    let waiting = Arc::new(Waiting::default());
    let (came_online, online) = std::sync::mpsc::channel();
    let (signs, signs_heard) = silence::signs();
    let mut link = |lane, gateways| {
        let (sender, outgoing) = mpsc::channel(MOST_OUTGOING);
        let (up, is_up) = watch::channel(false);
        let (broker, credentials) = (address.clone(), Arc::clone(&credentials));
        let waiting = Arc::clone(&waiting);
        let link = Link { lane, broker, credentials, waiting, outgoing, gateways, up };
        tasks.spawn(link.run(stopped.clone()));
        (sender, is_up)
    };
    let gateways = Gateways { online: came_online, signs: signs.clone() };
    let (urgent, urgent_is_up) = link(Lane::Urgent, Some(gateways));
    let (routine, routine_is_up) = link(Lane::Routine, None);
    // Commands go over the connection that is never busy with a backlog.
    let sending =
        Sending::new(Store::open(database)?, directory.clone(), urgent.clone(), urgent_is_up.clone());
    let sending = sending.begin(online, stopped.clone()).map_err(Error::Runtime)?;
    let watch = Watch::new(Store::open(database)?, urgent_is_up.clone())?;
    let watching = watch.begin(signs_heard, stopped.clone()).map_err(Error::Runtime)?;
    let senders = [(Lane::Urgent, urgent), (Lane::Routine, routine)];
    let heard = [urgent_is_up, routine_is_up];
    let checkpoints = Checkpoints::begin(Store::open(database)?).map_err(Error::Runtime)?;
    let answer = move |answers| hand_out(&senders, answers);
    let store =
        waiting::keep(Arc::clone(&waiting), intake, checkpoints, (answer, signs)).map_err(Error::Runtime)?;

    tokio::pin!(stop);
    let all_heard = async {
        for mut is_up in heard {
            // The sender lives as long as its link, which does not end.
            let _ = is_up.wait_for(|up| *up).await;
        }
    };
    tokio::select! {
        () = all_heard => {
            ready(&address);
            stop.await;
        }
        () = &mut stop => {}
    }
    // First nothing more comes in, then what waits is stored.
    stopping.send_replace(true);
    while tasks.join_next().await.is_some() {}
    broker_task.shutdown().await;
    waiting.close();
    let ended = tokio::task::spawn_blocking(move || (store.join(), sending.join(), watching.join()));
    if !matches!(ended.await, Ok((Ok(()), Ok(()), Ok(())))) {
        tracing::error!("a thread of the store broke; what it had committed stays");
    }
    Ok(())
}

fn hand_out(links: &[(Lane, mpsc::Sender<Outgoing>)], answers: Vec<Answer>) {
    for answer in answers {
        if let Some((_, link)) = links.iter().find(|(lane, _)| *lane == answer.lane) {
            // A link that is down or overrun: the gateway resends, and is answered again.
            let _ = link.try_send(answer.into());
        }
    }
}

/// Where this machine reaches a listener of its own that listens on every address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}
