//! Durations: `250ms`, `1.5s`, `5min`, a bare number of seconds, or an
//! expression of type `Duration`.

use std::time::Duration;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::{Expr, Lit};

use crate::policy::{
    Argument,
    value::{
        constant::is_constant,
        exact::{Nanos, literal},
        literal::{Written, number, wrong_kind},
    },
};
use crate::tokens::{
    Location,
    errors::{ErrorList, Reported},
};

/// A duration greater than zero.
#[derive(Clone)]
pub(crate) struct Time {
    pub(crate) known: Option<Nanos>,
    pub(crate) place: Location,
    pub(crate) what: String,
    /// How to write it in the expansion when it isn't a literal.
    expr: Option<Expr>,
}

impl Time {
    /// Reads a duration greater than zero.
    pub(crate) fn read(argument: Argument<'_>, errors: &ErrorList) -> Result<Self, Reported> {
        let (place, what) = (argument.place.clone(), argument.what.clone());
        let expr = argument.expr(errors)?;
        let (known, expr) = match number(&expr) {
            Written::Literal { lit, negative } => {
                (Some(nanos(&lit, negative, &what, &place, errors)?), None)
            }
            Written::Unnamed(value) => {
                return Err(errors.at(
                    &place,
                    format!("{what} must be a duration, such as `30s`, but is {value:?}"),
                ));
            }
            Written::Unknown => (duration_call(&expr), Some(expr)),
        };
        if known.is_some_and(|known| known.attos == 0) {
            return Err(errors.at(
                &place,
                format!("{what} must be greater than zero, but is 0ns"),
            ));
        }
        Ok(Self {
            known,
            place,
            what,
            expr,
        })
    }

    /// Returns a default, for comparisons.
    pub(crate) fn secs(secs: u64) -> Self {
        Self {
            known: Some(Nanos::from_secs(secs)),
            place: Location::at(Span::call_site()),
            what: String::new(),
            expr: None,
        }
    }

    pub(crate) fn duration(&self) -> Option<Duration> {
        self.known.and_then(Nanos::duration)
    }

    pub(crate) fn expr(&self) -> Option<&Expr> {
        self.expr.as_ref()
    }

    /// Returns the constant that the compiler is to check. Operators on durations are
    /// not for constants.
    pub(crate) fn constant(&self) -> Option<&Expr> {
        let is_name = |expr: &&Expr| matches!(expr, Expr::Path(_) | Expr::Field(_));
        self.expr
            .as_ref()
            .filter(is_name)
            .filter(|expr| self.known.is_none() && is_constant(expr))
    }
}

impl ToTokens for Time {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some(expr) = &self.expr {
            return expr.to_tokens(tokens);
        }
        let duration = self.duration().unwrap_or(Duration::MAX);
        let secs = Literal::u64_unsuffixed(duration.as_secs());
        let nanos = Literal::u32_unsuffixed(duration.subsec_nanos());
        quote_spanned!(self.place.span()=> ::core::time::Duration::new(#secs, #nanos))
            .to_tokens(tokens);
    }
}

/// Reads a literal: a number with a unit, or of seconds.
fn nanos(
    lit: &Lit,
    negative: bool,
    what: &str,
    place: &Location,
    errors: &ErrorList,
) -> Result<Nanos, Reported> {
    let text = lit.to_token_stream().to_string();
    let (digits, suffix) = match lit {
        Lit::Int(int) => (int.base10_digits(), int.suffix()),
        Lit::Float(float) => (float.base10_digits(), float.suffix()),
        other => {
            let wanted = "a duration, such as `30s`";
            return Err(wrong_kind(other, what, wanted, place, errors));
        }
    };
    let nanos = literal(digits, suffix)
        .map_err(|wrong| errors.at(place, wrong.message(what, &text, digits)))?;
    if negative || nanos.attos == 0 {
        let sign = if negative { "-" } else { "" };
        return Err(errors.at(
            place,
            format!("{what} must be greater than zero, but is {sign}{text}"),
        ));
    }
    Ok(nanos)
}

/// Reads `Duration::from_secs(30)` and its kin, so that what is written out in Rust
/// is checked like a literal.
fn duration_call(expr: &Expr) -> Option<Nanos> {
    let of_duration = |path: &syn::Path| {
        let mut names = path.segments.iter().rev().map(|segment| &segment.ident);
        let last = names.next()?.to_string();
        (names.next()? == "Duration").then_some(last)
    };
    match expr {
        Expr::Path(path) => match of_duration(&path.path)?.as_str() {
            "ZERO" => Some(Nanos { attos: 0 }),
            "MAX" => Some(Nanos::of(Duration::MAX)),
            _ => None,
        },
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else {
                return None;
            };
            let unit = match of_duration(&path.path)?.as_str() {
                "from_secs" | "from_secs_f64" => "s",
                "from_millis" => "ms",
                "from_micros" => "us",
                "from_nanos" => "ns",
                "from_mins" => "min",
                "from_hours" => "h",
                _ => return None,
            };
            let argument = call.args.first().filter(|_| call.args.len() == 1)?;
            match number(argument) {
                Written::Literal {
                    lit: Lit::Int(int),
                    negative: false,
                } => literal(int.base10_digits(), unit).ok(),
                Written::Literal {
                    lit: Lit::Float(float),
                    negative: false,
                } => literal(float.base10_digits(), unit).ok(),
                _ => None,
            }
        }
        _ => None,
    }
}
