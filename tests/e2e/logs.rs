//! What everything has printed while it was tested: no secret.

use anyhow::ensure;
use libtest_mimic::Trial;

use crate::harness::{JWT_SECRET, all_printed, dev};
use crate::{Outcome, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![test("nothing_that_was_printed_holds_a_secret", no_secret)]
}

/// wrangler lists the variables that it was called with.
const LIST_OF_WRANGLER: &str = "env.";

fn no_secret() -> Outcome {
    let dev = dev()?;
    let mut secrets = vec![("what tokens are signed with", JWT_SECRET.to_owned())];
    for url in [&dev.region_connection, &dev.database_url, &dev.superuser_url] {
        secrets.extend(password(url).map(|password| ("a password", password)));
    }
    ensure!(secrets.len() > 1, "the region's connection string has no password");
    let printed = all_printed();
    let lines = printed.iter().flat_map(|text| text.lines()).filter(|line| !line.contains(LIST_OF_WRANGLER));
    let mut count = 0;
    for line in lines {
        count += 1;
        for (what, secret) in &secrets {
            ensure!(!line.contains(secret.as_str()), "{what} was printed: {}", line.replace(secret.as_str(), "…"));
        }
        // Tokens begin with an object's brace in Base64.
        ensure!(!line.contains("eyJhbGciOi"), "a token was printed: {line:.40}");
    }
    ensure!(count > 10, "{count} lines were printed");
    Ok(())
}

/// Of `scheme://user:password@host/…`.
fn password(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let (user_info, _) = rest.split_once('@')?;
    let (_, password) = user_info.split_once(':')?;
    (password.len() > 5).then(|| password.to_owned())
}
