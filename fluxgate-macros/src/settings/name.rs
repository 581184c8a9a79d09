//! The name of a setting, up to its value.

use proc_macro2::Ident;
use syn::ext::IdentExt;

use super::{
    Site, habits,
    table::{self, FLEET, Owner, SETTINGS, Setting},
};
use crate::{
    suggest::did_you_mean,
    tokens::{
        Cursor, LocatedToken, Location,
        errors::{ErrorList, Reported},
    },
};

/// Takes the name of a setting and the `=` after it.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    site: Site,
    errors: &ErrorList,
) -> Result<(&'static Setting, Location), Reported> {
    let place = cursor.place();
    let Some(ident) = cursor.peek().and_then(LocatedToken::ident) else {
        let text = cursor.peek().map_or_else(String::new, LocatedToken::text);
        let advice = if text.starts_with('"') {
            format!("; to name the breaker write `name = {text}`")
        } else {
            format!("; the keys are {}", listed(site))
        };
        return Err(errors.at(
            &place,
            format!("expected `key = value`, found `{text}`{advice}"),
        ));
    };
    let name = ident.unraw().to_string();
    let from_name = cursor.clone();
    cursor.next();
    let setting = match table::find(&name) {
        Some(setting) => setting,
        None if !cursor.at_equals() && is_breaker(ident, cursor) => {
            let place = if cursor.at_boundary() {
                place
            } else {
                place.to(&cursor.until_comma().whole())
            };
            return Err(errors.at(
                &place,
                "expected `key = value`; to use a breaker defined elsewhere write \
                 `breaker = …`, as in `breaker = PAYMENTS`",
            ));
        }
        None => {
            let message = format!("unknown key `{name}`{}", unknown_advice(&name, site));
            return Err(errors.at(&place, message));
        }
    };
    belongs_here(setting, &place, site, errors)?;
    if setting.name == FLEET {
        if cursor.at_equals() {
            let message = format!(
                "`fleet` has no `=`: write `fleet` alone, or `{}`",
                setting.example
            );
            return Err(errors.at(&place, message));
        }
        // Its reader begins there.
        *cursor = from_name;
        return Ok((setting, place));
    }
    equals(setting, &place, cursor, errors)?;
    Ok((setting, place))
}

fn unknown_advice(name: &str, site: Site) -> String {
    if let Some(habit) = habits::setting(name) {
        return format!("; {habit}");
    }
    match did_you_mean(name, settings_of(site).map(|setting| setting.name)) {
        meant if meant.is_empty() => format!("; the keys are {}", listed(site)),
        meant => meant,
    }
}

/// Refuses what is about functions where a breaker is defined.
fn belongs_here(
    setting: &Setting,
    place: &Location,
    site: Site,
    errors: &ErrorList,
) -> Result<(), Reported> {
    if site == Site::Function || setting.owner != Owner::Function {
        return Ok(());
    }
    if setting.name == "breaker" {
        return Err(errors.at(
            place,
            "`breaker` names a breaker to be used, and this one is being defined; to use \
             another write `#[circuit_breaker(breaker = …)]` at the function",
        ));
    }
    Err(errors.at(
        place,
        format!(
            "`{}` belongs to a function that uses the breaker: \
             `#[circuit_breaker(breaker = …, {})]`",
            setting.name, setting.example
        ),
    ))
}

/// Takes the `=`, after which there must be a value.
fn equals(
    setting: &Setting,
    place: &Location,
    cursor: &mut Cursor<'_>,
    errors: &ErrorList,
) -> Result<(), Reported> {
    let needs_value = format!(
        "`{}` needs a value, as in `{}`",
        setting.name, setting.example
    );
    if !cursor.at_equals() {
        let message = match cursor.peek().map(LocatedToken::text) {
            Some(found) if found == ":" || found == "(" => format!(
                "a value follows `=`, and not `{found}`: write `{}`",
                setting.example
            ),
            _ => needs_value,
        };
        return Err(errors.at(place, message));
    }
    cursor.next();
    if cursor.at_boundary() {
        return Err(errors.at(place, needs_value));
    }
    Ok(())
}

/// Returns whether it looks like a value of `breaker` without its name: `PAYMENTS`,
/// `self.breaker`, `breakers::PAYMENTS`.
fn is_breaker(ident: &Ident, rest: &Cursor<'_>) -> bool {
    let name = ident.to_string();
    rest.at_punct('.')
        || rest.at_punct(':') && rest.peek_second().is_some_and(|next| next.is_punct(':'))
        || rest.at_boundary() && name.len() > 1 && !name.contains(char::is_lowercase)
}

/// Returns whether the value is `None`, with which Python leaves something out.
pub(super) fn is_none(cursor: &Cursor<'_>) -> bool {
    let mut after = cursor.clone();
    after
        .next()
        .and_then(LocatedToken::ident)
        .is_some_and(|ident| ident == "None")
        && after.at_boundary()
}

fn settings_of(site: Site) -> impl Iterator<Item = &'static Setting> {
    SETTINGS
        .iter()
        .filter(move |setting| site == Site::Function || setting.owner != Owner::Function)
}

fn listed(site: Site) -> String {
    settings_of(site)
        .map(|setting| format!("`{}`", setting.name))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Skips what follows a mistake, to the next `name =` or to the end.
pub(super) fn skip_to_next(cursor: &mut Cursor<'_>) {
    while let Some(token) = cursor.peek() {
        if table::is_next(cursor) {
            return;
        }
        let is_separator = token.is_punct(',') || token.is_punct(';');
        cursor.next();
        if is_separator && may_be_setting(cursor) {
            return;
        }
    }
}

/// Returns whether a setting comes next, also with the wrong sign after its name.
fn may_be_setting(cursor: &Cursor<'_>) -> bool {
    let Some(ident) = cursor.peek().and_then(LocatedToken::ident) else {
        return cursor.is_empty();
    };
    cursor.second_is_equals()
        || table::find(&ident.unraw().to_string()).is_some()
            && cursor
                .peek_second()
                .is_none_or(|next| matches!(next.text().as_str(), ":" | "(" | ","))
}
