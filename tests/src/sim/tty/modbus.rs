//! A Modbus RTU bus with one unit on it. What it says is said by tokio-modbus: another implementation than the gateway's.

use std::{
    collections::BTreeMap,
    future::Ready,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::task::JoinHandle;
use tokio_modbus::{
    ExceptionCode, Request, Response, SlaveRequest,
    server::{Service, rtu::Server},
};
use tokio_serial::{SerialPort as _, SerialStream};

use crate::sim::SimError;

/// A unit on a bus of its own. Dropping it unplugs the bus.
#[derive(Debug)]
pub struct ModbusUnit {
    path: PathBuf,
    state: Arc<Mutex<State>>,
    server: JoinHandle<()>,
    /// Held open, so that the other end is there before the gateway is.
    _line: SerialStream,
}

#[derive(Debug)]
struct State {
    unit: u8,
    answers: bool,
    inputs: BTreeMap<u16, u16>,
    discretes: BTreeMap<u16, bool>,
}

#[derive(Clone)]
struct Registers(Arc<Mutex<State>>);

impl ModbusUnit {
    /// Plugs a bus with this unit in; the gateway finds it at `path`.
    ///
    /// # Errors
    /// When the pseudo-terminal cannot be made or something stands at `path`.
    pub fn plug_in(path: &Path, unit: u8) -> Result<Self, SimError> {
        let failed = |what: &str| SimError::io(format!("{what} {}", path.display()));
        let (device, line) =
            SerialStream::pair().map_err(|error| failed("making a bus for")(error.into()))?;
        let terminal = line.name().unwrap_or_default();
        std::os::unix::fs::symlink(&terminal, path).map_err(failed("linking"))?;
        let state = State { unit, answers: true, inputs: BTreeMap::new(), discretes: BTreeMap::new() };
        let state = Arc::new(Mutex::new(state));
        let registers = Registers(Arc::clone(&state));
        let server = tokio::spawn(async move {
            // It ends with the line.
            let _ = Server::new(device).serve_forever(registers).await;
        });
        Ok(Self { path: path.to_owned(), state, server, _line: line })
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

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ModbusUnit {
    fn drop(&mut self) {
        // A missing link is what is wanted.
        let _ = std::fs::remove_file(&self.path);
        self.server.abort();
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
