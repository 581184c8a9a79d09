//! `&`, `|`, `!` and parentheses, the same for rules and trackers.

use proc_macro2::Delimiter;

use crate::{
    policy::call::not_a_closure,
    settings::table,
    tokens::{
        Cursor, Place,
        errors::{Errors, Reported},
    },
};

/// How many leaves there may be: the compiler's stack is finite, and so is the
/// time for looking at a rule.
const MOST: usize = 256;

/// A combination of leaves.
#[derive(Clone)]
pub(crate) enum Formula<L> {
    Leaf(L),
    Not(Box<Formula<L>>),
    All(Vec<Formula<L>>),
    Any(Vec<Formula<L>>),
}

impl<L> Formula<L> {
    /// Every leaf, left to right.
    pub(crate) fn leaves<'a>(&'a self, visit: &mut impl FnMut(&'a L)) {
        match self {
            Self::Leaf(leaf) => visit(leaf),
            Self::Not(inner) => inner.leaves(visit),
            Self::All(parts) | Self::Any(parts) => {
                for part in parts {
                    part.leaves(visit);
                }
            }
        }
    }
}

/// How formulas of one kind are written.
pub(crate) struct Grammar<'g, L> {
    /// "tripper" or "tracker".
    pub(crate) what: &'g str,
    /// Why there is no `!`, if there is none.
    pub(crate) no_not: Option<&'g str>,
    /// Reads a leaf; `None` if it was understood but refused.
    pub(crate) leaf: fn(&mut Cursor<'_>, &Errors) -> Result<Option<L>, Reported>,
    pub(crate) errors: &'g Errors,
}

/// The parts that were sound; `None` if none was.
type Read<L> = Result<Option<Formula<L>>, Reported>;

impl<L> Grammar<'_, L> {
    /// A whole value: up to the end or a comma.
    pub(crate) fn read(&self, cursor: &mut Cursor<'_>) -> Option<Formula<L>> {
        let whole = cursor.clone().until_comma().whole();
        let formula = self.any(cursor).ok()?;
        if !cursor.at_boundary() {
            self.stray(cursor);
            return None;
        }
        let mut count = 0;
        formula.as_ref()?.leaves(&mut |_| count += 1);
        if count > MOST {
            self.errors.at(
                &whole,
                format!(
                    "this {} has {count} parts, and at most {MOST} are allowed; one of your own in \
                     `Custom(…)` can look at as many things as it likes",
                    self.what
                ),
            );
            return None;
        }
        formula
    }

    fn any(&self, cursor: &mut Cursor<'_>) -> Read<L> {
        let mut parts = vec![self.all(cursor)?];
        while let Some(operator) = self.operator(cursor, '|')? {
            self.not_the_end(cursor, '|', &operator)?;
            parts.push(self.all(cursor)?);
        }
        Ok(join(parts, Formula::Any))
    }

    fn all(&self, cursor: &mut Cursor<'_>) -> Read<L> {
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
        place: &Place,
    ) -> Result<(), Reported> {
        if cursor.at_boundary() {
            let message = format!("expected a {} after `{operator}`", self.what);
            return Err(self.errors.at(place, message));
        }
        Ok(())
    }

    fn term(&self, cursor: &mut Cursor<'_>) -> Read<L> {
        let Some(token) = cursor.peek() else {
            return Err(self
                .errors
                .at(&cursor.place(), format!("expected a {} here", self.what)));
        };
        if token.is_punct('!') {
            return self.negated(cursor);
        }
        if token.is_punct('~') || token.ident().is_some_and(|ident| ident == "not") {
            let advice = match self.no_not {
                None => "`!` means not",
                Some(why) => why,
            };
            let what = if self.no_not.is_none() {
                String::new()
            } else {
                format!(", and a {} can't be negated", self.what)
            };
            return Err(self.errors.at(
                &token.place,
                format!("`{}` is no operator here{what}: {advice}", token.text()),
            ));
        }
        for delimiter in [Delimiter::Parenthesis, Delimiter::None] {
            if let Some(mut inner) = cursor.group(delimiter) {
                cursor.next();
                let formula = self.any(&mut inner)?;
                if !inner.is_empty() {
                    return Err(self.stray(&mut inner));
                }
                return Ok(formula);
            }
        }
        if let Some(error) = not_a_closure(cursor, self.what, self.errors) {
            return Err(error);
        }
        if token.is_punct('&') || token.is_punct('|') {
            return Err(self.errors.at(
                &token.place,
                format!("expected a {} before this operator", self.what),
            ));
        }
        (self.leaf)(cursor, self.errors).map(|leaf| leaf.map(Formula::Leaf))
    }

    /// A term after one `!` or more, of which two say nothing.
    fn negated(&self, cursor: &mut Cursor<'_>) -> Read<L> {
        let place = cursor.place();
        let mut is_negated = false;
        while cursor.eat_punct('!') {
            is_negated = !is_negated;
        }
        let inner = self.term(cursor)?;
        if let Some(why) = self.no_not {
            self.errors
                .at(&place, format!("a {} can't be negated: {why}", self.what));
            return Ok(None);
        }
        Ok(if is_negated {
            inner.map(|inner| Formula::Not(Box::new(inner)))
        } else {
            inner
        })
    }

    /// Takes `&` or `|`; the doubled and spelt-out forms get advice.
    fn operator(&self, cursor: &mut Cursor<'_>, wanted: char) -> Result<Option<Place>, Reported> {
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
            return Ok(Some(token.place.clone()));
        }
        let word = token.ident().map(ToString::to_string);
        match word.as_deref() {
            Some("and" | "AND" | "And") => Err(self.spelt_out(&token.place, "and", '&')),
            Some("or" | "OR" | "Or") => Err(self.spelt_out(&token.place, "or", '|')),
            _ => Ok(None),
        }
    }

    fn spelt_out(&self, place: &Place, word: &str, operator: char) -> Reported {
        self.errors
            .at(place, format!("`{word}` is written `{operator}` here"))
    }

    fn stray(&self, cursor: &mut Cursor<'_>) -> Reported {
        let Some(token) = cursor.peek() else {
            return self.errors.at(&cursor.place(), "unexpected end");
        };
        if let Some(message) = table::separator(cursor) {
            return self.errors.at(&token.place, message);
        }
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

fn join<L>(
    parts: Vec<Option<Formula<L>>>,
    combine: impl FnOnce(Vec<Formula<L>>) -> Formula<L>,
) -> Option<Formula<L>> {
    let mut parts: Vec<_> = parts.into_iter().collect::<Option<_>>()?;
    if parts.len() == 1 {
        parts.pop()
    } else {
        Some(combine(parts))
    }
}
