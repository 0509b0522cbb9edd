//! Powers modulo a public number.
//!
//! Montgomery multiplication (P. L. Montgomery, 1985; the "CIOS" form of Koç, Acar and Kaliski, 1996) over limbs of 32
//! bits. All numbers are public here, so it takes whatever time it takes; it must never see a private key.
//!
//! It is our own because of what libraries cost at the edge: `rsa` adds 25 KB to a gzipped component, `crypto-bigint`
//! 3 KB on top of what P-256 brings, but 4 ms to prepare a modulus in each new instance; this is 2 KB and 0.5 ms for a
//! signature. The tests compare it with `crypto-bigint`.

use std::cmp::Ordering;

/// An odd number to calculate modulo of.
#[derive(Debug, Clone)]
pub(crate) struct Modulus {
    /// Least significant first; the last one is not 0.
    limbs: Vec<u32>,
    /// -1/n modulo 2³².
    inverse: u32,
}

impl Modulus {
    /// From big-endian bytes; `None` where the number is even.
    pub(crate) fn new(bytes: &[u8]) -> Option<Modulus> {
        let mut limbs = limbs(bytes);
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        let lowest = *limbs.first()?;
        if lowest % 2 == 0 {
            return None;
        }
        // Newton's iteration: n is its own inverse in the lowest 3 bits, and each step doubles the bits that are right.
        let inverse =
            (0..4).fold(lowest, |inverse, _| inverse.wrapping_mul(2_u32.wrapping_sub(lowest.wrapping_mul(inverse))));
        Some(Modulus { limbs, inverse: inverse.wrapping_neg() })
    }

    /// How many bits it has.
    pub(crate) fn bits(&self) -> usize {
        self.limbs.len() * 32 - self.limbs.last().map_or(0, |last| last.leading_zeros() as usize)
    }

    /// `base` to the power of `exponent`, as big-endian bytes as long as the limbs; `None` where `base` is not below the
    /// modulus. The exponent is not 0.
    pub(crate) fn power(&self, base: &[u8], exponent: u32) -> Option<Vec<u8>> {
        let mut number = limbs(base);
        while number.len() > self.limbs.len() && number.last() == Some(&0) {
            number.pop();
        }
        if number.len() > self.limbs.len() {
            return None;
        }
        number.resize(self.limbs.len(), 0);
        if compare(&number, &self.limbs) != Ordering::Less {
            return None;
        }
        let base = self.multiply(&number, &self.square_of_radix());
        let mut power = base.clone();
        for bit in (0..exponent.ilog2()).rev() {
            power = self.multiply(&power, &power);
            if exponent >> bit & 1 == 1 {
                power = self.multiply(&power, &base);
            }
        }
        let mut one = vec![0; self.limbs.len()];
        one[0] = 1;
        let power = self.multiply(&power, &one);
        Some(power.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect())
    }

    /// R² modulo n, where R is 2 to the number of bits in the limbs: 1, doubled so often.
    fn square_of_radix(&self) -> Vec<u32> {
        let mut number = vec![0; self.limbs.len()];
        number[0] = 1;
        for _ in 0..self.limbs.len() * 64 {
            let mut carry = 0;
            for limb in &mut number {
                (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
            }
            self.reduce(&mut number, carry);
        }
        number
    }

    /// one · other / R modulo n.
    fn multiply(&self, one: &[u32], other: &[u32]) -> Vec<u32> {
        let mut sum = vec![0; self.limbs.len()];
        let mut top = 0;
        for &limb in one {
            let carry = add_product(&mut sum, limb, other);
            let (over, overflow) = add(top, carry);
            // So many times n that the lowest limb becomes 0 and can be dropped.
            let factor = sum[0].wrapping_mul(self.inverse);
            let carry = add_product(&mut sum, factor, &self.limbs);
            let (over, more) = add(over, carry);
            sum.rotate_left(1);
            if let Some(last) = sum.last_mut() {
                *last = over;
            }
            top = overflow + more;
        }
        self.reduce(&mut sum, top);
        sum
    }

    /// Takes n away once, if `number`, with `top` above its limbs, is not below it.
    fn reduce(&self, number: &mut [u32], top: u32) {
        if top == 0 && compare(number, &self.limbs) == Ordering::Less {
            return;
        }
        let mut borrow = 0_i64;
        for (limb, less) in number.iter_mut().zip(&self.limbs) {
            borrow += i64::from(*limb) - i64::from(*less);
            *limb = borrow as u32;
            borrow >>= 32;
        }
    }
}

/// Big-endian bytes as limbs, the least significant first.
fn limbs(bytes: &[u8]) -> Vec<u32> {
    let limb = |bytes: &[u8]| bytes.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte));
    bytes.rchunks(4).map(limb).collect()
}

/// Two numbers of the same length.
fn compare(one: &[u32], other: &[u32]) -> Ordering {
    one.iter().rev().cmp(other.iter().rev())
}

fn add(one: u32, other: u32) -> (u32, u32) {
    let (sum, is_over) = one.overflowing_add(other);
    (sum, u32::from(is_over))
}

/// Adds `factor` · `number` to `sum`, and returns what does not fit into it.
fn add_product(sum: &mut [u32], factor: u32, number: &[u32]) -> u32 {
    let mut carry = 0_u64;
    for (sum, limb) in sum.iter_mut().zip(number) {
        carry += u64::from(*sum) + u64::from(factor) * u64::from(*limb);
        *sum = carry as u32;
        carry >>= 32;
    }
    carry as u32
}

#[cfg(test)]
mod tests {
    use crypto_bigint::modular::runtime_mod::{DynResidue, DynResidueParams};
    use crypto_bigint::{Encoding, U64, U512};

    use super::*;

    /// Numbers of no pattern: a linear congruential generator of Knuth's.
    fn numbers(seed: u64) -> impl Iterator<Item = [u8; 64]> {
        let mut state = seed;
        std::iter::repeat_with(move || {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
        })
    }

    #[track_caller]
    fn check(mut modulus: [u8; 64], base: [u8; 64], exponent: u32) {
        modulus[63] |= 1;
        let number = U512::from_be_bytes(modulus);
        let base_number = U512::from_be_bytes(base).checked_rem(&number).unwrap();
        let residue = DynResidue::new(&base_number, DynResidueParams::new(&number));
        let expected = residue.pow(&U64::from(exponent)).retrieve().to_be_bytes();
        let actual = Modulus::new(&modulus).unwrap().power(&base_number.to_be_bytes(), exponent).unwrap();
        let actual = [vec![0; 64 - actual.len()], actual].concat();
        assert_eq!(actual, expected, "{modulus:x?} {base:x?} {exponent}");
    }

    #[test]
    fn ok_as_crypto_bigint_has_it() {
        for (modulus, base) in numbers(1).zip(numbers(2)).take(2000) {
            check(modulus, base, 65_537);
            check(modulus, base, u32::from_be_bytes([base[0], base[1], base[2], base[3] | 1]));
        }
    }

    #[test]
    fn ok_edges() {
        let (zero, all) = ([0; 64], [0xff; 64]);
        for exponent in [1, 2, 3, u32::MAX] {
            check(all, zero, exponent);
            check(all, all, exponent);
            for (some, other) in numbers(3).zip(numbers(4)).take(50) {
                check(all, some, exponent);
                // Shorter numbers, and numbers just below the modulus.
                let mut short = some;
                short[..40].fill(0);
                check(short, other, exponent);
                let mut below = some;
                below[63] &= 0xfe;
                check(some, below, exponent);
            }
        }
    }

    #[test]
    fn ok_bits() {
        assert_eq!(Modulus::new(&[0, 1]).unwrap().bits(), 1);
        assert_eq!(Modulus::new(&[0, 0, 1, 0, 0, 0, 1]).unwrap().bits(), 33);
    }

    #[test]
    fn err_even_or_not_below() {
        assert!(Modulus::new(&[]).is_none());
        assert!(Modulus::new(&[0, 0]).is_none());
        assert!(Modulus::new(&[4]).is_none());
        let seven = Modulus::new(&[7]).unwrap();
        assert_eq!(seven.power(&[7], 1), None);
        assert_eq!(seven.power(&[1, 0, 0, 0, 0], 1), None);
        assert_eq!(seven.power(&[0, 0, 0, 0, 6], 1).unwrap(), [0, 0, 0, 6]);
    }
}
