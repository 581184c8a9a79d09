//! Readers of the values of settings.

use std::rc::Rc;

use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, LitBool, LitStr, Path, Type, ext::IdentExt, parse::Parse};

use super::{Fixed, HandleFn, table::Setting};
use crate::{
    describe::words,
    policy::{Argument, CountLimits, Time, WholeNumber},
    tokens::{
        Cursor, LocatedToken, Location, QuotedText, Tree,
        errors::{ErrorList, Reported},
        is_unseen, lex, quoted,
    },
};

/// Reads a value in the grammar of policies, as bare tokens or as a string literal.
pub(super) fn policy<T>(
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
    read: impl FnOnce(&mut Cursor<'_>, &ErrorList) -> Result<T, Reported>,
) -> Result<T, Reported> {
    let Some((token, Tree::Literal(literal))) = cursor.peek().map(|token| (token, &token.tree))
    else {
        return read(cursor, errors);
    };
    let Ok(literal) = syn::parse2::<LitStr>(literal.to_token_stream()) else {
        return read(cursor, errors);
    };
    let place = token.place.clone();
    cursor.next();
    let text = Rc::new(QuotedText {
        value: literal.value(),
        span: literal.span(),
    });
    let end = Location::Text {
        text: Rc::clone(&text),
        from: text.value.len(),
        to: text.value.len(),
    };
    let tokens = lex(&text).map_err(|error| errors.push(error))?;
    if tokens.is_empty() {
        return Err(errors.at(
            &place,
            "this string is empty; leave the key out for the default",
        ));
    }
    let mut inside = Cursor::new(&tokens, end);
    let value = read(&mut inside, errors)?;
    if !inside.is_empty() {
        return Err(errors.at(&inside.whole(), "expected the end of the string"));
    }
    Ok(value)
}

/// Reads a whole number.
pub(super) fn count(
    setting: &Setting,
    limits: CountLimits,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<WholeNumber, Reported> {
    WholeNumber::read(argument(setting, cursor), limits, errors)
}

/// Reads a duration, also in quotes.
pub(super) fn time(
    setting: &Setting,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<Time, Reported> {
    policy(cursor, errors, |cursor, errors| {
        Time::read(argument(setting, cursor), errors)
    })
}

fn argument<'a>(setting: &Setting, cursor: &mut Cursor<'a>) -> Argument<'a> {
    let value = cursor.expression();
    Argument {
        place: value.whole(),
        cursor: value,
        what: setting.name.to_owned(),
    }
}

fn expr(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Expr, Reported> {
    cursor.parse(Expr::parse, errors).map(|(expr, _)| expr)
}

/// Reads the name of a breaker: a string, or an expression.
pub(super) fn name(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Expr, Reported> {
    let expr = expr(cursor, errors)?;
    let Expr::Lit(ExprLit { lit, .. }) = &expr else {
        return Ok(expr);
    };
    let message = match lit {
        Lit::Str(text) => {
            let text = text.value();
            if let Some(char) = text.chars().find(|c| is_unseen(*c)) {
                format!(
                    "the name must not have the character `{}` in it: logs and dashboards show \
                     names, and this one can't be seen there, or changes how the rest is shown",
                    char.escape_unicode()
                )
            } else if text.trim().is_empty() {
                "the name must not be empty; leave `name` out for module path and function name"
                    .to_owned()
            } else if text.eq_ignore_ascii_case("all") {
                format!(
                    "the name `{text}` is reserved: the section `[all]` of settings, and the \
                     environment variable `FLUXGATE_ALL`, are for every breaker; give this one \
                     another name"
                )
            } else if !text.starts_with(|c: char| c.is_ascii_alphanumeric()) {
                format!(
                    "the name `{text}` must begin with an ASCII letter or digit: its environment \
                     variable would begin with `FLUXGATE__`, as those of fluxgate itself do"
                )
            } else {
                return Ok(expr);
            }
        }
        _ => "the name must be a string, as in `name = \"payment_api\"`".to_owned(),
    };
    Err(errors.push(syn::Error::new_spanned(lit, message)))
}

/// Reads `true` or `false`.
pub(super) fn flag(
    setting: &Setting,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<bool, Reported> {
    let value = cursor.expression();
    match value.try_whole(LitBool::parse) {
        Some(flag) => Ok(flag.value),
        None => Err(errors.at(
            &value.whole(),
            format!("`{}` must be `true` or `false`", setting.name),
        )),
    }
}

/// Reads `fixed`, with which a breaker takes no settings from outside.
pub(super) fn fixed(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Fixed, Reported> {
    let value = cursor.expression();
    match value.try_whole(syn::Ident::parse) {
        Some(word) if word == "fixed" => Ok(Fixed),
        _ => Err(errors.at(
            &value.whole(),
            "`settings` may only be `fixed`, with which the breaker takes no settings from \
             outside; leave it out, and it takes them",
        )),
    }
}

/// Reads a function or a closure.
pub(super) fn callable(
    setting: &Setting,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<Expr, Reported> {
    let expr = expr(cursor, errors)?;
    if let Expr::Lit(ExprLit { lit, .. }) = &expr {
        return Err(errors.push(literal(setting, lit, "a function or a closure")));
    }
    if is_value(&expr) {
        let source = words::source(Some(&expr));
        return Err(errors.push(syn::Error::new_spanned(
            &expr,
            format!(
                "`{}` takes a function or a closure, and this is a value; write `|_| {source}`",
                setting.name
            ),
        )));
    }
    Ok(expr)
}

/// Returns the error for a literal where `setting` takes something else.
fn literal(setting: &Setting, lit: &Lit, takes: &str) -> syn::Error {
    let advice = match lit {
        Lit::Str(text) if quoted::<Path>(text).is_some() => {
            format!(
                "; write `{} = {}`, without quotes",
                setting.name,
                text.value()
            )
        }
        _ => format!(", as in `{}`", setting.example),
    };
    syn::Error::new_spanned(lit, format!("`{}` takes {takes}{advice}", setting.name))
}

/// Returns whether an expression is a value, by its syntax.
fn is_value(expr: &Expr) -> bool {
    let is_variant = |expr: &Expr, names: &[&str]| match expr {
        Expr::Path(path) => names.iter().any(|name| path.path.is_ident(name)),
        _ => false,
    };
    match expr {
        Expr::Call(call) => is_variant(&call.func, &["Ok", "Err", "Some"]),
        Expr::Tuple(_) | Expr::Array(_) | Expr::Struct(_) => true,
        _ => false,
    }
}

/// Reads the breaker that a function shares.
pub(super) fn shared_breaker(
    setting: &Setting,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<Expr, Reported> {
    let expr = expr(cursor, errors)?;
    if let Expr::Lit(ExprLit { lit, .. }) = &expr {
        return Err(errors.push(literal(setting, lit, "a breaker")));
    }
    Ok(expr)
}

/// Reads the name of the function that `handle` makes.
pub(super) fn handle(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<HandleFn, Reported> {
    let value = cursor.expression();
    let path = value.try_whole(Path::parse);
    let segments: Vec<_> = path
        .iter()
        .flat_map(|path| &path.segments)
        .filter(|segment| segment.arguments.is_empty())
        .map(|segment| segment.ident.clone())
        .collect();
    match segments.as_slice() {
        [ident] if is_name(ident) => Ok(HandleFn {
            ident: ident.clone(),
            associated: false,
        }),
        [this, ident] if this == "Self" && is_name(ident) => Ok(HandleFn {
            ident: ident.clone(),
            associated: true,
        }),
        _ => {
            let advice = match value.peek().map(LocatedToken::text) {
                Some(text) if text.starts_with('"') => "; write it without quotes",
                _ => "",
            };
            Err(errors.at(
                &value.whole(),
                format!(
                    "`handle` takes the name of the function to be made, as in \
                     `handle = quote_breaker`{advice}"
                ),
            ))
        }
    }
}

/// Returns whether it is a name and no keyword.
fn is_name(ident: &syn::Ident) -> bool {
    syn::parse2::<syn::Ident>(ident.to_token_stream()).is_ok()
}

/// Reads the path of the runtime crate.
pub(super) fn crate_path(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Path, Reported> {
    let value = cursor.expression();
    let path = value.try_whole(|input| input.call(parse_crate_path));
    path.ok_or_else(|| {
        errors.at(
            &value.whole(),
            "`crate` takes a path to the fluxgate crate, as in `crate = my_fluxgate`",
        )
    })
}

fn parse_crate_path(input: syn::parse::ParseStream) -> syn::Result<Path> {
    if input.peek(syn::LitStr) {
        return Err(input.error("a path"));
    }
    let _ = syn::Ident::parse_any(&input.fork())?;
    Path::parse_mod_style(input)
}

/// Reads the key of a call: an expression over the arguments.
pub(super) fn key_of_call(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Expr, Reported> {
    let expr = expr(cursor, errors)?;
    let advice = match &expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if quoted::<Expr>(text).is_some() => {
            format!("; write `key = {}`, without quotes", text.value())
        }
        Expr::Lit(_) => "; a key that is always the same is a breaker without keys".to_owned(),
        Expr::Closure(_) => ": what the closure would return".to_owned(),
        _ => return Ok(expr),
    };
    Err(errors.push(syn::Error::new_spanned(
        &expr,
        format!("`key` takes an expression over the arguments{advice}"),
    )))
}

/// Reads the type that keys are kept as.
pub(super) fn key_type(cursor: &mut Cursor<'_>, errors: &ErrorList) -> Result<Type, Reported> {
    let quoted = cursor.peek().filter(|token| token.text().starts_with('"'));
    if let Some(token) = quoted {
        let reported = errors.at(
            &token.place,
            "`key_type` takes a type, as in `key_type = String`; write it without quotes",
        );
        cursor.next();
        return Err(reported);
    }
    cursor.parse(Type::parse, errors).map(|(ty, _)| ty)
}
