//! Encryption of advertisements: AES-128 in CCM mode (RFC 3610) with a tag of four bytes. The formats differ in the
//! nonce.

use ccm::aead::array::{Array, ArraySize};
use ccm::aead::{AeadInOut, KeyInit};
use ccm::consts::{U4, U13};
use ccm::{Ccm, NonceSize};

use aes::Aes128;

/// What opens the advertisements of one device.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The key that the device and the gateway share.
    pub bind_key: [u8; 16],
    /// The device's own address, most significant byte first: part of the nonce.
    pub address: [u8; 6],
}

/// Without the key.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Secret {
    /// The plain bytes; none where they are not authentic.
    pub(crate) fn open<N: ArraySize + NonceSize>(
        &self,
        nonce: Array<u8, N>,
        associated: &[u8],
        ciphertext: &[u8],
        tag: [u8; 4],
    ) -> Option<Vec<u8>> {
        let cipher = Ccm::<Aes128, U4, N>::new(&self.bind_key.into());
        let mut plain = ciphertext.to_vec();
        cipher
            .decrypt_inout_detached(&nonce, associated, plain.as_mut_slice().into(), &tag.into())
            .ok()
            .map(|()| plain)
    }

    /// What tells this key from another without telling the key: the tag of nothing, under a nonce that no device
    /// uses, as its address would be 0.
    pub(crate) fn fingerprint(&self) -> [u8; 4] {
        let cipher = Ccm::<Aes128, U4, U13>::new(&self.bind_key.into());
        let tag = cipher.encrypt_inout_detached(&Array::default(), &[], [].as_mut_slice().into());
        // Nothing is never too long to encrypt.
        tag.map(Into::into).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown_and_has_a_fingerprint_of_its_own() {
        let secret = |byte| Secret { bind_key: [byte; 16], address: [0xA4, 0xC1, 0x38, 0, 0, 1] };
        assert_eq!(format!("{:?}", secret(0xEE)), "Secret { address: [164, 193, 56, 0, 0, 1], .. }");
        assert_ne!(secret(1).fingerprint(), secret(2).fingerprint());
        assert_eq!(secret(1).fingerprint(), secret(1).fingerprint());
    }
}
