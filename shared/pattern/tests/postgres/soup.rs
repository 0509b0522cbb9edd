//! Patterns and texts that are the same in every run, made of tokens in no order.

/// A generator of numbers: SplitMix64 (Steele, Lea and Flood, 2014).
pub(crate) struct Soup(u64);

impl Soup {
    pub(crate) fn new(seed: u64) -> Soup {
        Soup(seed)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    /// So many tokens, one after the other.
    pub(crate) fn text(&mut self, tokens: &[&str], count: usize) -> String {
        (0..count).map(|_| tokens[self.below(tokens.len())]).collect()
    }
}
