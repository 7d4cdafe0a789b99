//! The hub from outside: what it makes, what it takes in, what it answers and shows.

#[cfg(test)]
mod alarms;
#[cfg(test)]
mod any_order;
#[cfg(test)]
mod broker;
#[cfg(test)]
mod enrolment;
#[cfg(test)]
mod gateway;
#[cfg(test)]
mod heartbeats;
#[cfg(test)]
mod intake;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod rounds;
#[cfg(test)]
mod troubles;
