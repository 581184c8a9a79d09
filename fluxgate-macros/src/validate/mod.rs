//! From settings and an item to a model that can't hold what was refused.

mod key_type;
mod rules;
pub(crate) mod validated;

use proc_macro2::Ident;
use syn::Type;

use crate::{
    item::{breaker_macro::ParsedBreaker, function::ParsedFunction},
    settings::{BreakerSettings, ItemSettings, KeySettings},
    tokens::{
        Location,
        errors::{ErrorList, Reported},
    },
};
use validated::{
    CallKey, ClassifiedBy, DefinedBreaker, DefinedKeys, FunctionBreaker, KeySet, OwnKeys,
    ProtectedFunction, Rejection,
};

/// Validates a function and its settings.
pub(crate) fn function(
    item: ParsedFunction,
    settings: ItemSettings,
    errors: &ErrorList,
) -> Result<ProtectedFunction, Reported> {
    let ParsedFunction { function, body } = item;
    let body = rules::function(&settings, &function, body, errors);
    let key_type = key_type::of_own_keys(&settings, &function, errors);
    settings.all_sound()?;
    let (body, key_type) = (body?, key_type?);
    let key_place = settings.place("key").map(Location::span);
    let ItemSettings {
        breaker,
        keys,
        function: set,
        docs,
        krate,
        ..
    } = settings;
    let key = set.key.zip(key_place).map(|(expr, place)| CallKey {
        ident: Ident::new("key", place),
        expr,
    });
    let breaker = match set.breaker {
        Some(breaker) => FunctionBreaker::Shared { breaker, key },
        None => FunctionBreaker::Own {
            settings: breaker,
            keys: key.zip(key_type).map(|(key, ty)| OwnKeys {
                key,
                set: key_set(ty, keys),
            }),
            handle: set.handle,
        },
    };
    let classification = match set.classify {
        Some(classifier) => ClassifiedBy::Classifier(classifier),
        None => ClassifiedBy::Tracker {
            tracker: set.tracker,
            failure_if: set.failure_if,
        },
    };
    let rejection = match (set.fallback, set.map_rejection) {
        (Some(fallback), _) => Rejection::Fallback(fallback),
        (None, Some(map)) => Rejection::Mapped(map),
        (None, None) => Rejection::Converted,
    };
    Ok(ProtectedFunction {
        function,
        body,
        breaker,
        classification,
        failure_texts: set.failure_texts == Some(true),
        rejection,
        is_described: docs != Some(false),
        krate,
    })
}

/// Validates a breaker of `breaker!` and its settings.
pub(crate) fn breaker<'a>(
    item: &'a ParsedBreaker,
    settings: ItemSettings,
    errors: &ErrorList,
) -> Result<DefinedBreaker<'a>, Reported> {
    rules::breaker(&settings, errors);
    settings.all_sound()?;
    let key_place = settings.place("key_type").map(Location::span);
    let ItemSettings {
        breaker,
        keys: set,
        docs,
        krate,
        ..
    } = settings;
    let KeySettings { key_type, .. } = &set;
    let keys = key_type
        .clone()
        .zip(key_place)
        .map(|(ty, place)| DefinedKeys {
            ident: Ident::new("key_type", place),
            set: key_set(ty, set),
        });
    Ok(DefinedBreaker {
        item,
        settings: breaker,
        keys,
        is_described: docs != Some(false),
        krate,
    })
}

/// Returns what stands in for a breaker whose settings are wrong, so that its users
/// are not told that it is missing.
pub(crate) fn stand_in<'a>(item: &'a ParsedBreaker, settings: &ItemSettings) -> DefinedBreaker<'a> {
    let key_place = settings.place("key_type").map(Location::span);
    let key_type = settings.keys.key_type.clone();
    DefinedBreaker {
        item,
        settings: BreakerSettings::default(),
        keys: key_type.zip(key_place).map(|(ty, place)| DefinedKeys {
            ident: Ident::new("key_type", place),
            set: key_set(ty, KeySettings::default()),
        }),
        is_described: false,
        krate: settings.krate.clone(),
    }
}

fn key_set(ty: Type, keys: KeySettings) -> KeySet {
    KeySet {
        ty,
        max_keys: keys.max_keys,
        max_labels: keys.max_labels,
    }
}
