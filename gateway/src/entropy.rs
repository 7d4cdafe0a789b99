//! The only place that draws randomness: the kernel's.

use thiserror::Error;

/// The kernel gave no randomness: nothing can be sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the kernel gives no randomness (getrandom failed): nothing can be sealed")]
pub struct NoEntropy;

/// `N` fresh random bytes.
///
/// # Errors
/// Where the kernel has none.
pub fn bytes<const N: usize>() -> Result<[u8; N], NoEntropy> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| NoEntropy)?;
    Ok(bytes)
}

/// A seed for jitter: not worth failing for.
pub fn seed() -> u64 {
    u64::from_le_bytes(bytes().unwrap_or([1; 8]))
}
