//! A bad network: a TCP relay between the gateway and the broker whose weather can be changed while it runs.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{ReadHalf, WriteHalf},
    },
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until},
};

use super::{SimError, chance::Chance};

/// Pieces on the way in one direction of one connection; more wait in the sender's buffers.
const PIECES_UNDER_WAY: usize = 64;
const PIECE: usize = 16 * 1024;

/// How long and how fast bytes travel, each way.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Conditions {
    /// The least time on the way.
    pub latency: Duration,
    /// A random time in `0..jitter` on top; order is kept.
    pub jitter: Duration,
    /// Bytes per second of each connection and direction; `None` for no limit.
    pub bandwidth: Option<u64>,
}

/// Bytes that arrived at the far ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Carried {
    /// From the gateway to the broker.
    pub up: u64,
    /// From the broker to the gateway.
    pub down: u64,
}

/// The network. It starts in good weather; dropping it ends it.
#[derive(Debug)]
pub struct Network {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    carried: Arc<Counters>,
    relay: JoinHandle<()>,
}

impl Network {
    /// A way to `target`; `seed` decides the jitter.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn to(target: SocketAddr, seed: u64) -> Result<Self, SimError> {
        let opening = || SimError::io("opening a port for the network");
        let listener =
            bound((Ipv4Addr::LOCALHOST, 0).into()).and_then(|socket| socket.listen(64)).map_err(opening())?;
        let address = listener.local_addr().map_err(opening())?;
        let (weather, seen) = watch::channel(Weather::default());
        let carried = Arc::new(Counters::default());
        let relay =
            Relay { address, target, weather: seen, carried: carried.clone(), chance: Chance::seeded(seed) };
        Ok(Self { address, weather, carried, relay: tokio::spawn(relay.run(listener)) })
    }

    /// Where the gateway connects instead of the target. It never changes.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes carried so far, all connections together.
    pub fn carried(&self) -> Carried {
        let Counters { up, down } = &*self.carried;
        Carried { up: up.load(Ordering::Relaxed), down: down.load(Ordering::Relaxed) }
    }

    /// Changes how long and how fast what is sent from now on travels.
    pub fn set(&self, conditions: Conditions) {
        self.weather.send_modify(|weather| weather.conditions = conditions);
    }

    /// Resets all connections and refuses new ones, until [`Network::heal`].
    pub fn cut(&self) {
        self.weather.send_modify(|weather| {
            weather.state = State::Cut;
            weather.resets += 1;
        });
    }

    /// Lets nothing through and tells nobody, until [`Network::heal`]: connections stand still and new ones are
    /// accepted but lead nowhere. What was under way arrives late, as TCP sees to.
    pub fn black_hole(&self) {
        self.weather.send_modify(|weather| weather.state = State::BlackHole);
    }

    /// Forgets the connections there are, as a router does that was switched off and on: the target sees them end,
    /// the gateway sees them stand still, and what it sends into them is lost. New connections work.
    pub fn half_open(&self) {
        self.weather.send_modify(|weather| weather.forgets += 1);
    }

    /// Makes the weather good again. Conditions stay; forgotten connections are reset.
    pub fn heal(&self) {
        self.weather.send_modify(|weather| {
            weather.state = State::Good;
            weather.healed_forgets = weather.forgets;
        });
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        self.relay.abort();
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Weather {
    conditions: Conditions,
    state: State,
    /// Counts of what hits the connections that stand at that moment and no later ones.
    resets: u64,
    forgets: u64,
    /// How many of `forgets` were healed.
    healed_forgets: u64,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum State {
    #[default]
    Good,
    Cut,
    BlackHole,
}

#[derive(Debug, Default)]
struct Counters {
    up: AtomicU64,
    down: AtomicU64,
}

/// The accepting side.
struct Relay {
    address: SocketAddr,
    target: SocketAddr,
    weather: watch::Receiver<Weather>,
    carried: Arc<Counters>,
    chance: Chance,
}

impl Relay {
    /// Ends when the network is dropped; its connections end with it.
    async fn run(mut self, listener: TcpListener) {
        let mut connections = JoinSet::new();
        let mut listener = Some(listener);
        let mut weather = self.weather.clone();
        while let Some(listening) = listener.take() {
            tokio::select! {
                accepted = listening.accept() => {
                    if let Ok((gateway, _)) = accepted {
                        connections.spawn(self.connection().carry(gateway));
                    }
                    listener = Some(listening);
                }
                () = until(&mut weather, |now| now.state == State::Cut) => {
                    drop(listening);
                    // Bound but not listening: the port stays ours and the kernel refuses whoever comes.
                    let kept = insist(|| bound(self.address)).await;
                    until(&mut weather, |now| now.state != State::Cut).await;
                    listener = match kept.listen(64) {
                        Ok(listening) => Some(listening),
                        Err(_) => Some(insist(|| bound(self.address)?.listen(64)).await),
                    };
                }
            }
            while connections.try_join_next().is_some() {}
        }
    }

    fn connection(&mut self) -> Connection {
        Connection {
            target: self.target,
            born: *self.weather.borrow(),
            weather: self.weather.clone(),
            carried: self.carried.clone(),
            chances: [self.chance.branch(), self.chance.branch()],
        }
    }
}

/// One connection of the gateway.
struct Connection {
    target: SocketAddr,
    born: Weather,
    weather: watch::Receiver<Weather>,
    carried: Arc<Counters>,
    chances: [Chance; 2],
}

/// How a connection ends.
enum End {
    InGoodOrder,
    Reset,
    Forgotten,
}

impl Connection {
    async fn carry(self, mut gateway: TcpStream) {
        let born = self.born;
        let mut weather = self.weather.clone();
        let mut cut = self.weather.clone();
        let cut = until(&mut cut, |now| now.resets != born.resets || now.state == State::Cut);
        tokio::pin!(cut);
        let may_connect = tokio::select! {
            () = until(&mut weather, |now| now.state == State::Good) => true,
            () = &mut cut => false,
        };
        // Not abandoned half-way, or the target would see an end in good order. It is near; it answers at once.
        let connected = if may_connect { TcpStream::connect(self.target).await.ok() } else { None };
        let end = match connected {
            None => End::Reset,
            Some(mut broker) => {
                let end = tokio::select! {
                    end = self.relay(&mut gateway, &mut broker) => end,
                    () = &mut cut => End::Reset,
                    () = until(&mut weather, |now| now.forgets != born.forgets) => End::Forgotten,
                };
                if !matches!(end, End::InGoodOrder) {
                    // Closing then sends a reset instead of an end; should that fail, the target sees an end.
                    let _ = broker.set_zero_linger();
                }
                end
            }
        };
        if matches!(end, End::Forgotten) {
            tokio::select! {
                () = swallow(&mut gateway) => {}
                () = cut => {}
                () = until(&mut weather, |now| now.healed_forgets > born.forgets) => {}
            }
        }
        if !matches!(end, End::InGoodOrder) {
            let _ = gateway.set_zero_linger();
        }
    }

    async fn relay(self, gateway: &mut TcpStream, broker: &mut TcpStream) -> End {
        // The relay must not hold back what the two programs sent at once.
        let _ = (gateway.set_nodelay(true), broker.set_nodelay(true));
        let Self { weather, carried, chances: [up, down], .. } = self;
        let (from_gateway, to_gateway) = gateway.split();
        let (from_broker, to_broker) = broker.split();
        let there = travel(from_gateway, to_broker, weather.clone(), &carried.up, up);
        let back = travel(from_broker, to_gateway, weather, &carried.down, down);
        match tokio::try_join!(there, back) {
            Ok(_) => End::InGoodOrder,
            Err(_) => End::Reset,
        }
    }
}

/// Reads and forgets, the end of the stream too.
async fn swallow(gateway: &mut TcpStream) {
    let mut lost = vec![0; PIECE];
    while gateway.read(&mut lost).await.is_ok_and(|len| len > 0) {}
    std::future::pending().await
}

/// Waits for a change in the weather; forever, once the network is dropped.
async fn until(weather: &mut watch::Receiver<Weather>, change: impl FnMut(&Weather) -> bool) {
    if weather.wait_for(change).await.is_err() {
        std::future::pending().await
    }
}

/// Carries bytes one way until the sender ends and that end has arrived too.
async fn travel(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    weather: watch::Receiver<Weather>,
    arrived: &AtomicU64,
    mut chance: Chance,
) -> std::io::Result<()> {
    let (under_way, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(PIECES_UNDER_WAY);
    let mut seen = weather.clone();
    let departures = async move {
        // When the line is free again after the last piece, and when that one arrives.
        let (mut free, mut last) = (Instant::now(), Instant::now());
        loop {
            let mut piece = vec![0; PIECE];
            let len = from.read(&mut piece).await?;
            piece.truncate(len);
            let Conditions { latency, jitter, bandwidth } = seen.borrow_and_update().conditions;
            free = free.max(Instant::now()) + bandwidth.map_or(Duration::ZERO, |rate| time_for(len, rate));
            last = last.max(free + latency + chance.duration_below(jitter));
            if under_way.send((last, piece)).await.is_err() || len == 0 {
                return std::io::Result::Ok(());
            }
        }
    };
    let mut seen = weather;
    let arrivals = async move {
        while let Some((when, piece)) = arriving.recv().await {
            // The timer rounds up to whole milliseconds, which good weather must not cost.
            if when > Instant::now() {
                sleep_until(when).await;
            }
            until(&mut seen, |now| now.state != State::BlackHole).await;
            if piece.is_empty() {
                return to.shutdown().await;
            }
            to.write_all(&piece).await?;
            arrived.fetch_add(piece.len() as u64, Ordering::Relaxed);
        }
        Err(std::io::ErrorKind::ConnectionReset.into())
    };
    tokio::try_join!(departures, arrivals).map(drop)
}

fn time_for(len: usize, bytes_per_second: u64) -> Duration {
    Duration::from_nanos((len as u64).saturating_mul(1_000_000_000) / bytes_per_second.max(1))
}

/// A program that is being started holds all sockets of this process for a moment, closed ones too: a port is free
/// again only when it runs.
async fn insist<T>(take: impl Fn() -> std::io::Result<T>) -> T {
    loop {
        match take() {
            Ok(taken) => return taken,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

fn bound(address: SocketAddr) -> std::io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);
    /// Long enough for something wrongly let through to arrive.
    const QUIET: Duration = Duration::from_millis(100);

    struct Ends {
        network: Network,
        gateway: TcpStream,
        broker: TcpStream,
        listener: TcpListener,
    }

    async fn ends() -> Ends {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let network = Network::to(listener.local_addr().unwrap(), 1).unwrap();
        let gateway = TcpStream::connect(network.address()).await.unwrap();
        let broker = listener.accept().await.unwrap().0;
        Ends { network, gateway, broker, listener }
    }

    async fn passes(from: &mut TcpStream, to: &mut TcpStream, bytes: &[u8]) {
        let mut arrived = vec![0; bytes.len()];
        let (sent, received) =
            tokio::join!(from.write_all(bytes), timeout(LIMIT, to.read_exact(&mut arrived)));
        sent.unwrap();
        received.unwrap().unwrap();
        assert!(arrived == bytes);
    }

    async fn is_reset(stream: &mut TcpStream) {
        let error = timeout(LIMIT, stream.read(&mut [0; 8])).await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }

    async fn stands_still(stream: &mut TcpStream) {
        let read = timeout(QUIET, stream.read(&mut [0; 8])).await;
        assert!(read.is_err(), "{read:?}");
    }

    #[tokio::test]
    async fn in_any_conditions_all_bytes_arrive_in_order_and_are_counted() {
        let Ends { network, mut gateway, mut broker, .. } = ends().await;
        let bytes = Chance::seeded(5).bytes(300_000);
        passes(&mut gateway, &mut broker, &bytes).await;
        network.set(Conditions {
            latency: Duration::from_millis(3),
            jitter: Duration::from_millis(9),
            bandwidth: Some(3_000_000),
        });
        passes(&mut broker, &mut gateway, &bytes).await;
        assert_eq!(network.carried(), Carried { up: 300_000, down: 300_000 });
    }

    #[tokio::test]
    async fn an_end_passes_through_in_good_order() {
        let Ends { network: _network, mut gateway, mut broker, listener: _listener } = ends().await;
        gateway.shutdown().await.unwrap();
        assert_eq!(broker.read(&mut [0; 8]).await.unwrap(), 0);
        passes(&mut broker, &mut gateway, b"the other direction still works").await;
        drop(broker);
        assert_eq!(gateway.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_cut_resets_and_refuses_until_healed() {
        let Ends { network, mut gateway, mut broker, listener } = ends().await;
        network.cut();
        is_reset(&mut gateway).await;
        is_reset(&mut broker).await;
        let refused = timeout(LIMIT, async {
            loop {
                match TcpStream::connect(network.address()).await {
                    Err(error) => return error,
                    // Accepted by the kernel before the relay had closed its ears: reset at once.
                    Ok(mut late) => drop(late.read(&mut [0; 8]).await),
                }
            }
        });
        assert_eq!(refused.await.unwrap().kind(), ErrorKind::ConnectionRefused);

        network.heal();
        let connected = timeout(LIMIT, async {
            loop {
                match TcpStream::connect(network.address()).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
        });
        let mut gateway = connected.await.unwrap();
        let mut broker = listener.accept().await.unwrap().0;
        passes(&mut gateway, &mut broker, b"again").await;
    }

    #[tokio::test]
    async fn a_network_that_is_cut_while_programs_are_started_comes_back() {
        let Ends { network, listener, .. } = ends().await;
        let programs = tokio::spawn(async {
            loop {
                let _ = tokio::process::Command::new("true").status().await;
            }
        });
        for _ in 0..200 {
            network.cut();
            tokio::time::sleep(Duration::from_millis(1)).await;
            network.heal();
            let through = async {
                loop {
                    tokio::select! {
                        connected = TcpStream::connect(network.address()) => drop(connected),
                        accepted = listener.accept() => return accepted.map(drop),
                    }
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            timeout(LIMIT, through).await.unwrap().unwrap();
        }
        programs.abort();
    }

    #[tokio::test]
    async fn a_black_hole_stands_still_and_delivers_late() {
        let Ends { network, mut gateway, mut broker, listener } = ends().await;
        network.black_hole();
        gateway.write_all(b"late").await.unwrap();
        let mut second = TcpStream::connect(network.address()).await.unwrap();
        second.write_all(b"hello").await.unwrap();
        stands_still(&mut broker).await;
        assert!(timeout(QUIET, listener.accept()).await.is_err());

        network.heal();
        let mut arrived = [0; 4];
        timeout(LIMIT, broker.read_exact(&mut arrived)).await.unwrap().unwrap();
        assert_eq!(&arrived, b"late");
        let mut broker = timeout(LIMIT, listener.accept()).await.unwrap().unwrap().0;
        let mut arrived = [0; 5];
        timeout(LIMIT, broker.read_exact(&mut arrived)).await.unwrap().unwrap();
        assert_eq!(&arrived, b"hello");
    }

    #[tokio::test]
    async fn a_forgotten_connection_ends_for_the_target_alone_and_new_ones_work() {
        let Ends { network, mut gateway, mut broker, listener } = ends().await;
        // Healing something else before must not count.
        network.black_hole();
        network.heal();
        network.half_open();
        is_reset(&mut broker).await;
        gateway.write_all(b"lost").await.unwrap();
        stands_still(&mut gateway).await;

        let mut second = TcpStream::connect(network.address()).await.unwrap();
        let mut broker = timeout(LIMIT, listener.accept()).await.unwrap().unwrap().0;
        passes(&mut second, &mut broker, b"a new one").await;
        network.heal();
        is_reset(&mut gateway).await;
        passes(&mut broker, &mut second, b"untouched").await;
    }
}
