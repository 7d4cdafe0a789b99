//! A Modbus RTU bus with one unit on it. What it says is said by tokio-modbus: another implementation than the gateway's.
//! Between the two lies a second line, on which answers can come to harm.

use std::{
    collections::BTreeMap,
    future::Ready,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_modbus::{
    ExceptionCode, Request, Response, SlaveRequest,
    server::{Service, rtu::Server},
};
use tokio_serial::SerialStream;

use crate::sim::{
    SimError,
    bad_line::{BadLine, Injury},
    pty::SerialLine,
};

/// How often the bus looks whether the gateway has asked.
const POLL: Duration = Duration::from_millis(2);
/// A unit that has not answered by then does not.
const ANSWER: Duration = Duration::from_millis(200);
const LONGEST_ANSWER: usize = 256;
/// Of so many garbled answers, one has no whole one behind it.
const LOST_ONE_IN: u64 = 3;

/// A unit on a bus of its own. Dropping it unplugs the bus.
#[derive(Debug)]
pub struct ModbusUnit {
    state: Arc<Mutex<State>>,
    tasks: [JoinHandle<()>; 2],
}

#[derive(Debug)]
struct State {
    unit: u8,
    answers: bool,
    inputs: BTreeMap<u16, u16>,
    discretes: BTreeMap<u16, bool>,
    injury: Option<Injury>,
}

#[derive(Clone)]
struct Registers(Arc<Mutex<State>>);

impl ModbusUnit {
    /// Plugs a bus with this unit in; the gateway finds it at `path`. The bad line is for [`ModbusUnit::injure`].
    ///
    /// # Errors
    /// When a pseudo-terminal cannot be made or something stands at `path`.
    pub fn plug_in(path: &Path, unit: u8, bad: BadLine) -> Result<Self, SimError> {
        let failed = SimError::io(format!("making a bus for {}", path.display()));
        let (device, bus) = SerialStream::pair().map_err(|error| failed(error.into()))?;
        let line = SerialLine::plug_in(path)?;
        let state =
            State { unit, answers: true, inputs: BTreeMap::new(), discretes: BTreeMap::new(), injury: None };
        let state = Arc::new(Mutex::new(state));
        let registers = Registers(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // It ends with the bus.
            let _ = Server::new(device).serve_forever(registers).await;
        });
        let relay = tokio::spawn(relay(line, bus, Arc::clone(&state), bad));
        Ok(Self { state, tasks: [server, relay] })
    }

    /// Sets an input register.
    pub fn input(&self, address: u16, value: u16) {
        self.state().inputs.insert(address, value);
    }

    /// Sets a discrete input.
    pub fn discrete(&self, address: u16, value: bool) {
        self.state().discretes.insert(address, value);
    }

    /// Whether it answers.
    pub fn answers(&self, answers: bool) {
        self.state().answers = answers;
    }

    /// What happens to its answers from now on. Merged, an answer comes in one piece with its question, as behind an
    /// adapter that hears itself. Garbled, the unit says nothing more where every third answer has a flipped bit.
    pub fn injure(&self, injury: Option<Injury>) {
        self.state().injury = injury;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ModbusUnit {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Carries questions to the bus as they are, and answers back as the injury has it. A line that fails is a unit that is
/// silent: the scenario sees that.
async fn relay(mut line: SerialLine, mut bus: SerialStream, state: Arc<Mutex<State>>, mut bad: BadLine) {
    let mut number = 0_u64;
    loop {
        let Ok(question) = line.received() else { return };
        if question.is_empty() {
            sleep(POLL).await;
            continue;
        }
        if bus.write_all(&question).await.is_err() {
            return;
        }
        let mut buffer = [0; LONGEST_ANSWER];
        let Ok(read) = timeout(ANSWER, bus.read(&mut buffer)).await else { continue };
        let Some(answer) = read.ok().and_then(|length| buffer.get(..length)).map(<[u8]>::to_vec) else {
            return;
        };
        let injury = state.lock().unwrap_or_else(PoisonError::into_inner).injury;
        number += 1;
        let carried = match injury {
            None => line.send(&answer).await.map(drop),
            Some(Injury::Merged) => line.send(&[question, answer].concat()).await.map(drop),
            Some(Injury::Garbled) if number.is_multiple_of(LOST_ONE_IN) => {
                line.send(&bad.flip(&answer)).await.map(drop)
            }
            Some(injury @ (Injury::Split | Injury::Slow | Injury::Garbled)) => {
                bad.carry(&mut line, injury, &[answer]).await.map(drop)
            }
        };
        if carried.is_err() {
            return;
        }
    }
}

impl Service for Registers {
    type Request = SlaveRequest<'static>;
    type Response = Option<Response>;
    type Exception = ExceptionCode;
    type Future = Ready<Result<Self::Response, Self::Exception>>;

    fn call(&self, SlaveRequest { slave, request }: Self::Request) -> Self::Future {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slave != state.unit || !state.answers {
            return std::future::ready(Ok(None));
        }
        let answer = if let Request::ReadInputRegisters(first, count) = request {
            read(&state.inputs, first, count).map(Response::ReadInputRegisters)
        } else if let Request::ReadDiscreteInputs(first, count) = request {
            read(&state.discretes, first, count).map(Response::ReadDiscreteInputs)
        } else {
            Err(ExceptionCode::IllegalFunction)
        };
        std::future::ready(answer.map(Some))
    }
}

fn read<T: Copy>(table: &BTreeMap<u16, T>, first: u16, count: u16) -> Result<Vec<T>, ExceptionCode> {
    let addresses = (0..count).map(|place| first.saturating_add(place));
    addresses.map(|address| table.get(&address).copied().ok_or(ExceptionCode::IllegalDataAddress)).collect()
}
