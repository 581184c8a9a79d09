//! What reading a policy can fail with.

use std::fmt;

use super::tokens::{
    Cursor, Location,
    errors::{ErrorList, Reported},
    lex, quoted,
};
use crate::Fault;

/// A text is no policy. Lists every mistake, not only the first.
///
/// ```
/// use fluxgate::tripper::Rule;
///
/// let error = "MinRequest(20) & FailureRate(50)".parse::<Rule>().unwrap_err();
/// assert_eq!(error.to_string(), "\
/// unknown tripper `MinRequest`; did you mean `MinRequests`?
///
///     MinRequest(20) & FailureRate(50)
///     ^^^^^^^^^^
///
/// the ratio of `FailureRate` must be greater than 0 and at most 1, but is 50.0; for 50 % write `0.5`
///
///     MinRequest(20) & FailureRate(50)
///                                  ^^");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsePolicyError {
    faults: Vec<Fault>,
}

impl ParsePolicyError {
    /// Returns what is wrong, and where in the text, one message for each mistake; at
    /// most 20, and then how many more there are.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter()
    }
}

impl fmt::Display for ParsePolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, fault) in self.faults.iter().enumerate() {
            let separator = if i == 0 { "" } else { "\n\n" };
            write!(f, "{separator}{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ParsePolicyError {}

/// The most bytes of one text. The longest rule of 256 parts has half of it.
const LONGEST: usize = 32 * 1024;

/// Reads a whole text.
pub(crate) fn parse<T>(
    text: &str,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
) -> Result<T, ParsePolicyError> {
    parse_and_check(text, read, |_, _| {})
}

/// Reads a whole text, and looks at what was read.
pub(crate) fn parse_and_check<T>(
    text: &str,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
    check: impl FnOnce(&T, &ErrorList),
) -> Result<T, ParsePolicyError> {
    read_located(text, read, check).map_err(|faults| ParsePolicyError {
        faults: faults
            .into_iter()
            .map(|fault| Fault::new(fault.message))
            .collect(),
    })
}

/// A mistake, and where in its line it is, in characters from 1.
pub(crate) struct LocatedFault {
    pub(crate) column: Option<usize>,
    pub(crate) message: String,
}

/// Reads a whole text, and looks at what was read.
pub(crate) fn read_located<T>(
    text: &str,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
    check: impl FnOnce(&T, &ErrorList),
) -> Result<T, Vec<LocatedFault>> {
    if text.len() > LONGEST {
        return Err(vec![LocatedFault {
            column: None,
            message: format!(
                "a policy is at most {LONGEST} bytes long, and this is {}",
                text.len()
            ),
        }]);
    }
    let errors = ErrorList::default();
    let value = parse_into(text, &errors, read).inspect(|value| check(value, &errors));
    located(text, errors, value)
}

/// Returns the value, or every mistake in `text` that was collected.
pub(crate) fn located<T>(
    text: &str,
    errors: ErrorList,
    value: Result<T, Reported>,
) -> Result<T, Vec<LocatedFault>> {
    errors.finish(value).map_err(|faults| {
        let located = |(place, message): (Location, String)| LocatedFault {
            column: Some(column(text, place)),
            message: quoted(&message, text, place),
        };
        faults.into_iter().map(located).collect()
    })
}

/// Returns where in its line a place begins, in characters from 1.
fn column(text: &str, place: Location) -> usize {
    let before = &text[..place.from];
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.chars().count() + 1
}

fn parse_into<T>(
    text: &str,
    errors: &ErrorList,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
) -> Result<T, Reported> {
    let tokens = lex(text).map_err(|error| errors.push(error))?;
    let end = Location {
        from: text.len(),
        to: text.len(),
    };
    if tokens.is_empty() {
        return Err(errors.at(&end, "this is empty; leave the setting out for the default"));
    }
    let mut cursor = Cursor::new(&tokens, end);
    let value = read(&mut cursor, errors)?;
    if !cursor.is_empty() {
        return Err(errors.at(&cursor.whole(), "expected the end of the text"));
    }
    Ok(value)
}
