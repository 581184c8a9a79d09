//! The value of each key.

use std::rc::Rc;

use quote::ToTokens;
use syn::{Expr, ExprLit, Lit, LitBool, LitStr, Path, ext::IdentExt, parse::Parse};

use crate::settings::{
    Handle, Options,
    key::{key_of_call, key_type},
};
use crate::{
    describe::words,
    policy::{
        self, Argument, Count, OnCancel, Permit, Range, Retry, SlowProbes, Throttle, Time, Window,
    },
    settings::table::Key,
    tokens::{Cursor, Place, Text, Token, Tree, errors::Errors, is_unseen, lex, quoted},
};

impl Options {
    /// Reads the value of a key, up to the end or a comma.
    pub(super) fn value(
        &mut self,
        key: &'static Key,
        cursor: &mut Cursor<'_>,
        errors: &Errors,
    ) -> Option<()> {
        fn set<T>(slot: &mut Option<T>, value: Option<T>) -> Option<()> {
            *slot = Some(value?);
            Some(())
        }
        let breaker = &mut self.breaker;
        match key.name {
            "name" => set(&mut breaker.name, name(cursor, errors)),
            "window" => set(&mut breaker.window, policy(cursor, errors, Window::read)),
            "tripper" => set(
                &mut breaker.tripper,
                policy(cursor, errors, policy::read_tripper),
            ),
            "retry" => set(&mut breaker.retry, policy(cursor, errors, Retry::read)),
            "permit" => set(&mut breaker.permit, policy(cursor, errors, Permit::read)),
            "on_cancel" => set(
                &mut breaker.on_cancel,
                policy(cursor, errors, OnCancel::read),
            ),
            "slow_probes" => set(
                &mut breaker.slow_probes,
                policy(cursor, errors, SlowProbes::read),
            ),
            "throttle" => set(
                &mut breaker.throttle,
                policy(cursor, errors, Throttle::read),
            ),
            "max_half_open_calls" => set(
                &mut breaker.max_half_open_calls,
                Count::read(argument(key, cursor), Range::Count32, errors),
            ),
            "close_after" => set(
                &mut breaker.close_after,
                Count::read(argument(key, cursor), Range::Count, errors),
            ),
            "reopen_after" => set(
                &mut breaker.reopen_after,
                Count::read(argument(key, cursor), Range::Count, errors),
            ),
            "probe_lease" => set(
                &mut breaker.probe_lease,
                policy(cursor, errors, |cursor, errors| {
                    Time::read(argument(key, cursor), errors)
                }),
            ),
            "durations" => set(&mut breaker.durations, flag(key, cursor, errors)),
            "docs" => set(&mut self.docs, flag(key, cursor, errors)),
            "listeners" => set(
                &mut breaker.listeners,
                policy(cursor, errors, policy::read_listeners),
            ),
            "key_type" => set(&mut breaker.key_type, key_type(cursor, errors)),
            "max_keys" => set(
                &mut breaker.max_keys,
                Count::read(argument(key, cursor), Range::Keys, errors),
            ),
            "max_labels" => set(
                &mut breaker.max_labels,
                Count::read(argument(key, cursor), Range::Labels, errors),
            ),
            "key" => set(&mut self.key, key_of_call(cursor, errors)),
            "tracker" => set(
                &mut self.tracker,
                policy(cursor, errors, policy::read_tracker),
            ),
            "failure_if" => set(&mut self.failure_if, callable(key, cursor, errors)),
            "classify" => set(&mut self.classify, callable(key, cursor, errors)),
            "fallback" => set(&mut self.fallback, callable(key, cursor, errors)),
            "map_rejection" => set(&mut self.map_rejection, callable(key, cursor, errors)),
            "breaker" => set(&mut self.shared, shared(key, cursor, errors)),
            "handle" => set(&mut self.handle, handle(cursor, errors)),
            "crate" => set(&mut self.krate, path(cursor, errors)),
            _ => unreachable!("every key of the table is read"),
        }
    }
}

/// A value in the grammar of policies, as bare tokens or as a string literal.
fn policy<T>(
    cursor: &mut Cursor<'_>,
    errors: &Errors,
    read: impl FnOnce(&mut Cursor<'_>, &Errors) -> Option<T>,
) -> Option<T> {
    let Some((token, Tree::Literal(literal))) = cursor.peek().map(|token| (token, &token.tree))
    else {
        return read(cursor, errors);
    };
    let Ok(literal) = syn::parse2::<LitStr>(literal.to_token_stream()) else {
        return read(cursor, errors);
    };
    let place = token.place.clone();
    cursor.next();
    let text = Rc::new(Text {
        value: literal.value(),
        span: literal.span(),
    });
    let end = Place::Text {
        text: Rc::clone(&text),
        from: text.value.len(),
        to: text.value.len(),
    };
    let tokens = match lex(&text) {
        Ok(tokens) if tokens.is_empty() => {
            errors.at(
                &place,
                "this string is empty; leave the key out for the default",
            );
            return None;
        }
        Ok(tokens) => tokens,
        Err(error) => {
            errors.push(error);
            return None;
        }
    };
    let mut inside = Cursor::new(&tokens, end);
    let value = read(&mut inside, errors);
    if value.is_some() && !inside.is_empty() {
        errors.at(&inside.whole(), "expected the end of the string");
        return None;
    }
    value
}

fn argument<'a>(key: &Key, cursor: &mut Cursor<'a>) -> Argument<'a> {
    let value = cursor.expression();
    Argument {
        place: value.whole(),
        cursor: value,
        what: key.name.to_owned(),
    }
}

pub(super) fn expr(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Expr> {
    cursor.parse(Expr::parse, errors).ok().map(|(expr, _)| expr)
}

fn name(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Expr> {
    let expr = expr(cursor, errors)?;
    if let Expr::Lit(ExprLit {
        lit: Lit::Str(text),
        ..
    }) = &expr
    {
        if let Some(char) = text.value().chars().find(|c| is_unseen(*c)) {
            errors.push(syn::Error::new_spanned(
                text,
                format!(
                    "the name must not have the character `{}` in it: logs and dashboards show \
                     names, and this one can't be seen there, or changes how the rest is shown",
                    char.escape_unicode()
                ),
            ));
            return None;
        }
    }
    match &expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) if text.value().trim().is_empty() => {
            errors.push(syn::Error::new_spanned(
                text,
                "the name must not be empty; leave `name` out for module path and function name",
            ));
            None
        }
        Expr::Lit(ExprLit {
            lit: Lit::Str(_), ..
        }) => Some(expr),
        Expr::Lit(lit) => {
            errors.push(syn::Error::new_spanned(
                lit,
                "the name must be a string, as in `name = \"payment_api\"`",
            ));
            None
        }
        _ => Some(expr),
    }
}

fn flag(key: &Key, cursor: &mut Cursor<'_>, errors: &Errors) -> Option<bool> {
    let value = cursor.expression();
    match value.clone().parse(LitBool::parse, &Errors::trial()) {
        Ok((flag, taken)) if taken.tokens().len() == value.tokens().len() => Some(flag.value),
        _ => {
            errors.at(
                &value.whole(),
                format!("`{}` must be `true` or `false`", key.name),
            );
            None
        }
    }
}

/// A function or a closure.
fn callable(key: &Key, cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Expr> {
    let expr = expr(cursor, errors)?;
    if let Expr::Lit(ExprLit { lit, .. }) = &expr {
        errors.push(literal(key, lit, "a function or a closure"));
        return None;
    }
    if is_value(&expr) {
        let given = words::source(Some(&expr));
        errors.push(syn::Error::new_spanned(
            &expr,
            format!(
                "`{}` takes a function or a closure, and this is a value; write `|_| {given}`",
                key.name
            ),
        ));
        return None;
    }
    Some(expr)
}

/// A literal stands where `key` takes something else.
fn literal(key: &Key, lit: &Lit, takes: &str) -> syn::Error {
    let advice = match lit {
        Lit::Str(text) if quoted::<Path>(text).is_some() => {
            format!("; write `{} = {}`, without quotes", key.name, text.value())
        }
        _ => format!(", as in `{}`", key.example),
    };
    syn::Error::new_spanned(lit, format!("`{}` takes {takes}{advice}", key.name))
}

/// By its syntax.
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

fn shared(key: &Key, cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Expr> {
    let expr = expr(cursor, errors)?;
    if let Expr::Lit(ExprLit { lit, .. }) = &expr {
        errors.push(literal(key, lit, "a breaker"));
        return None;
    }
    Some(expr)
}

fn handle(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Handle> {
    let value = cursor.expression();
    let parsed = value.clone().parse(Path::parse, &Errors::trial());
    let path = parsed
        .ok()
        .filter(|(_, taken)| taken.tokens().len() == value.tokens().len())
        .map(|(path, _)| path);
    let segments: Vec<_> = path
        .iter()
        .flat_map(|path| &path.segments)
        .filter(|segment| segment.arguments.is_empty())
        .map(|segment| segment.ident.clone())
        .collect();
    match segments.as_slice() {
        [ident] if is_name(ident) => Some(Handle {
            ident: ident.clone(),
            associated: false,
        }),
        [this, ident] if this == "Self" && is_name(ident) => Some(Handle {
            ident: ident.clone(),
            associated: true,
        }),
        _ => {
            let advice = match value.peek().map(Token::text) {
                Some(text) if text.starts_with('"') => "; write it without quotes",
                _ => "",
            };
            errors.at(
                &value.whole(),
                format!(
                    "`handle` takes the name of the function to be made, as in \
                     `handle = quote_breaker`{advice}"
                ),
            );
            None
        }
    }
}

/// Whether it is not a keyword.
fn is_name(ident: &syn::Ident) -> bool {
    syn::parse2::<syn::Ident>(ident.to_token_stream()).is_ok()
}

fn path(cursor: &mut Cursor<'_>, errors: &Errors) -> Option<Path> {
    let value = cursor.expression();
    let parsed = value
        .clone()
        .parse(|input| input.call(parse_crate_path), &Errors::trial());
    match parsed {
        Ok((path, taken)) if taken.tokens().len() == value.tokens().len() => Some(path),
        _ => {
            errors.at(
                &value.whole(),
                "`crate` takes a path to the fluxgate crate, as in `crate = my_fluxgate`",
            );
            None
        }
    }
}

fn parse_crate_path(input: syn::parse::ParseStream) -> syn::Result<Path> {
    if input.peek(syn::LitStr) {
        return Err(input.error("a path"));
    }
    let _ = syn::Ident::parse_any(&input.fork())?;
    Path::parse_mod_style(input)
}
