//! A module without imports: a caller asks for memory, puts a text there, and has it scanned.

#![allow(unsafe_code, reason = "exports of a module have plain names and take addresses")]

mod rows;

use json::{Limits, scan};

/// Memory for so many bytes, which is never given back.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    Vec::leak(vec![0; length]).as_mut_ptr()
}

/// Whether the text at this address is in order.
///
/// # Safety
/// The address is one that [`reserve`] gave for at least so many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn is_in_order(text: *const u8, length: usize) -> bool {
    // SAFETY: the caller's promise.
    let text = unsafe { std::slice::from_raw_parts(text, length) };
    scan(text, &Limits::default(), &mut ()).is_ok()
}

/// Whether the text at this address is rows that are right.
///
/// # Safety
/// As [`is_in_order`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn are_right(text: *const u8, length: usize) -> bool {
    // SAFETY: the caller's promise.
    rows::are_right(unsafe { std::slice::from_raw_parts(text, length) })
}
