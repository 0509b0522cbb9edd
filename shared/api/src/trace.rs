//! The header by which an operator follows a request: the response repeats it, as `server-trace-header` asks.

use config::Config;
use edge::{HeaderMap, HeaderName, HeaderValue};

/// What to repeat; the empty value where the request had none, as PostgREST does.
pub(crate) fn header(headers: &HeaderMap, config: &Config) -> Option<(HeaderName, HeaderValue)> {
    let name = HeaderName::try_from(config.server_trace_header.as_deref()?).ok()?;
    let value = headers.get(&name).cloned().unwrap_or_else(|| HeaderValue::from_static(""));
    Some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(option: Option<&str>, sent: &[(&'static str, &'static str)], expected: Option<(&str, &str)>) {
        let config = Config { server_trace_header: option.map(str::to_owned), ..Config::default() };
        let sent = sent.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        let header = header(&sent.collect(), &config);
        let header = header.as_ref().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
        assert_eq!(header, expected);
    }

    #[test]
    fn ok_repeated_or_empty_or_none() {
        check(Some("X-Request-Id"), &[("x-request-id", "1")], Some(("x-request-id", "1")));
        check(Some("X-Request-Id"), &[], Some(("x-request-id", "")));
        check(None, &[("x-request-id", "1")], None);
    }
}
