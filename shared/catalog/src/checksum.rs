//! The checksum that guards a stored catalog against truncation and flipped bits.
//!
//! Eight bytes at a time are mixed into a 64-bit state, each step being a bijection of the state for a given word
//! and of the word for a given state. So damage that lies within one aligned word is always seen, and any other
//! passes with a chance of about 2⁻⁶⁴. It costs one multiplication a word, which wasm has as an instruction. It is no
//! protection against someone who may write to the store: what reads the catalog has to survive that by itself.

/// An odd number without pattern (2⁶⁴ divided by the golden ratio), so that multiplying by it can be undone.
const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;

/// The checksum of `bytes`; the length is part of it.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut state = mix(MULTIPLIER, bytes.len() as u64);
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(state, u64::from_le_bytes(last))
}

/// The rotation carries what a multiplication moved upwards back to the low bits.
fn mix(state: u64, word: u64) -> u64 {
    (state ^ word).wrapping_mul(MULTIPLIER).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn every_flipped_bit_and_every_cut_is_seen() {
        let bytes: Vec<u8> = (0_u8..100).map(|byte| byte.wrapping_mul(7)).collect();
        let whole = checksum(&bytes);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(checksum(&flipped), whole, "bit {bit}");
        }
        for length in 0..bytes.len() {
            assert_ne!(checksum(&bytes[..length]), whole, "length {length}");
        }
    }

    #[test]
    fn zeros_of_another_length_differ() {
        assert_ne!(checksum(&[0; 7]), checksum(&[0; 8]));
        assert_ne!(checksum(&[]), checksum(&[0]));
    }
}
