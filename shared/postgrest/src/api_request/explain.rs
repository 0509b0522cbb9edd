//! `application/vnd.pgrst.plan`: not the rows are wanted, but how Postgres finds them.

use super::media_type::{MediaType, parameters};

/// An execution plan, asked for in place of what it is the plan of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explain {
    /// As JSON; otherwise as text.
    pub(crate) is_json: bool,
    /// Whether each of [`OPTIONS`] is wanted.
    wanted: [bool; OPTIONS.len()],
}

/// What `EXPLAIN` can be asked for besides.
const OPTIONS: [&str; 5] = ["analyze", "verbose", "settings", "buffers", "wal"];

impl Explain {
    /// Reads a media type that asks for a plan; with what the plan is for, JSON if it does not say so.
    pub(super) fn parse(text: &str) -> Option<(&str, Explain)> {
        let name = text.split(';').next()?.trim().to_ascii_lowercase();
        let is_json = match name.strip_prefix("application/vnd.pgrst.plan")? {
            "" | "+text" => false,
            "+json" => true,
            _ => return None,
        };
        let parameter = |name: &str| parameters(text).find(|(key, _)| key.eq_ignore_ascii_case(name));
        let options = parameter("options").map_or("", |(_, options)| options);
        let wanted = OPTIONS.map(|option| options.split('|').any(|wanted| wanted == option));
        let planned_for = parameter("for").map_or("application/json", |(_, planned_for)| planned_for);
        Some((planned_for, Explain { is_json, wanted }))
    }

    /// The options that are wanted.
    pub(crate) fn options(&self) -> impl Iterator<Item = &'static str> {
        OPTIONS.into_iter().zip(self.wanted).filter_map(|(option, is_wanted)| is_wanted.then_some(option))
    }

    /// The value of `Content-Type`.
    pub(crate) fn content_type(&self, planned_for: &MediaType) -> String {
        let mut text = format!(
            "application/vnd.pgrst.plan+{}; for=\"{}\"",
            if self.is_json { "json" } else { "text" },
            planned_for.content_type().trim_end_matches("; charset=utf-8")
        );
        for (index, option) in self.options().enumerate() {
            text += if index == 0 { "; options=" } else { "|" };
            text += option;
        }
        text + "; charset=utf-8"
    }
}
