//! The run of bytes in a string that need no look: ASCII but for `"`, `\` and control characters. Sixteen at a time where
//! the target has vectors, otherwise eight.

/// The first place from `at` on whose byte is not plain, or the end.
#[inline(always)]
pub(crate) fn end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..at + WIDTH) {
        let found = special(chunk);
        if found != 0 {
            return at + found.trailing_zeros() as usize / BITS_PER_BYTE;
        }
        at += WIDTH;
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
#[allow(unsafe_code, reason = "loads of a vector take a pointer")]
mod vector {
    use std::arch::x86_64::*;

    pub(super) const WIDTH: usize = 16;
    pub(super) const BITS_PER_BYTE: usize = 1;

    /// A bit for each byte that is not plain. As signed numbers, control characters and all beyond ASCII are below 0x20.
    #[inline(always)]
    pub(super) fn special(chunk: &[u8]) -> u32 {
        debug_assert!(chunk.len() >= WIDTH);
        // SAFETY: `chunk` has `WIDTH` bytes, and the load needs no alignment.
        unsafe {
            let bytes = _mm_loadu_si128(chunk.as_ptr().cast());
            let quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'"' as i8));
            let backslashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(b'\\' as i8));
            let others = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
            _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others)) as u32
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[allow(unsafe_code, reason = "loads of a vector take a pointer")]
mod vector {
    use std::arch::wasm32::*;

    pub(super) const WIDTH: usize = 16;
    pub(super) const BITS_PER_BYTE: usize = 1;

    /// A bit for each byte that is not plain. As signed numbers, control characters and all beyond ASCII are below 0x20.
    #[inline(always)]
    pub(super) fn special(chunk: &[u8]) -> u32 {
        debug_assert!(chunk.len() >= WIDTH);
        // SAFETY: `chunk` has `WIDTH` bytes, and the load needs no alignment.
        let bytes = unsafe { v128_load(chunk.as_ptr().cast()) };
        let quotes = i8x16_eq(bytes, i8x16_splat(b'"' as i8));
        let backslashes = i8x16_eq(bytes, i8x16_splat(b'\\' as i8));
        let others = i8x16_lt(bytes, i8x16_splat(0x20));
        u32::from(i8x16_bitmask(v128_or(v128_or(quotes, backslashes), others)))
    }
}

#[cfg(not(any(
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "wasm32", target_feature = "simd128")
)))]
mod vector {
    pub(super) const WIDTH: usize = 8;
    pub(super) const BITS_PER_BYTE: usize = 8;

    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = ONES << 7;

    /// The highest bit of each byte that is not plain; bits above the lowest of them may be wrong.
    #[inline(always)]
    pub(super) fn special(chunk: &[u8]) -> u64 {
        let bytes = u64::from_le_bytes(chunk[..WIDTH].try_into().expect("it has as many bytes"));
        let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let quotes = is_zero(bytes ^ (ONES * b'"' as u64));
        let backslashes = is_zero(bytes ^ (ONES * b'\\' as u64));
        let controls = bytes.wrapping_sub(ONES * 0x20) & !bytes;
        (quotes | backslashes | controls | bytes) & HIGH
    }
}

use vector::{BITS_PER_BYTE, WIDTH, special};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_each_byte_at_each_place() {
        for length in 0..50 {
            for at in 0..length {
                for byte in 0..=255 {
                    let mut bytes = vec![b'a'; length];
                    bytes[at] = byte;
                    let expected = if is_plain(byte) { length } else { at };
                    assert_eq!(end(&bytes, 0), expected, "{byte:#x} at {at} of {length}");
                }
            }
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
