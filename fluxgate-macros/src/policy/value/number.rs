//! Counts and ratios: literals, whose value is known here, and constant
//! expressions, whose value only the compiler knows.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Lit, LitInt};

use crate::policy::{
    Argument,
    value::{
        constant::is_constant,
        limits::{CountLimits, RatioLimits},
        literal::{Written, is_number_suffix, not_percent, number, wrong_kind},
    },
};
use crate::tokens::{
    Location,
    errors::{ErrorList, Reported},
};

/// A number of calls or keys.
#[derive(Clone)]
pub(crate) struct WholeNumber {
    pub(crate) known: Option<u64>,
    pub(crate) place: Location,
    /// What messages call it.
    pub(crate) what: String,
    pub(crate) limits: CountLimits,
    expr: Expr,
}

/// A number that need not be whole.
#[derive(Clone)]
pub(crate) struct Ratio {
    pub(crate) known: Option<f64>,
    pub(crate) place: Location,
    pub(crate) what: String,
    /// `None` if it is checked together with another one.
    pub(crate) limits: Option<RatioLimits>,
    expr: Expr,
}

impl WholeNumber {
    /// Reads a whole number within `limits`.
    pub(crate) fn read(
        argument: Argument<'_>,
        limits: CountLimits,
        errors: &ErrorList,
    ) -> Result<Self, Reported> {
        let (place, what) = (argument.place.clone(), argument.what.clone());
        not_percent(&argument, errors)?;
        let expr = argument.expr(errors)?;
        let noun = limits.noun();
        let known = match number(&expr) {
            Written::Literal {
                lit: Lit::Int(int),
                negative,
            } => match whole(&int, negative, &what, limits) {
                Ok(value) => Some(value),
                Err(message) => return Err(errors.at(&place, message)),
            },
            Written::Literal {
                lit: Lit::Float(float),
                ..
            } => {
                return Err(errors.at(
                    &place,
                    format!("{what} is {noun} and must be a whole number, but is {float}"),
                ));
            }
            Written::Literal { lit, .. } => {
                return Err(wrong_kind(&lit, &what, noun, &place, errors));
            }
            Written::Unnamed(_) | Written::Unknown => None,
        };
        Ok(Self {
            known,
            place,
            what,
            limits,
            expr,
        })
    }

    /// Returns the expression, if its value is not known.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.known.is_none().then_some(&self.expr)
    }

    /// Returns the constant that the compiler is to check.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        self.expr().filter(|expr| is_constant(expr))
    }
}

/// Returns the value of an integer literal, or what is wrong with it.
fn whole(int: &LitInt, negative: bool, what: &str, limits: CountLimits) -> Result<u64, String> {
    if !is_number_suffix(int.suffix()) {
        let noun = limits.noun();
        return Err(format!("{what} is {noun}, but `{int}` is a duration"));
    }
    let digits = int.base10_digits();
    match int.base10_parse::<u64>() {
        Err(_) if !negative => Err(format!(
            "{what} must be at most {}, but is {digits}",
            limits.most()
        )),
        Ok(value) if !negative && limits.least() <= value && value <= limits.most() => Ok(value),
        _ => {
            let sign = if negative { "-" } else { "" };
            Err(format!("{what} {}, but is {sign}{digits}", limits.words()))
        }
    }
}

/// Writes the number in full if it is known, or else as it was written.
impl ToTokens for WholeNumber {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self.known {
            Some(value) => {
                let mut literal = Literal::u64_unsuffixed(value);
                literal.set_span(self.place.span());
                literal.to_tokens(tokens);
            }
            None => self.expr.to_tokens(tokens),
        }
    }
}

impl Ratio {
    /// Reads a number within `limits`. Without limits the caller checks it, together
    /// with another one.
    pub(crate) fn read(
        argument: Argument<'_>,
        limits: Option<RatioLimits>,
        errors: &ErrorList,
    ) -> Result<Self, Reported> {
        let (place, what) = (argument.place.clone(), argument.what.clone());
        not_percent(&argument, errors)?;
        let expr = argument.expr(errors)?;
        let known = match number(&expr) {
            Written::Literal {
                lit: Lit::Int(int),
                negative,
            } if is_number_suffix(int.suffix()) => {
                sign(int.base10_digits().parse::<f64>().ok(), negative)
            }
            Written::Literal {
                lit: Lit::Float(float),
                negative,
            } if is_number_suffix(float.suffix()) => {
                sign(float.base10_digits().parse::<f64>().ok(), negative)
            }
            Written::Literal {
                lit: lit @ (Lit::Int(_) | Lit::Float(_)),
                ..
            } => {
                let lit = lit.to_token_stream();
                return Err(errors.at(
                    &place,
                    format!("{what} is a plain number, but `{lit}` is a duration"),
                ));
            }
            Written::Literal { lit, .. } => {
                return Err(wrong_kind(&lit, &what, "a number", &place, errors));
            }
            Written::Unnamed(value) => Some(value),
            Written::Unknown => None,
        };
        if let (Some(value), Some(limits)) = (known, limits) {
            within(value, limits, &what).map_err(|message| errors.at(&place, message))?;
        }
        Ok(Self {
            known,
            place,
            what,
            limits,
            expr,
        })
    }

    /// Returns the expression, if its value is not known.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.known.is_none().then_some(&self.expr)
    }

    /// Returns the constant that the compiler is to check.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        self.expr().filter(|expr| is_constant(expr))
    }
}

/// Returns what is wrong with a value outside its limits.
fn within(value: f64, limits: RatioLimits, what: &str) -> Result<(), String> {
    if limits.hold(value) {
        return Ok(());
    }
    let advice = if limits.is_part() && value > 1.0 && value <= 100.0 {
        format!("; for {value} % write `{:?}`", value / 100.0)
    } else {
        limits.reason().to_owned()
    };
    Err(format!(
        "{what} {}, but is {value:?}{advice}",
        limits.words()
    ))
}

fn sign(value: Option<f64>, negative: bool) -> Option<f64> {
    value.map(|value| if negative { -value } else { value })
}

impl ToTokens for Ratio {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let span = self.place.span();
        let value = self
            .known
            .filter(|value| value.is_finite() && *value >= 0.0);
        if let Some(value) = value {
            let mut literal = Literal::f64_unsuffixed(value);
            literal.set_span(span);
            literal.to_tokens(tokens);
        } else {
            let expr = &self.expr;
            quote_spanned!(span=> #expr).to_tokens(tokens);
        }
    }
}
