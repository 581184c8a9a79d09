//! Counts and ratios: literals, whose value is known here, and constant
//! expressions, whose value only the compiler knows.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, ExprLit, ExprUnary, Lit, UnOp};

use super::Argument;
use crate::{errors::Errors, source::Place};

/// A number of calls.
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

/// Which values a number may have. The functions of `limits` in the runtime say
/// the same; a test compares them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// At least 1.
    Count,
    /// At least 1, and within 32 bits.
    Count32,
    WindowSize,
    /// Above 0, at most 1.
    Ratio,
    /// From 0 to 1.
    Probability,
    /// At least 0, below 1.
    JitterRatio,
    /// Above 1, finite.
    Multiplier,
    /// Part of a pair that is checked together.
    Ramp,
}

impl Range {
    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Self::Count | Self::Count32 | Self::WindowSize => value >= 1.0,
            Self::Ratio => value > 0.0 && value <= 1.0,
            Self::Probability => (0.0..=1.0).contains(&value),
            Self::JitterRatio => (0.0..1.0).contains(&value),
            Self::Multiplier => value > 1.0 && value < f64::INFINITY,
            Self::Ramp => true,
        }
    }

    fn most(self) -> u64 {
        match self {
            Self::Count32 | Self::WindowSize => u64::from(u32::MAX),
            _ => u64::MAX,
        }
    }

    /// The rest of "the ratio of `FailureRate` …".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Count => "must be at least 1",
            Self::Count32 => "must be from 1 to 4294967295",
            Self::WindowSize => "must be from 1 to 4294967295 calls",
            Self::Ratio => "must be greater than 0 and at most 1",
            Self::Probability => "must be from 0 to 1",
            Self::JitterRatio => "must be at least 0 and less than 1",
            Self::Multiplier => "must be greater than 1 and finite",
            Self::Ramp => "must be a number",
        }
    }

    /// The function of `limits` that decides about constants.
    pub(crate) fn limit(self) -> Option<&'static str> {
        Some(match self {
            Self::Count => "count",
            Self::Count32 | Self::WindowSize => "window_size",
            Self::Ratio => "ratio",
            Self::Probability => "probability",
            Self::JitterRatio => "jitter_ratio",
            Self::Multiplier => "multiplier",
            Self::Ramp => return None,
        })
    }
}

impl Count {
    pub(crate) fn read(argument: Argument<'_>, range: Range, errors: &Errors) -> Option<Self> {
        let Argument { place, what, .. } = &argument;
        let (place, what) = (place.clone(), what.clone());
        percent(&argument, errors)?;
        let expr = argument.expr(errors)?;
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
                        format!("{what} is a number of calls, but `{int}` is a duration"),
                    );
                    return None;
                }
                let value = int.base10_parse::<u64>();
                match value {
                    Ok(value) if !negative && value >= 1 && value <= range.most() => Some(value),
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
                    format!(
                        "{what} is a number of calls and must be a whole number, but is {float}"
                    ),
                );
                return None;
            }
            Given::Literal { lit, .. } => {
                wrong_kind(&lit, &what, "a number of calls", &place, errors);
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
}

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
            let per_cent = if matches!(
                range,
                Range::Ratio | Range::Probability | Range::JitterRatio
            ) && value > 1.0
                && value <= 100.0
            {
                format!("; for {value} % write `{:?}`", value / 100.0)
            } else {
                String::new()
            };
            errors.at(
                &place,
                format!("{what} {}, but is {value:?}{per_cent}", range.words()),
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

/// What a number is written as.
pub(crate) enum Given {
    Literal {
        lit: Lit,
        negative: bool,
    },
    /// `f64::NAN` and the infinities.
    Unnamed(f64),
    /// A constant expression.
    Unknown,
}

pub(crate) fn number(expr: &Expr) -> Given {
    match expr {
        Expr::Lit(ExprLit { lit, .. }) => Given::Literal {
            lit: lit.clone(),
            negative: false,
        },
        Expr::Unary(ExprUnary {
            op: UnOp::Neg(_),
            expr,
            ..
        }) => match number(expr) {
            Given::Literal { lit, negative } => Given::Literal {
                lit,
                negative: !negative,
            },
            Given::Unnamed(value) => Given::Unnamed(-value),
            Given::Unknown => Given::Unknown,
        },
        Expr::Group(group) => number(&group.expr),
        Expr::Paren(paren) => number(&paren.expr),
        Expr::Path(path) => {
            let segments = &path.path.segments;
            let is_f64 = segments.iter().any(|segment| segment.ident == "f64");
            match segments.last().map(|segment| segment.ident.to_string()) {
                Some(name) if is_f64 && name == "NAN" => Given::Unnamed(f64::NAN),
                Some(name) if is_f64 && name == "INFINITY" => Given::Unnamed(f64::INFINITY),
                Some(name) if is_f64 && name == "NEG_INFINITY" => Given::Unnamed(f64::NEG_INFINITY),
                _ => Given::Unknown,
            }
        }
        _ => Given::Unknown,
    }
}

fn is_number_suffix(suffix: &str) -> bool {
    matches!(
        suffix,
        "" | "u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64" | "f32" | "f64"
    )
}

pub(crate) fn wrong_kind(lit: &Lit, what: &str, wanted: &str, place: &Place, errors: &Errors) {
    let found = match lit {
        Lit::Str(text) => {
            let bare = text.value();
            let hint = if bare.parse::<f64>().is_ok() {
                format!("; write `{bare}`, without quotes")
            } else {
                String::new()
            };
            format!("a string{hint}")
        }
        Lit::Bool(_) => "true or false".to_owned(),
        Lit::Char(_) => "a character".to_owned(),
        other => format!("`{}`", other.to_token_stream()),
    };
    errors.at(place, format!("{what} must be {wanted}, but is {found}"));
}

/// `50%`.
fn percent(argument: &Argument<'_>, errors: &Errors) -> Option<()> {
    let mut cursor = argument.cursor.clone();
    let text = cursor.next().map(crate::source::Token::text);
    let number = text.and_then(|text| text.parse::<f64>().ok());
    match number {
        Some(value) if cursor.at_punct('%') && cursor.tokens().len() == 1 => {
            errors.at(
                &argument.place,
                format!(
                    "{} is a plain number; for {value} % write `{:?}`",
                    argument.what,
                    value / 100.0
                ),
            );
            None
        }
        _ => Some(()),
    }
}
