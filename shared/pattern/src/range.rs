//! How many characters ranges have.

use crate::RANGE_CHARACTERS_MAX;
use crate::ast::Set;
use crate::error::{Error, ErrorKind};

/// Refuses ranges that are too large. Where case counts for nothing, Postgres looks up each of their characters.
pub(crate) fn check(sets: &[Set]) -> Result<(), Error> {
    let mut sum: u32 = 0;
    for set in sets {
        sum = set.ranges.iter().fold(sum, |sum, (first, last)| sum.saturating_add(last - first));
        if sum > RANGE_CHARACTERS_MAX {
            return Err(ErrorKind::RangeCharacters.at(set.offset));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Error, ErrorKind, check};

    #[test]
    fn ok_at_the_limit() {
        assert_eq!(check(r"[\U00000000-\U0010ffff][\U00000000-\U000f0001]"), Ok(()));
    }

    #[test]
    fn err_above_the_limit() {
        let refused = Error { kind: ErrorKind::RangeCharacters, offset: 23 };
        assert_eq!(check(r"[\U00000000-\U0010ffff][\U00000000-\U000f0002]"), Err(refused));
    }
}
