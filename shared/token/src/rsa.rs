//! RSASSA-PKCS1-v1_5, RFC 8017 §8.2.2: verification alone.

use sha2::{Digest, Sha256, Sha384, Sha512};

use crate::algorithm::Hash;
use crate::modulus::Modulus;

/// RFC 7518 §3.3 asks for 2048 bits; more than 4096 is slow and nobody's.
const BITS_MIN: usize = 2048;
const BITS_MAX: usize = 4096;
/// An exponent of 1 signs nothing.
const EXPONENT_MIN: u32 = 3;

/// A public key.
#[derive(Debug, Clone)]
pub(crate) struct PublicKey {
    modulus: Modulus,
    exponent: u32,
}

impl PublicKey {
    /// From big-endian bytes, RFC 7518 §6.3.1; `None` for a key that is not fit to be used.
    pub(crate) fn new(modulus: &[u8], exponent: &[u8]) -> Option<PublicKey> {
        if modulus.len() > BITS_MAX / 8 + 1 || exponent.len() > 4 {
            return None;
        }
        let modulus = Modulus::new(modulus)?;
        let exponent = exponent.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        let is_fit = (BITS_MIN..=BITS_MAX).contains(&modulus.bits()) && exponent >= EXPONENT_MIN && exponent % 2 == 1;
        is_fit.then_some(PublicKey { modulus, exponent })
    }

    /// Whether the owner of the private key signed `message`.
    pub(crate) fn verify(&self, hash: Hash, message: &[u8], signature: &[u8]) -> bool {
        let length = self.modulus.bits().div_ceil(8);
        if signature.len() != length {
            return false;
        }
        // What must come out is known to the last byte; nothing of it is parsed.
        self.modulus.power(signature, self.exponent).is_some_and(|power| {
            let (zeros, encoded) = power.split_at(power.len() - length);
            zeros.iter().all(|byte| *byte == 0) && encoded == encode(hash, message, length)
        })
    }
}

/// EMSA-PKCS1-v1_5, RFC 8017 §9.2.
fn encode(hash: Hash, message: &[u8], length: usize) -> Vec<u8> {
    let (identifier, digest) = match hash {
        Hash::Sha256 => (1, Sha256::digest(message).to_vec()),
        Hash::Sha384 => (2, Sha384::digest(message).to_vec()),
        Hash::Sha512 => (3, Sha512::digest(message).to_vec()),
    };
    let bytes = digest.len() as u8;
    // SEQUENCE { SEQUENCE { OBJECT IDENTIFIER 2.16.840.1.101.3.4.2.x, NULL }, OCTET STRING }
    let object = [0x06, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, identifier, 0x05, 0];
    let info = [&[0x30, 17 + bytes, 0x30, 13][..], &object, &[0x04, bytes], &digest].concat();
    let mut encoded = vec![0xff; length - info.len()];
    (encoded[0], encoded[1]) = (0, 1);
    if let Some(last) = encoded.last_mut() {
        *last = 0;
    }
    encoded.extend(info);
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(modulus: Vec<u8>, exponent: &[u8], expected: bool) {
        assert_eq!(PublicKey::new(&modulus, exponent).is_some(), expected);
    }

    #[test]
    fn ok_keys_of_2048_to_4096_bits() {
        check(vec![0xff; 256], &[1, 0, 1], true);
        check(vec![0xff; 512], &[3], true);
        check([vec![0], vec![0xff; 512]].concat(), &[1, 0, 1], true);
    }

    #[test]
    fn err_keys_that_are_not_fit() {
        check(vec![0xff; 255], &[1, 0, 1], false);
        check(vec![0xff; 513], &[1, 0, 1], false);
        check(vec![0xfe; 256], &[1, 0, 1], false);
        for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 1]] {
            check(vec![0xff; 256], exponent, false);
        }
    }

    #[test]
    fn ok_encoding_of_the_standard() {
        let encoded = encode(Hash::Sha256, b"", 256);
        assert_eq!(encoded[..3], [0, 1, 0xff]);
        let info = [
            0, 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
            0x04, 0x20, 0xe3, 0xb0, 0xc4, 0x42,
        ];
        assert_eq!(encoded[256 - 52..][..24], info);
    }
}
