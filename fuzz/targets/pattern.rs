//! A regular expression, a newline, and a text. Neither reading nor matching panics or takes long.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pattern::Pattern;

fuzz_target!(|input: &str| {
    let (text, subject) = input.rsplit_once('\n').unwrap_or((input, ""));
    let _ = pattern::check(text);
    if let Ok(pattern) = Pattern::new(text) {
        // As long as texts may be: more steps than there may be would be seen as a timeout.
        let subject = subject.repeat(pattern::TEXT_BYTES_MAX / subject.len().max(1));
        assert!(pattern.is_match(&subject).is_ok());
    }
});
