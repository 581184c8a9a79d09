//! Formulas of trippers and trackers: `&`, `|`, `!` and parentheses.

use std::cell::Cell;

use super::call::not_a_closure;
use crate::grammar::tokens::{
    Cursor, Delimiter, Location,
    errors::{ErrorList, Reported},
};

/// How many leaves there may be: the compiler's stack is finite, and so is the
/// time for looking at a rule.
const MOST: usize = 256;

/// A combination of leaves.
#[derive(Clone)]
pub(crate) enum Formula<L> {
    Leaf(L),
    All(Vec<Formula<L>>),
    Any(Vec<Formula<L>>),
}

/// How formulas of one kind are written.
pub(crate) struct Grammar<'g, L> {
    /// "tripper" or "tracker".
    pub(crate) what: &'g str,
    /// Why there is no `!`.
    pub(crate) why_no_negation: &'g str,
    /// Reads a leaf.
    pub(crate) leaf: fn(&mut Cursor<'_>, &ErrorList) -> LeafResult<L>,
    /// How many leaves were read.
    pub(crate) count: Cell<usize>,
    pub(crate) errors: &'g ErrorList,
}

/// An error outside is one of syntax: what follows can't be read. One inside was
/// understood, and what follows is read, so that all mistakes are reported.
pub(crate) type LeafResult<T> = Result<Result<T, Reported>, Reported>;

impl<L> Grammar<'_, L> {
    /// Reads a whole value: up to the end or a comma.
    pub(crate) fn read(&self, cursor: &mut Cursor<'_>) -> Result<Formula<L>, Reported> {
        let whole = cursor.clone().until_comma().whole();
        let formula = self.any(cursor)?;
        if !cursor.at_boundary() {
            return Err(self.stray(cursor));
        }
        let formula = formula?;
        let count = self.count.get();
        if count > MOST {
            return Err(self.errors.at(
                &whole,
                format!(
                    "this {} has {count} parts, and at most {MOST} are allowed",
                    self.what
                ),
            ));
        }
        Ok(formula)
    }

    fn any(&self, cursor: &mut Cursor<'_>) -> LeafResult<Formula<L>> {
        let mut parts = vec![self.all(cursor)?];
        while let Some(operator) = self.operator(cursor, '|')? {
            self.not_the_end(cursor, '|', &operator)?;
            parts.push(self.all(cursor)?);
        }
        Ok(join(parts, Formula::Any))
    }

    fn all(&self, cursor: &mut Cursor<'_>) -> LeafResult<Formula<L>> {
        let mut parts = vec![self.term(cursor)?];
        while let Some(operator) = self.operator(cursor, '&')? {
            self.not_the_end(cursor, '&', &operator)?;
            parts.push(self.term(cursor)?);
        }
        Ok(join(parts, Formula::All))
    }

    fn not_the_end(
        &self,
        cursor: &Cursor<'_>,
        operator: char,
        place: &Location,
    ) -> Result<(), Reported> {
        if cursor.at_boundary() {
            let message = format!("expected a {} after `{operator}`", self.what);
            return Err(self.errors.at(place, message));
        }
        Ok(())
    }

    fn term(&self, cursor: &mut Cursor<'_>) -> LeafResult<Formula<L>> {
        let Some(token) = cursor.peek() else {
            return Err(self
                .errors
                .at(&cursor.place(), format!("expected a {} here", self.what)));
        };
        if token.is_punct('!') {
            return self.negated(cursor);
        }
        if token.is_punct('~') || token.ident() == Some("not") {
            let advice = format!(
                ", and a {} can't be negated: {}",
                self.what, self.why_no_negation
            );
            return Err(self.errors.at(
                &token.place,
                format!("`{}` is no operator here{advice}", token.text()),
            ));
        }
        if let Some(mut inner) = cursor.group(Delimiter::Parenthesis) {
            cursor.next();
            let formula = self.any(&mut inner)?;
            if !inner.is_empty() {
                return Err(self.stray(&mut inner));
            }
            return Ok(formula);
        }
        not_a_closure(cursor, self.what, self.errors)?;
        if token.is_punct('&') || token.is_punct('|') {
            return Err(self.errors.at(
                &token.place,
                format!("expected a {} before this operator", self.what),
            ));
        }
        let leaf = (self.leaf)(cursor, self.errors)?;
        self.count.set(self.count.get() + 1);
        Ok(leaf.map(Formula::Leaf))
    }

    /// Reads a term after one `!` or more.
    fn negated(&self, cursor: &mut Cursor<'_>) -> LeafResult<Formula<L>> {
        let place = cursor.place();
        while cursor.eat_punct('!') {}
        let _ = self.term(cursor)?;
        let message = format!("a {} can't be negated: {}", self.what, self.why_no_negation);
        Ok(Err(self.errors.at(&place, message)))
    }

    /// Takes `&` or `|`; the doubled and spelt-out forms get advice.
    fn operator(
        &self,
        cursor: &mut Cursor<'_>,
        wanted: char,
    ) -> Result<Option<Location>, Reported> {
        let Some(token) = cursor.peek() else {
            return Ok(None);
        };
        if token.is_punct(wanted) {
            let doubled = cursor
                .peek_second()
                .filter(|second| token.is_joint() && second.is_punct(wanted));
            if let Some(second) = doubled {
                return Err(self.errors.at(
                    &token.place.to(&second.place),
                    format!("{}s are combined with a single `{wanted}`", self.what),
                ));
            }
            cursor.next();
            return Ok(Some(token.place));
        }
        let word = token.ident();
        match word {
            Some("and" | "AND" | "And") => Err(self.spelt_out(&token.place, "and", '&')),
            Some("or" | "OR" | "Or") => Err(self.spelt_out(&token.place, "or", '|')),
            _ => Ok(None),
        }
    }

    fn spelt_out(&self, place: &Location, word: &str, operator: char) -> Reported {
        self.errors
            .at(place, format!("`{word}` is written `{operator}` here"))
    }

    fn stray(&self, cursor: &mut Cursor<'_>) -> Reported {
        let Some(token) = cursor.peek() else {
            return self.errors.at(&cursor.place(), "unexpected end");
        };
        let message = match token.text().as_str() {
            "~" => "`~` is no operator here: `!` means not".to_owned(),
            "^" => format!(
                "{}s have no exclusive or; combine them with `&` and `|`",
                self.what
            ),
            text @ ("!" | "not") => {
                format!("expected `&` or `|` before `{text}`")
            }
            text => format!(
                "expected `&`, `|` or the end of the {}, found `{text}`",
                self.what
            ),
        };
        self.errors.at(&token.place, message)
    }
}

/// Combines parts that are all sound; of one there is nothing to combine.
fn join<L>(
    parts: Vec<Result<Formula<L>, Reported>>,
    combine: impl FnOnce(Vec<Formula<L>>) -> Formula<L>,
) -> Result<Formula<L>, Reported> {
    let mut parts: Vec<_> = parts.into_iter().collect::<Result<_, _>>()?;
    Ok(match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            combine(parts)
        }
    })
}
