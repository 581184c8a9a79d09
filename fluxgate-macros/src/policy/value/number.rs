//! Counts and ratios: literals, whose value is known here, and constant
//! expressions, whose value only the compiler knows.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Lit};

use crate::policy::{
    Argument, Range,
    value::constant::is_constant,
    value::literal::{Given, is_number_suffix, number, percent, wrong_kind},
};
use crate::tokens::{Place, errors::Errors};

/// A number of calls or keys.
#[derive(Clone)]
pub(crate) struct Count {
    pub(crate) known: Option<u64>,
    pub(crate) place: Place,
    /// What messages call it.
    pub(crate) what: String,
    pub(crate) range: Range,
    expr: Expr,
}

/// A number that need not be whole.
#[derive(Clone)]
pub(crate) struct Ratio {
    pub(crate) known: Option<f64>,
    pub(crate) place: Place,
    pub(crate) what: String,
    pub(crate) range: Range,
    expr: Expr,
}

impl Count {
    pub(crate) fn read(argument: Argument<'_>, range: Range, errors: &Errors) -> Option<Self> {
        let Argument { place, what, .. } = &argument;
        let (place, what) = (place.clone(), what.clone());
        percent(&argument, errors)?;
        let expr = argument.expr(errors)?;
        let noun = range.noun();
        let refuse = |given: &str| {
            errors.at(&place, format!("{what} {}, but is {given}", range.words()));
        };
        let known = match number(&expr) {
            Given::Literal {
                lit: Lit::Int(int),
                negative,
            } => {
                if !is_number_suffix(int.suffix()) {
                    errors.at(
                        &place,
                        format!("{what} is {noun}, but `{int}` is a duration"),
                    );
                    return None;
                }
                let value = int.base10_parse::<u64>();
                if value.is_err() && !negative {
                    let (most, given) = (range.most(), int.base10_digits());
                    errors.at(
                        &place,
                        format!("{what} must be at most {most}, but is {given}"),
                    );
                    return None;
                }
                match value {
                    Ok(value) if !negative && range.least() <= value && value <= range.most() => {
                        Some(value)
                    }
                    _ => {
                        let sign = if negative { "-" } else { "" };
                        refuse(&format!("{sign}{}", int.base10_digits()));
                        return None;
                    }
                }
            }
            Given::Literal {
                lit: Lit::Float(float),
                ..
            } => {
                errors.at(
                    &place,
                    format!("{what} is {noun} and must be a whole number, but is {float}"),
                );
                return None;
            }
            Given::Literal { lit, .. } => {
                wrong_kind(&lit, &what, noun, &place, errors);
                return None;
            }
            Given::Unnamed(_) | Given::Unknown => None,
        };
        Some(Self {
            known,
            place,
            what,
            range,
            expr,
        })
    }

    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.known.is_none().then_some(&self.expr)
    }

    /// The constant to be checked by the compiler.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        self.expr().filter(|expr| is_constant(expr))
    }
}

/// The number as it was written, or in full if it is known.
impl ToTokens for Count {
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
    pub(crate) fn read(argument: Argument<'_>, range: Range, errors: &Errors) -> Option<Self> {
        let Argument { place, what, .. } = &argument;
        let (place, what) = (place.clone(), what.clone());
        percent(&argument, errors)?;
        let expr = argument.expr(errors)?;
        let known = match number(&expr) {
            Given::Literal {
                lit: Lit::Int(int),
                negative,
            } if is_number_suffix(int.suffix()) => {
                sign(int.base10_digits().parse::<f64>().ok(), negative)
            }
            Given::Literal {
                lit: Lit::Float(float),
                negative,
            } if is_number_suffix(float.suffix()) => {
                sign(float.base10_digits().parse::<f64>().ok(), negative)
            }
            Given::Literal {
                lit: lit @ (Lit::Int(_) | Lit::Float(_)),
                ..
            } => {
                let lit = lit.to_token_stream();
                errors.at(
                    &place,
                    format!("{what} is a plain number, but `{lit}` is a duration"),
                );
                return None;
            }
            Given::Literal { lit, .. } => {
                wrong_kind(&lit, &what, "a number", &place, errors);
                return None;
            }
            Given::Unnamed(value) => Some(value),
            Given::Unknown => None,
        };
        if let Some(value) = known.filter(|value| !range.holds(*value)) {
            let advice = if matches!(
                range,
                Range::Ratio | Range::Probability | Range::JitterRatio
            ) && value > 1.0
                && value <= 100.0
            {
                format!("; for {value} % write `{:?}`", value / 100.0)
            } else if range == Range::ThrottleK {
                ": the calls let through are k times those accepted, and with less than a tenth \
                 of spare the throttle hardly notices that there is room again"
                    .to_owned()
            } else {
                String::new()
            };
            errors.at(
                &place,
                format!("{what} {}, but is {value:?}{advice}", range.words()),
            );
            return None;
        }
        Some(Self {
            known,
            place,
            what,
            range,
            expr,
        })
    }

    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.known.is_none().then_some(&self.expr)
    }

    /// The constant to be checked by the compiler.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        self.expr().filter(|expr| is_constant(expr))
    }
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
