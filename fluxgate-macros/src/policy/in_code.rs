//! Policies that are made in code: `standard()`, `policies::STANDARD`,
//! `config().retry()`.

use proc_macro2::Delimiter;
use syn::{Expr, ext::IdentExt, parse::Parse};

use crate::{
    settings::habits,
    suggest::did_you_mean,
    tokens::{
        Cursor, LocatedToken, Tree,
        errors::{ErrorList, Reported},
    },
};

/// Reads a policy that is made in code: a call, a constant, or what is reached from
/// one, as `standard()`, `policies::STANDARD` and `config().retry()`.
///
/// A name that looks like one of `names` is left to be reported as misspelt.
pub(super) fn in_code(
    cursor: &mut Cursor<'_>,
    what: &str,
    names: &[&str],
    errors: &ErrorList,
) -> Result<Option<Expr>, Reported> {
    let mut extent = cursor.clone();
    let mut segments = Vec::new();
    loop {
        while extent.eat_punct(':') {}
        let Some(ident) = extent.next().and_then(LocatedToken::ident) else {
            return Ok(None);
        };
        segments.push(ident.unraw().to_string());
        if !extent.at_punct(':') {
            break;
        }
    }
    if !is_in_code(&segments, &extent, what, names) {
        return Ok(None);
    }
    if segments[0] == "self" && what != "tracker" {
        let reported = errors.at(
            &cursor.place(),
            format!(
                "this {what} can't come from `self`: the breaker is made once, for all instances; \
                 keep a breaker in each instance and write `breaker = self.breaker`"
            ),
        );
        cursor.until_comma();
        return Err(reported);
    }
    skip_postfix(&mut extent);
    let mut taken = cursor.split(cursor.tokens().len() - extent.tokens().len());
    let (expr, _) = taken.parse(Expr::parse, errors)?;
    Ok(Some(expr))
}

/// Skips calls, methods, fields and the arguments of a macro.
fn skip_postfix(extent: &mut Cursor<'_>) {
    loop {
        if extent.group(Delimiter::Parenthesis).is_some() {
            extent.next();
            continue;
        }
        let second = extent.peek_second();
        let is_field = extent.at_punct('.') && second.and_then(LocatedToken::ident).is_some();
        let is_macro = extent.at_punct('!')
            && second.is_some_and(|next| matches!(next.tree, Tree::Group { .. }));
        if !is_field && !is_macro {
            return;
        }
        extent.next();
        extent.next();
    }
}

/// Returns whether a name stands for something of the user's own: one that is written as
/// functions and constants are, and is no misspelt policy.
fn is_in_code(segments: &[String], after: &Cursor<'_>, what: &str, names: &[&str]) -> bool {
    let Some(last) = segments.last() else {
        return false;
    };
    let is_constant = last.len() > 1 && !last.contains(char::is_lowercase);
    let is_function = last.starts_with(|c: char| c.is_lowercase() || c == '_');
    if segments.iter().any(|name| name == "Duration") {
        return false;
    }
    if segments.len() > 1 {
        let is_known = segments.iter().any(|name| names.contains(&name.as_str()));
        return !is_known && (is_constant || is_function);
    }
    if is_constant {
        return !["COUNT_BASED", "TIME_BASED"].contains(&last.as_str());
    }
    let takes_nothing = after
        .group(Delimiter::Parenthesis)
        .is_some_and(|inside| inside.is_empty());
    let is_policy = if takes_nothing {
        [
            "all",
            "any",
            "always",
            "never",
            "none",
            "closed",
            "half_opened",
            "half_open",
            "open",
        ]
        .contains(&last.as_str())
    } else {
        habits::is_policy(last)
            || habits::policy(what, last).is_some()
            || !did_you_mean(last, names.iter().copied()).is_empty()
    };
    is_function && !is_policy && !KEYWORDS.contains(&last.as_str())
}

/// Words that begin no policy.
const KEYWORDS: &[&str] = &[
    "not", "and", "or", "if", "match", "loop", "while", "for", "let", "unsafe", "move", "async",
    "return", "break", "true", "false", "fn", "impl", "dyn", "const", "static", "ref", "mut",
];
