//! Suggestions for misspelt names.

/// Returns the candidate nearest to `given`, if it is near enough to be meant.
pub(crate) fn suggest<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let given = plain(given);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let wanted = plain(candidate);
            let is_part = given.len().min(wanted.len()) >= 4
                && (wanted.contains(&given) || given.contains(&wanted));
            let distance = match distance(&given, &wanted) {
                far if is_part => far.min(2),
                near => near,
            };
            let most = wanted.len().min(given.len()).div_ceil(3);
            (distance <= most || is_part).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns `; did you mean …?`, or nothing.
pub(crate) fn did_you_mean<'a>(
    given: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    suggest(given, candidates)
        .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"))
}

/// Returns whether a name is another one with a slip or two, so that it can hardly be meant
/// as a name of its own.
pub(crate) fn is_misspelt(given: &str, wanted: &str) -> bool {
    given != wanted
        && given.chars().next() == wanted.chars().next()
        && given.len().abs_diff(wanted.len()) <= 2
        && distance(given, wanted) <= 2
}

/// Strips what naming conventions differ in.
fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| *c != '_')
        .flat_map(char::to_lowercase)
        .collect()
}

/// Insertions, deletions, replacements, and neighbours exchanged.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}
