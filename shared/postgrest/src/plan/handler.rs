//! Which function of the database makes the body, where one makes what the caller accepts.
//!
//! A handler may be of the rows that are asked for, and then only takes them whole, or of any rows
//! (<https://docs.postgrest.org/en/stable/references/api/media_type_handlers.html>). What the dialect makes by itself comes
//! after both, but for its own `application/vnd.pgrst.…`, which nobody replaces.

use catalog::{Catalog, Handler};

use super::tree::{ReadPlan, Rows, Selected};
use crate::api_request::{ApiRequest, MediaType};
use crate::error::{Error, ErrorKind};

/// The handler of the first media type accepted that has one, unless the dialect makes an earlier one.
///
/// # Errors
/// Nobody makes any of them.
pub(super) fn choose<'a>(
    request: &ApiRequest,
    catalog: &'a Catalog,
    plan: &ReadPlan<'a>,
) -> Result<Option<Handler<'a>>, Error> {
    let target = target(plan);
    let is_whole = plan.root.embeds.is_empty() && matches!(plan.root.select.as_slice(), [Selected::Star]);
    for accepted in &request.accepted {
        let name = accepted.split(';').next().unwrap_or_default().trim();
        let own = |wanted: &str| {
            let is_wanted =
                |one: &Handler<'a>| one.target == Some(target) && one.media_type.eq_ignore_ascii_case(wanted);
            catalog.handlers().find(is_wanted).filter(|_| is_whole)
        };
        let of_all =
            || catalog.handlers().find(|one| one.target.is_none() && one.media_type.eq_ignore_ascii_case(name));
        if !name.starts_with("application/vnd.pgrst.")
            && let Some(handler) = own("*/*").or_else(|| own(name)).or_else(of_all)
        {
            return Ok(Some(handler));
        }
        if MediaType::parse(accepted).is_some() {
            return Ok(None);
        }
    }
    match request.is_acceptable {
        true => Ok(None),
        false => Err(ErrorKind::MediaType { accepted: request.accepted.clone() }.into()),
    }
}

/// What handlers call the rows: the relation, or the function whose result is no relation's.
fn target<'a>(plan: &ReadPlan<'a>) -> (&'a str, &'a str) {
    match plan.root.rows {
        Rows::Function(function) if function.returns_composite() => (function.schema(), function.return_type().1),
        rows => rows.full_name(),
    }
}
