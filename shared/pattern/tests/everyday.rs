//! Patterns as people write them are let through.

/// Of a hundred patterns, so many may be refused.
const REFUSED_PERCENT_MAX: usize = 2;

#[test]
fn ok_everyday_patterns() {
    let lines: Vec<&str> = include_str!("everyday.tsv").lines().filter(|line| line.starts_with('~')).collect();
    let patterns: Vec<&str> = lines.iter().map(|line| line.split('\t').nth(1).unwrap()).collect();
    let refused: Vec<_> =
        patterns.iter().filter_map(|pattern| Some((pattern, pattern::check(pattern).err()?))).collect();
    for (pattern, error) in &refused {
        println!("refused: {error}: {pattern}");
    }
    println!("{} of {} everyday patterns are refused", refused.len(), patterns.len());
    assert!(patterns.len() >= 500);
    assert!(refused.len() * 100 <= patterns.len() * REFUSED_PERCENT_MAX);
}

/// Two in three are patterns that we would run, too.
#[test]
fn ok_everyday_patterns_that_we_run() {
    let patterns = include_str!("everyday.tsv").lines().filter_map(|line| line.split('\t').nth(1));
    let (run, refused): (Vec<&str>, Vec<&str>) = patterns.partition(|pattern| pattern::Pattern::new(pattern).is_ok());
    println!("{} of {} everyday patterns can be rules", run.len(), run.len() + refused.len());
    assert!(run.len() >= 2 * refused.len());
}
