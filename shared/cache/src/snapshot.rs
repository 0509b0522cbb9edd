//! The set of transactions that a statement could see.
//!
//! ```text
//! snapshot = timeline ":" xmin ":" xmax ":" [ xid *( "," xid ) ]
//! timeline = 16( DIGIT / %x61-66 )
//! ```
//!
//! Behind the timeline that is the text of Postgres' own `pg_snapshot`: whatever is below `xmax` has ended, but for what is
//! listed; `xmin` is the first that has not.

use std::fmt;

/// A transaction's number, as `pg_current_xact_id()` gives it: 64 bits, and never used twice in a timeline.
pub type Xid = u64;

/// Longest text of a snapshot, in bytes.
pub const SNAPSHOT_BYTES_MAX: usize = 512;
/// Most transactions in progress in a snapshot that is written: as many as always fit into [`SNAPSHOT_BYTES_MAX`].
pub const IN_PROGRESS_MAX: usize = 20;

/// One history of one database. A restored or failed-over database gives the same numbers to other transactions, and has
/// another timeline.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Timeline(pub u64);

/// A set of transactions: all that have ended before a moment. The default is the empty one.
///
/// Whether one contains another is decided exactly, so it can be cut only in the direction that is safe: what an answer
/// *has* may [`shrink`](Snapshot::shrink), what somebody *demands* may [`grow`](Snapshot::grow).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    timeline: Timeline,
    /// Nothing from here on is contained; the transaction before it is.
    xmax: Xid,
    /// What is not contained below `xmax`, ascending.
    in_progress: Vec<Xid>,
}

impl Snapshot {
    /// Reads what `pg_current_snapshot()` gives as text. `None` where it is of another form.
    pub fn of_postgres(timeline: Timeline, text: &str) -> Option<Snapshot> {
        let (xmin, rest) = text.split_once(':')?;
        let (xmax, list) = rest.split_once(':')?;
        let (xmin, xmax) = (xid(xmin)?, xid(xmax)?);
        let in_progress: Option<Vec<Xid>> = list.split(',').filter(|_| !list.is_empty()).map(xid).collect();
        let in_progress = in_progress?;
        let is_ascending = in_progress.is_sorted_by(|one, next| one < next);
        let is_within = in_progress.iter().all(|id| (xmin..xmax).contains(id));
        (xmin <= xmax && is_ascending && is_within).then(|| Snapshot { timeline, xmax, in_progress }.normalised())
    }

    /// Reads what [`fmt::Display`] writes, from anybody. `None` where it is of another form or longer than [`SNAPSHOT_BYTES_MAX`].
    pub fn parse(text: &str) -> Option<Snapshot> {
        let (timeline, rest) = text.split_once(':').filter(|_| text.len() <= SNAPSHOT_BYTES_MAX)?;
        let is_hex = timeline.len() == 16 && timeline.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let timeline = u64::from_str_radix(timeline, 16).ok().filter(|_| is_hex)?;
        Snapshot::of_postgres(Timeline(timeline), rest)
    }

    /// The history that it is of.
    pub fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Whether it contains nothing.
    pub fn is_empty(&self) -> bool {
        self.xmax == 0
    }

    /// Whether a statement with this snapshot could see what the transaction did.
    pub fn contains(&self, xid: Xid) -> bool {
        xid < self.xmax && self.in_progress.binary_search(&xid).is_err()
    }

    /// The transaction whose number ends in these 32 bits, of those less than 2^31 away: Postgres has no others in
    /// progress.
    pub fn nearest(&self, low: u32) -> Xid {
        let distance = low.wrapping_sub(self.xmax as u32).cast_signed();
        self.xmax.saturating_add_signed(distance.into())
    }

    /// Whether it contains all that the other one contains. What is of another timeline is not contained.
    pub fn contains_all(&self, other: &Snapshot) -> bool {
        let is_comparable = self.timeline == other.timeline || other.is_empty();
        is_comparable && other.xmax <= self.xmax && !self.in_progress.iter().any(|xid| other.contains(*xid))
    }

    /// What this contains and the other one does not, which is what is listed there. `None` where this reaches further, or is of
    /// another timeline.
    pub fn missing_from(&self, other: &Snapshot) -> Option<Vec<Xid>> {
        let is_within = self.timeline == other.timeline && self.xmax <= other.xmax;
        is_within.then(|| other.in_progress.iter().copied().filter(|xid| self.contains(*xid)).collect())
    }

    /// Adds all that the other one contains. One of another timeline takes its place: that is the history that goes on.
    pub fn merge(&mut self, other: &Snapshot) {
        if other.is_empty() {
            return;
        }
        if self.timeline != other.timeline {
            self.clone_from(other);
            return;
        }
        // Nothing is in progress but what neither contains, and that is listed in the one that reaches further.
        if self.xmax >= other.xmax {
            self.in_progress.retain(|xid| !other.contains(*xid));
        } else {
            let missing = other.in_progress.iter().copied().filter(|xid| !self.contains(*xid)).collect();
            (self.xmax, self.in_progress) = (other.xmax, missing);
        }
    }

    /// What a caller has seen who demanded a snapshot, and is given what contains this: both, unless what was demanded is of a history
    /// that is over.
    pub fn given_for(mut self, demanded: &Snapshot) -> Snapshot {
        if self.timeline == demanded.timeline {
            self.merge(demanded);
        }
        self
    }

    /// Adds a transaction. What is between it and the others is not added, as far as it can be listed
    /// ([`IN_PROGRESS_MAX`]), and demanded too beyond that: a caller of this only ever demands.
    pub fn insert(&mut self, xid: Xid) {
        if xid < self.xmax {
            self.in_progress.retain(|listed| *listed != xid);
        } else {
            let listed = (IN_PROGRESS_MAX.saturating_sub(self.in_progress.len()) as u64).min(xid - self.xmax);
            self.in_progress.extend(self.xmax..self.xmax + listed);
            self.xmax = xid.saturating_add(1);
        }
    }

    /// The same or fewer transactions, with at most so many in progress: for what an answer has.
    pub fn shrink(mut self, in_progress_max: usize) -> Snapshot {
        if let Some(first_lost) = self.in_progress.get(in_progress_max) {
            self.xmax = *first_lost;
            self.in_progress.truncate(in_progress_max);
        }
        self.normalised()
    }

    /// The same or more transactions, with at most so many in progress: for what is demanded. The oldest stay out, which
    /// are the ones that may be in progress for long.
    pub fn grow(mut self, in_progress_max: usize) -> Snapshot {
        self.in_progress.truncate(in_progress_max);
        self
    }

    /// Ends it behind the last transaction that it contains, so that equal sets are equal values.
    fn normalised(mut self) -> Snapshot {
        while self.in_progress.last().is_some_and(|last| last + 1 == self.xmax) {
            self.in_progress.pop();
            self.xmax -= 1;
        }
        self
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let xmin = self.in_progress.first().unwrap_or(&self.xmax);
        write!(f, "{:016x}:{xmin}:{}:", self.timeline.0, self.xmax)?;
        for (index, xid) in self.in_progress.iter().enumerate() {
            write!(f, "{}{xid}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A number as Postgres writes it.
fn xid(text: &str) -> Option<Xid> {
    let is_canonical = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const HERE: Timeline = Timeline(0xabc);
    /// Small, so that random sets meet.
    const XIDS: Xid = 24;

    fn snapshot(text: &str) -> Snapshot {
        Snapshot::of_postgres(HERE, text).unwrap()
    }

    /// A set as Postgres would write it, and the same set naively.
    fn random(rng: &mut fastrand::Rng) -> (Snapshot, BTreeSet<Xid>) {
        let xmax = rng.u64(0..=XIDS);
        let missing: Vec<Xid> = (0..xmax).filter(|_| rng.u8(0..4) == 0).collect();
        let list: Vec<String> = missing.iter().map(Xid::to_string).collect();
        let xmin = missing.first().unwrap_or(&xmax);
        let set = (0..xmax).filter(|xid| !missing.contains(xid)).collect();
        (snapshot(&format!("{xmin}:{xmax}:{}", list.join(","))), set)
    }

    fn naive(snapshot: &Snapshot) -> BTreeSet<Xid> {
        (0..2 * XIDS).filter(|xid| snapshot.contains(*xid)).collect()
    }

    #[test]
    fn ok_sets_of_numbers() {
        let mut rng = fastrand::Rng::with_seed(5);
        for _ in 0..50_000 {
            let ((one, one_set), (other, other_set)) = (random(&mut rng), random(&mut rng));
            assert_eq!(naive(&one), one_set);
            assert_eq!(one == other, one_set == other_set, "{one} {other}");
            assert_eq!(one.contains_all(&other), one_set.is_superset(&other_set), "{one} {other}");
            if let Some(missing) = one.missing_from(&other) {
                assert_eq!(missing, (&one_set - &other_set).into_iter().collect::<Vec<_>>(), "{one} {other}");
            } else {
                assert!(!other.contains_all(&one), "{one} {other}");
            }
            let mut merged = one.clone();
            merged.merge(&other);
            assert_eq!(naive(&merged), &one_set | &other_set, "{one} {other}");
            assert!(merged.contains_all(&one) && merged.contains_all(&other));
            let xid = rng.u64(0..2 * XIDS);
            let mut inserted = one.clone();
            inserted.insert(xid);
            assert!(inserted.contains_all(&one) && inserted.contains(xid));
            if xid < XIDS && inserted.in_progress.len() < IN_PROGRESS_MAX {
                assert_eq!(naive(&inserted), &one_set | &BTreeSet::from([xid]), "{one} {xid}");
            }
            let most = rng.usize(0..6);
            let (less, more) = (one.clone().shrink(most), one.clone().grow(most));
            assert!(one.contains_all(&less) && less.in_progress.len() <= most);
            assert!(more.contains_all(&one) && more.in_progress.len() <= most);
            for made in [&one, &merged, &inserted, &less, &more] {
                assert_eq!(Snapshot::parse(&made.to_string()).as_ref(), Some(made));
            }
        }
    }

    #[test]
    fn ok_the_longest_fits() {
        let high = Xid::MAX - 100;
        let list: Vec<String> = (high..high + 50).map(|xid| xid.to_string()).collect();
        let long = snapshot(&format!("{high}:{}:{}", Xid::MAX, list.join(",")));
        assert!(Snapshot::parse(&long.to_string()).is_none());
        for cut in [long.clone().shrink(IN_PROGRESS_MAX), long.grow(IN_PROGRESS_MAX)] {
            assert!(cut.to_string().len() <= SNAPSHOT_BYTES_MAX, "{}", cut.to_string().len());
            assert_eq!(Snapshot::parse(&cut.to_string()), Some(cut));
        }
    }

    #[test]
    fn ok_numbers_of_32_bits() {
        let check = |xmax: u64, low, expected| assert_eq!(snapshot(&format!("{xmax}:{xmax}:")).nearest(low), expected);
        check(760, 748, 748);
        check(760, 770, 770);
        check((3 << 32) + 5, 7, (3 << 32) + 7);
        check((3 << 32) + 5, u32::MAX, (3 << 32) - 1);
        check((3 << 32) - 5, 2, (3 << 32) + 2);
    }

    #[test]
    fn ok_growing_keeps_the_oldest_out() {
        let grown = snapshot("10:100:10,97,98").grow(1);
        assert!(!grown.contains(10) && grown.contains(97) && grown.contains(98));
    }

    #[test]
    fn ok_far_insertions_are_bounded() {
        let mut far = snapshot("10:20:10");
        far.insert(Xid::MAX - 1);
        assert_eq!(far.in_progress.len(), IN_PROGRESS_MAX);
        far.insert(Xid::MAX);
        assert!(far.contains(Xid::MAX - 1) && !far.contains(10));
    }

    #[test]
    fn ok_timelines_are_apart() {
        let here = snapshot("10:20:");
        let there = Snapshot::of_postgres(Timeline(1), "5:6:").unwrap();
        assert!(!here.contains_all(&there) && !there.contains_all(&here));
        assert!(here.contains_all(&Snapshot::default()));
        let mut merged = here.clone();
        merged.merge(&there);
        assert_eq!(merged, there);
        merged.merge(&Snapshot::default());
        assert_eq!(merged, there);
    }

    #[test]
    fn err_not_a_snapshot() {
        let texts = [
            "",
            ":",
            "::",
            "1:2",
            "1:2:3",
            "2:1:",
            "1:4:3,2",
            "1:4:2,2",
            "1:4:2,",
            "1:4:,2",
            "01:4:",
            "1:+4:",
            "1:4:-2",
            "1: 4:",
            "-1:4:",
            "1:4:0",
            "2:4:1",
            "1:18446744073709551616:",
            "1:4:2:",
            "a:b:",
        ];
        for text in texts {
            assert_eq!(Snapshot::of_postgres(HERE, text), None, "{text}");
            assert_eq!(Snapshot::parse(&format!("0000000000000abc:{text}")), None, "{text}");
        }
        for text in ["1:4:", "abc:1:4:", "0000000000000ABC:1:4:", "+000000000000abc:1:4:", "0000000000000abc1:4:"] {
            assert_eq!(Snapshot::parse(text), None, "{text}");
        }
    }
}
