//! What Varde is tested, measured and shown with: a home, its devices, a network and a broker, all simulated around
//! the real programs. Bytes are real everywhere; only the things that send them are not.

pub mod demo;
pub mod sim;
