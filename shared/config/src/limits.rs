//! Rate limits: a table `[limits.NAME]` for each.

use limit::field::is_name;
use limit::{ASKS_MAX, Quota, REQUESTS_MAX, WINDOW_SECONDS_MAX};

use crate::value::Unfit;
use crate::{Error, Value};

/// What the names of all settings of limits begin with.
pub(crate) const PREFIX: &str = "limits.";
/// Most rate limits: a request may come under all of them.
pub const LIMITS_MAX: usize = ASKS_MAX;

/// How often a caller may ask for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Its name, which responses tell.
    pub name: String,
    /// Who is one caller.
    pub by: By,
    /// The relations that it is for.
    pub relations: Vec<String>,
    /// The functions that it is for.
    pub functions: Vec<String>,
    /// The paths that it is for, with all below them. Where nothing is named, it is for every request.
    pub routes: Vec<String>,
    // 0 is what was not set.
    requests: u32,
    window: u32,
    burst: u32,
    /// Where its first setting is.
    line: usize,
}

/// Who is one caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Who comes from the same address, or the same network of IPv6.
    Address,
    /// Who has the same role.
    Role,
    /// Whose tokens say the same at this place, an RFC 9535 path. The limit is not for a token that says nothing there.
    Claim(String),
}

impl Limit {
    /// How often.
    pub fn quota(&self) -> Quota {
        self.checked_quota().expect("every limit was checked")
    }

    fn checked_quota(&self) -> Option<Quota> {
        let burst = if self.burst == 0 { self.requests } else { self.burst };
        Quota::new(self.requests, self.window, burst)
    }
}

/// Sets one option of a limit: `path` is what follows [`PREFIX`].
pub(crate) fn set(limits: &mut Vec<Limit>, path: &str, line: usize, value: Value) -> Result<(), Unfit> {
    let (name, option) = path.rsplit_once('.').ok_or("is no option: a limit is a table `[limits.NAME]`")?;
    let limit = named(limits, name, line)?;
    match option {
        "requests" => limit.requests = number(value, REQUESTS_MAX, "takes an integer from 1 to 1000000")?,
        "window" => limit.window = number(value, WINDOW_SECONDS_MAX, "takes seconds, from 1 to 86400")?,
        "burst" => limit.burst = number(value, REQUESTS_MAX, "takes an integer from 1 to `requests`")?,
        "by" => limit.by = by(value)?,
        "relations" => limit.relations = names(value)?,
        "functions" => limit.functions = names(value)?,
        "routes" => limit.routes = routes(value)?,
        _ => return Err("is no option of a limit"),
    }
    Ok(())
}

/// The limit of this name, or a new one.
fn named<'a>(limits: &'a mut Vec<Limit>, name: &str, line: usize) -> Result<&'a mut Limit, Unfit> {
    let place = limits.iter().position(|limit| limit.name == name).unwrap_or(limits.len());
    if place == LIMITS_MAX {
        return Err("is one limit too many: there may be 16");
    }
    if place == limits.len() {
        if !is_name(name) {
            return Err("has a name that is not 1 to 64 characters of ASCII");
        }
        let (name, by, relations, functions, routes) = (name.to_owned(), By::Address, vec![], vec![], vec![]);
        limits.push(Limit { name, by, relations, functions, routes, requests: 0, window: 0, burst: 0, line });
    }
    Ok(&mut limits[place])
}

/// Refuses a limit that is not whole.
pub(crate) fn check(limits: &[Limit]) -> Result<(), Error> {
    for limit in limits {
        let unfit = match limit {
            _ if limit.checked_quota().is_some() => continue,
            Limit { requests: 0, .. } => "needs `requests`",
            Limit { window: 0, .. } => "needs `window`",
            _ => "has a `burst` that is more than `requests`",
        };
        return Err(Error(format!("line {}: `{PREFIX}{}` {unfit}", limit.line, limit.name)));
    }
    Ok(())
}

fn number(value: Value, max: u32, unfit: Unfit) -> Result<u32, Unfit> {
    let number = value.count().ok().and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (1..=max).contains(number)).ok_or(unfit)
}

fn by(value: Value) -> Result<By, Unfit> {
    match value.text()?.as_str() {
        "address" => Ok(By::Address),
        "role" => Ok(By::Role),
        path if path.starts_with('$') => Ok(By::Claim(path.to_owned())),
        _ => Err("is `address`, `role`, or the path of a claim such as `$.sub`"),
    }
}

/// A list of none would be for every request, which nobody means.
fn names(value: Value) -> Result<Vec<String>, Unfit> {
    value.texts().ok().filter(|names| !names.is_empty()).ok_or("takes a list of at least one string")
}

fn routes(value: Value) -> Result<Vec<String>, Unfit> {
    let routes = names(value)?;
    let is_path = |route: &String| route.len() > 1 && route.starts_with('/') && !route.ends_with('/');
    if routes.iter().all(is_path) { Ok(routes) } else { Err("takes paths such as `/greet`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    const WHOLE: &str = "requests = 10\nwindow = 60\nby = 'role'\n";

    fn limit(name: &str, requests: u32, window: u32, burst: u32, by: By) -> Limit {
        let (name, relations, functions, routes) = (name.into(), vec![], vec![], vec![]);
        Limit { name, by, relations, functions, routes, requests, window, burst, line: 2 }
    }

    #[track_caller]
    fn quota(settings: &str, expected: Option<Quota>) {
        let config = Config::parse(&format!("[limits.a]\n{settings}")).unwrap();
        assert_eq!(Some(config.limits[0].quota()), expected);
    }

    #[test]
    fn ok_a_burst_is_all_requests_unless_it_is_set() {
        quota("requests = 10\nwindow = 60", Quota::new(10, 60, 10));
        quota("requests = 10\nwindow = 60\nburst = 1", Quota::new(10, 60, 1));
        quota("requests = 10\nwindow = 60\nburst = 10", Quota::new(10, 60, 10));
    }

    #[track_caller]
    fn check(text: &str, expected: &[Limit]) {
        assert_eq!(Config::parse(text).unwrap().limits, expected, "{text}");
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let message = Config::parse(text).unwrap_err().to_string();
        assert_eq!(message, format!("headland.toml: {expected}"));
    }

    #[test]
    fn ok_limits() {
        check("", &[]);
        check(&format!("[limits.all]\n{WHOLE}"), &[limit("all", 10, 60, 0, By::Role)]);
        check("[limits.a]\nrequests = 1\nwindow = 1", &[limit("a", 1, 1, 0, By::Address)]);
        let search = Limit {
            line: 3,
            relations: vec!["movies".into()],
            functions: vec!["search".into()],
            routes: vec!["/greet".into()],
            ..limit("search", 100, 3600, 20, By::Address)
        };
        check(
            "db-max-rows = 5\n[limits.search]\nrequests = 100\nwindow = 3600\nburst = 20\nby = \"address\"\n\
             relations = [\"movies\"]\nfunctions = [\"search\"]\nroutes = ['/greet']\n[limits.'per user']\nrequests = 1\nwindow = 1\n\
             by = \"$.sub\"",
            &[search, Limit { line: 11, ..limit("per user", 1, 1, 0, By::Claim("$.sub".into())) }],
        );
        check(&format!("[limits.'a.b']\n{WHOLE}"), &[limit("a.b", 10, 60, 0, By::Role)]);
    }

    #[test]
    fn ok_numbers_at_their_limits() {
        let text =
            |requests: u32, window: u32| format!("[limits.a]\nby = 'role'\nrequests = {requests}\nwindow = {window}");
        check(&text(REQUESTS_MAX, 1), &[limit("a", REQUESTS_MAX, 1, 0, By::Role)]);
        check(&text(1, WINDOW_SECONDS_MAX), &[limit("a", 1, WINDOW_SECONDS_MAX, 0, By::Role)]);
        refused(&text(REQUESTS_MAX + 1, 1), "line 3: `limits.a.requests` takes an integer from 1 to 1000000");
        refused(&text(1, WINDOW_SECONDS_MAX + 1), "line 4: `limits.a.window` takes seconds, from 1 to 86400");
        refused(&text(0, 1), "line 3: `limits.a.requests` takes an integer from 1 to 1000000");
        refused(&text(1, 0), "line 4: `limits.a.window` takes seconds, from 1 to 86400");
    }

    #[test]
    fn ok_as_many_as_are_allowed() {
        let text = |count: usize| (0..count).map(|n| format!("[limits.l{n}]\n{WHOLE}")).collect::<String>();
        assert_eq!(Config::parse(&text(LIMITS_MAX)).unwrap().limits.len(), LIMITS_MAX);
        refused(&text(LIMITS_MAX + 1), "line 66: `limits.l16.requests` is one limit too many: there may be 16");
    }

    #[test]
    fn err_what_is_missing() {
        refused("\n[limits.a]\nwindow = 1\nby = 'role'", "line 3: `limits.a` needs `requests`");
        refused("[limits.a]\nrequests = 1\nby = 'role'", "line 2: `limits.a` needs `window`");
    }

    #[test]
    fn err_values_that_cannot_be() {
        let with = |setting: &str| format!("[limits.a]\n{WHOLE}{setting}");
        refused(&with("burst = 11"), "line 2: `limits.a` has a `burst` that is more than `requests`");
        refused(&with("burst = 0"), "line 5: `limits.a.burst` takes an integer from 1 to `requests`");
        refused(&with("relations = []"), "line 5: `limits.a.relations` takes a list of at least one string");
        for routes in ["['greet']", "['/']", "['/greet/']"] {
            let message = "line 5: `limits.a.routes` takes paths such as `/greet`";
            refused(&with(&format!("routes = {routes}")), message);
        }
        refused(&with("functions = 'f'"), "line 5: `limits.a.functions` takes a list of at least one string");
        refused(&with("rate = 1"), "line 5: `limits.a.rate` is no option of a limit");
        let by = "line 2: `limits.a.by` is `address`, `role`, or the path of a claim such as `$.sub`";
        refused("[limits.a]\nby = 'ip'", by);
        refused("[limits.a]\nby = 1", "line 2: `limits.a.by` takes a string");
        refused("limits.a = 1", "line 1: `limits.a` is no option: a limit is a table `[limits.NAME]`");
        let name = "has a name that is not 1 to 64 characters of ASCII";
        refused("[limits.'ü']\nby = 'role'", &format!("line 2: `limits.ü.by` {name}"));
        refused("[limits.'']\nby = 'role'", &format!("line 2: `limits..by` {name}"));
    }
}
