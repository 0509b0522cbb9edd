//! The run of bytes in a string that need no look: ASCII but for `"`, `\` and control characters. Sixteen at a time where
//! the target has vectors, otherwise eight.

/// How many bytes are looked at together, and how.
trait Lanes {
    const WIDTH: usize;

    /// The first place in a chunk of [`WIDTH`](Self::WIDTH) bytes whose byte is not plain.
    fn first_special(chunk: &[u8]) -> Option<usize>;
}

/// The first place from `at` on whose byte is not plain, or the end.
#[inline(always)]
pub(crate) fn end(bytes: &[u8], at: usize) -> usize {
    end_by::<Widest>(bytes, at)
}

#[inline(always)]
fn end_by<L: Lanes>(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..at + L::WIDTH) {
        if let Some(special) = L::first_special(chunk) {
            return at + special;
        }
        at += L::WIDTH;
    }
    while bytes.get(at).is_some_and(|byte| is_plain(*byte)) {
        at += 1;
    }
    at
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7f if byte != b'"' && byte != b'\\')
}

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
use sse2::Sse2 as Widest;

#[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
#[allow(unsafe_code, reason = "loads of a vector take a pointer")]
mod sse2 {
    use std::arch::x86_64::*;

    use super::Lanes;

    pub(super) struct Sse2;

    impl Lanes for Sse2 {
        const WIDTH: usize = 16;

        /// As signed numbers, control characters and all beyond ASCII are below 0x20.
        #[inline(always)]
        fn first_special(chunk: &[u8]) -> Option<usize> {
            debug_assert!(chunk.len() >= Self::WIDTH);
            // SAFETY: `chunk` has `WIDTH` bytes, and the load needs no alignment.
            let special = unsafe {
                let bytes = _mm_loadu_si128(chunk.as_ptr().cast());
                let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
                let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
                let others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
                _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others))
            };
            (special != 0).then(|| special.trailing_zeros() as usize)
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128::Simd128 as Widest;

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code, reason = "loads of a vector take a pointer")]
mod simd128 {
    use std::arch::wasm32::*;

    use super::Lanes;

    pub(super) struct Simd128;

    impl Lanes for Simd128 {
        const WIDTH: usize = 16;

        /// As signed numbers, control characters and all beyond ASCII are below 0x20.
        #[inline(always)]
        fn first_special(chunk: &[u8]) -> Option<usize> {
            debug_assert!(chunk.len() >= Self::WIDTH);
            // SAFETY: `chunk` has `WIDTH` bytes, and the load needs no alignment.
            let bytes = unsafe { v128_load(chunk.as_ptr().cast()) };
            let quotes = i8x16_eq(bytes, i8x16_splat(b'"' as i8));
            let backslashes = i8x16_eq(bytes, i8x16_splat(b'\\' as i8));
            let others = i8x16_lt(bytes, i8x16_splat(0x20));
            let special = i8x16_bitmask(v128_or(v128_or(quotes, backslashes), others));
            (special != 0).then(|| special.trailing_zeros() as usize)
        }
    }
}

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
use word::Word as Widest;

// Tests run it everywhere, as few machines that they run on would.
#[cfg(any(
    test,
    not(any(
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "wasm32", target_feature = "simd128")
    ))
))]
mod word {
    use super::Lanes;

    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;

    pub(super) struct Word;

    impl Lanes for Word {
        const WIDTH: usize = 8;

        #[inline(always)]
        fn first_special(chunk: &[u8]) -> Option<usize> {
            let bytes = u64::from_le_bytes(chunk[..Self::WIDTH].try_into().expect("it has as many bytes"));
            let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
            let quotes = is_zero(bytes ^ (ONES * b'"' as u64));
            let backslashes = is_zero(bytes ^ (ONES * b'\\' as u64));
            let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
            // The highest bit of each byte that is not plain; those above the lowest of them may be wrong.
            let special = (quotes | backslashes | controls | bytes) & HIGH;
            (special != 0).then(|| special.trailing_zeros() as usize / 8)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form that this target has agrees with the definition, from each place on.
    #[track_caller]
    fn check(bytes: &[u8]) {
        let mut expected = bytes.len();
        for at in (0..=bytes.len()).rev() {
            if bytes.get(at).is_some_and(|byte| !is_plain(*byte)) {
                expected = at;
            }
            assert_eq!(end_by::<Widest>(bytes, at), expected, "from {at} of {bytes:x?}");
            assert_eq!(end_by::<word::Word>(bytes, at), expected, "eight at a time, from {at} of {bytes:x?}");
        }
    }

    #[test]
    fn ok_each_byte_at_each_place() {
        for length in 0..40 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    check(&bytes);
                }
            }
        }
    }

    /// Bytes on both sides of each border stand side by side, where one could borrow from the other.
    #[test]
    fn ok_borders_beside_one_another() {
        let borders = [0, 1, 0x1f, b' ', b'!', b'"', b'#', b'[', b'\\', b']', 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff];
        let mut random = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let length = random.usize(..40);
            let specials = random.usize(..=100);
            let mut byte = || match random.usize(..100) < specials {
                true => borders[random.usize(..borders.len())],
                false => b'!',
            };
            check(&(0..length).map(|_| byte()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn ok_the_first_of_several() {
        let bytes = "aaaa\u{7f}aaaa\"\\\u{80}\n\"aaaaaaaaaaaaaaaaaaaaaa\n".as_bytes();
        assert_eq!(end(bytes, 0), 9);
        assert_eq!((10..14).map(|at| end(bytes, at)).collect::<Vec<_>>(), [10, 11, 12, 13]);
        assert_eq!(end(bytes, 15), bytes.len() - 1);
        assert_eq!(end(bytes, bytes.len()), bytes.len());
    }
}
