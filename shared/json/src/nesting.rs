//! What a scan has to remember: which containers are open, and the names of their members.
//!
//! Rows of one table have the same members in the same order. So the names of an object are kept for the next one at its
//! depth: as long as that one has them too, they are known to be good and different, and a comparison of bytes is all that a
//! member costs.

use crate::{Container, ErrorKind, Limits, Policy, text};

/// So many members are compared with one another as they come; more are sorted when their object ends, as time has to stay
/// bounded. Hashes would need a secret for that.
const COMPARED_MAX: usize = 16;

/// Longest names, together, that are kept for the next object.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// Longest JSON pointer of a refusal, in bytes. Where it would be longer, it is that of what lies around.
const POINTER_BYTES_MAX: usize = 1024;

/// The containers that are open.
#[derive(Debug, Default)]
pub(crate) struct Nesting {
    /// Those that are open, and behind them others, for what they remember.
    levels: Vec<Level>,
    /// How many are open.
    pub(crate) depth: usize,
    /// Of these, members that are left out.
    dropping: usize,
}

#[derive(Debug)]
struct Level {
    container: Container,
    /// Elements or members that began; the first element counts when it is over.
    count: usize,
    /// Whether the names so far are those of the object before.
    is_alike: bool,
    /// Whether it is the value of `constructor`.
    is_constructor: bool,
    /// What is wrong with the member that is being read, where it is left out.
    dropping: Option<ErrorKind>,
    /// Of the object, and as long as it is alike, of the one before.
    members: Vec<Member>,
    /// Each in quotes and with a colon behind it, which is how a member begins: `"id":`.
    names: Vec<u8>,
}

/// A member of an object.
#[derive(Debug, Clone, Copy)]
struct Member {
    /// The end of its name in `Level::names`.
    end: usize,
    /// Whether its name is spelled as it is, and nothing follows from it.
    is_plain: bool,
    /// Where its name and its value begin and end in the text; known for the members of objects that are not alike.
    from: usize,
    to: usize,
}

/// Something that was found in an object, and where in the text.
pub(crate) struct Finding {
    pub(crate) kind: ErrorKind,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) pointer: String,
}

impl Nesting {
    /// Opens a container.
    #[inline(always)]
    pub(crate) fn enter(&mut self, container: Container, limits: &Limits) -> Result<(), ErrorKind> {
        if self.depth >= limits.depth {
            return Err(ErrorKind::Depth(limits.depth));
        }
        let is_constructor = self.top().is_some_and(Level::is_at_constructor);
        if self.depth == self.levels.len() {
            self.levels.push(Level::new());
        }
        let level = &mut self.levels[self.depth];
        self.depth += 1;
        level.container = container;
        level.count = 0;
        level.dropping = None;
        level.is_constructor = is_constructor && container == Container::Object;
        level.is_alike = container == Container::Object && !level.is_constructor && !level.members.is_empty();
        if container == Container::Object && !level.is_alike {
            level.end_shape();
        }
        Ok(())
    }

    /// Closes the container.
    #[inline(always)]
    pub(crate) fn leave(&mut self) -> Container {
        let Some(level) = self.top_mut() else { return Container::Array };
        let container = level.container;
        if container == Container::Object && level.count < level.members.len() {
            level.end_shape();
        }
        if level.names.len() > KEPT_BYTES_MAX {
            (level.names, level.members) = (Vec::new(), Vec::new());
        }
        self.depth -= 1;
        container
    }

    /// The container that is open.
    #[inline(always)]
    pub(crate) fn container(&self) -> Option<Container> {
        Some(self.top()?.container)
    }

    /// Whether `rest` begins with the name that the object before had here, and a colon: the length of both.
    #[inline(always)]
    pub(crate) fn expected(&self, rest: &[u8]) -> Option<usize> {
        let expected = self.top()?.expected()?;
        is_same(rest.get(..expected.len())?, expected).then_some(expected.len())
    }

    /// Takes the name that was expected.
    #[inline(always)]
    pub(crate) fn take_expected(&mut self) {
        if let Some(level) = self.top_mut() {
            level.count += 1;
        }
    }

    /// Takes the name of a member, spelled so between its quotes, the first of which stands at `from`.
    pub(crate) fn take(
        &mut self,
        spelled: &[u8],
        is_escaped: bool,
        from: usize,
        limits: &Limits,
    ) -> Result<(), ErrorKind> {
        let Some(level) = self.top_mut() else { return Ok(()) };
        if !is_escaped && level.expected().map(bare) == Some(spelled) {
            level.count += 1;
            return Ok(());
        }
        let (policy, kind) = match level.add(spelled, is_escaped, from, limits)? {
            None => return Ok(()),
            Some(kind @ ErrorKind::Duplicate) => (limits.duplicates, kind),
            Some(kind) => (limits.prototypes, kind),
        };
        match policy {
            Policy::Allow => {}
            Policy::Refuse => return Err(kind),
            // It is the member around that goes.
            Policy::Drop if kind == ErrorKind::Constructor => self.drop_member(self.depth - 2, kind),
            Policy::Drop => self.drop_member(self.depth - 1, kind),
        }
        Ok(())
    }

    fn drop_member(&mut self, depth: usize, kind: ErrorKind) {
        self.dropping += usize::from(self.levels[depth].dropping.replace(kind).is_none());
    }

    /// The name that was taken last, decoded, and its place.
    #[inline(always)]
    pub(crate) fn name(&self) -> (&[u8], usize) {
        let level = &self.levels[self.depth - 1];
        (level.name(level.count - 1), level.count - 1)
    }

    /// An element is over, and another one follows.
    #[inline(always)]
    pub(crate) fn next_element(&mut self) {
        if let Some(level) = self.top_mut() {
            level.count += 1;
        }
    }

    /// Whether ends of values have to be told to [`Nesting::end_value`].
    #[inline(always)]
    pub(crate) fn is_dropping(&self, limits: &Limits) -> bool {
        self.dropping > 0 || limits.duplicates == Policy::Drop
    }

    /// The value of a member ended before `to`; gives the member if it is left out.
    pub(crate) fn end_value(&mut self, to: usize) -> Option<Finding> {
        let level = self.top_mut().filter(|level| level.container == Container::Object)?;
        let member = level.members.get_mut(level.count.checked_sub(1)?)?;
        member.to = to;
        let from = member.from;
        let kind = level.dropping.take()?;
        self.dropping -= 1;
        Some(Finding { kind, from, to, pointer: self.pointer() })
    }

    /// Whether the container that is open, and about to end, has members that have not been compared.
    #[inline(always)]
    pub(crate) fn has_late_members(&self) -> bool {
        let is_late = |level: &Level| level.count > COMPARED_MAX && !level.is_alike;
        self.top().is_some_and(|level| level.container == Container::Object && is_late(level))
    }

    /// Of those members the ones whose names stand before them already.
    #[cold]
    pub(crate) fn duplicates(&self) -> Vec<Finding> {
        let Some(level) = self.top() else { return Vec::new() };
        let mut places: Vec<usize> = (0..level.count).collect();
        sort::sort_by(&mut places, &|one, other| level.name(*one).cmp(level.name(*other)));
        let twins = places.windows(2).filter(|pair| level.name(pair[0]) == level.name(pair[1])).map(|pair| pair[1]);
        // Those that came early are known.
        let late = twins.filter(|place| *place >= COMPARED_MAX);
        let finding = |place: usize| {
            let Member { from, to, .. } = level.members[place];
            Finding { kind: ErrorKind::Duplicate, from, to, pointer: self.pointer_to(Some(place)) }
        };
        late.map(finding).collect()
    }

    /// The JSON pointer (RFC 6901) of the value that is being read.
    pub(crate) fn pointer(&self) -> String {
        self.pointer_to(None)
    }

    /// The same, or that of another member of the object that is open.
    fn pointer_to(&self, place: Option<usize>) -> String {
        let mut pointer = String::new();
        for (depth, level) in self.levels[..self.depth].iter().enumerate() {
            let place = place.filter(|_| depth + 1 == self.depth).or(level.count.checked_sub(1));
            let segment = match (level.container, place) {
                (Container::Array, _) => level.count.to_string(),
                (Container::Object, Some(place)) => String::from_utf8_lossy(level.name(place)).into_owned(),
                (Container::Object, None) => break,
            };
            if pointer.len() + segment.len() >= POINTER_BYTES_MAX {
                break;
            }
            pointer.push('/');
            pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        }
        pointer
    }

    #[inline(always)]
    fn top(&self) -> Option<&Level> {
        self.levels.get(self.depth.wrapping_sub(1))
    }

    #[inline(always)]
    fn top_mut(&mut self) -> Option<&mut Level> {
        self.levels.get_mut(self.depth.wrapping_sub(1))
    }
}

impl Level {
    fn new() -> Level {
        Level {
            container: Container::Array,
            count: 0,
            is_alike: false,
            is_constructor: false,
            dropping: None,
            members: Vec::new(),
            names: Vec::new(),
        }
    }

    /// The name that the object before had at this place, with quotes and colon.
    #[inline(always)]
    fn expected(&self) -> Option<&[u8]> {
        let member = self.members.get(self.count).filter(|member| self.is_alike && member.is_plain)?;
        Some(&self.names[self.start(self.count)..member.end])
    }

    #[inline(always)]
    fn name(&self, place: usize) -> &[u8] {
        bare(&self.names[self.start(place)..self.members[place].end])
    }

    #[inline(always)]
    fn start(&self, place: usize) -> usize {
        if place == 0 { 0 } else { self.members[place - 1].end }
    }

    fn is_at_constructor(&self) -> bool {
        self.container == Container::Object && self.count > 0 && self.name(self.count - 1) == b"constructor"
    }

    /// Adds a name that the object before did not have here; gives what is wrong with it.
    fn add(
        &mut self,
        spelled: &[u8],
        is_escaped: bool,
        from: usize,
        limits: &Limits,
    ) -> Result<Option<ErrorKind>, ErrorKind> {
        self.end_shape();
        self.is_alike = false;
        if self.count >= limits.members {
            return Err(ErrorKind::Members(limits.members));
        }
        self.names.push(b'"');
        match is_escaped {
            true => text::decode(spelled, &mut self.names),
            false => self.names.extend_from_slice(spelled),
        }
        self.names.extend_from_slice(b"\":");
        let end = self.names.len();
        self.members.push(Member { end, is_plain: false, from, to: from });
        self.count += 1;
        let kind = self.flaw();
        let name = self.name(self.count - 1);
        self.members[self.count - 1].is_plain = !is_escaped && kind.is_none() && name != b"constructor";
        Ok(kind)
    }

    /// What is wrong with the last name.
    fn flaw(&self) -> Option<ErrorKind> {
        let place = self.count - 1;
        match self.name(place) {
            b"__proto__" => Some(ErrorKind::Proto),
            b"prototype" if self.is_constructor => Some(ErrorKind::Constructor),
            name => {
                let is_early = place < COMPARED_MAX;
                (is_early && (0..place).any(|other| self.name(other) == name)).then_some(ErrorKind::Duplicate)
            }
        }
    }

    /// Forgets the names that the object before had from here on.
    fn end_shape(&mut self) {
        self.names.truncate(self.start(self.count));
        self.members.truncate(self.count);
    }
}

/// A name without its quotes and colon.
#[inline(always)]
fn bare(name: &[u8]) -> &[u8] {
    &name[1..name.len() - 2]
}

/// Whether two names of the same length, with what is around them, are the same. They are short: a call would take longer than to
/// compare them.
#[inline(always)]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let length = one.len();
    match length {
        0..4 => one == other,
        4..8 => is_same_at::<4>(one, other, 0) && is_same_at::<4>(one, other, length - 4),
        _ => {
            let mut at = 0;
            while at + 8 < length {
                if !is_same_at::<8>(one, other, at) {
                    return false;
                }
                at += 8;
            }
            is_same_at::<8>(one, other, length - 8)
        }
    }
}

#[inline(always)]
fn is_same_at<const WIDTH: usize>(one: &[u8], other: &[u8], at: usize) -> bool {
    let part = |name: &[u8]| -> Option<[u8; WIDTH]> { name.get(at..at + WIDTH)?.try_into().ok() };
    part(one) == part(other)
}
