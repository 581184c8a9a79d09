//! What is expanded: items and settings that passed every rule.

use proc_macro2::{Group, Ident};
use syn::{Expr, Path, Type};

use crate::{
    item::{breaker_macro::ParsedBreaker, function::Function},
    policy::{TrackerFormula, WholeNumber},
    settings::{BreakerSettings, HandleFn},
};

/// A function, and how it is protected.
pub(crate) struct ProtectedFunction {
    pub(crate) function: Function,
    pub(crate) body: Group,
    pub(crate) breaker: FunctionBreaker,
    pub(crate) classification: ClassifiedBy,
    /// Whether what failures say is kept.
    pub(crate) failure_texts: bool,
    pub(crate) rejection: Rejection,
    /// Whether documentation that is there gets a section about the breaker.
    pub(crate) is_described: bool,
    /// The runtime crate, if it is not to be looked for.
    pub(crate) krate: Option<Path>,
}

/// The breaker that a function calls through.
pub(crate) enum FunctionBreaker {
    /// One that is defined elsewhere, or one of a set.
    Shared { breaker: Expr, key: Option<CallKey> },
    Own {
        settings: BreakerSettings,
        keys: Option<OwnKeys>,
        handle: Option<HandleFn>,
    },
}

/// The key of a call.
pub(crate) struct CallKey {
    /// The name of the setting, for what is to be said there.
    pub(crate) ident: Ident,
    pub(crate) expr: Expr,
}

/// The keys of a function with a set of breakers of its own.
pub(crate) struct OwnKeys {
    pub(crate) key: CallKey,
    pub(crate) set: KeySet,
}

/// What is known of a set of breakers by key.
pub(crate) struct KeySet {
    /// What keys are kept as.
    pub(crate) ty: Type,
    pub(crate) max_keys: Option<WholeNumber>,
    pub(crate) max_labels: Option<WholeNumber>,
}

/// What says which results are failures.
pub(crate) enum ClassifiedBy {
    Classifier(Expr),
    Tracker {
        tracker: Option<TrackerFormula>,
        failure_if: Option<Expr>,
    },
}

/// What becomes of a rejection.
pub(crate) enum Rejection {
    /// An error, by `From`.
    Converted,
    /// An error, by a function.
    Mapped(Expr),
    /// What the fallback returns.
    Fallback(Expr),
}

/// A breaker of `breaker!`.
pub(crate) struct DefinedBreaker<'a> {
    pub(crate) item: &'a ParsedBreaker,
    pub(crate) settings: BreakerSettings,
    pub(crate) keys: Option<DefinedKeys>,
    pub(crate) is_described: bool,
    pub(crate) krate: Option<Path>,
}

/// The keys of a breaker of `breaker!`.
pub(crate) struct DefinedKeys {
    /// The name of the setting, for what is to be said there.
    pub(crate) ident: Ident,
    pub(crate) set: KeySet,
}

impl FunctionBreaker {
    /// Returns the key of a call, if there is one breaker for each.
    pub(crate) fn key(&self) -> Option<&CallKey> {
        match self {
            Self::Shared { key, .. } => key.as_ref(),
            Self::Own { keys, .. } => keys.as_ref().map(|keys| &keys.key),
        }
    }
}

impl Rejection {
    /// Returns what the user wrote for it.
    pub(crate) fn expr(&self) -> Option<&Expr> {
        match self {
            Self::Converted => None,
            Self::Mapped(expr) | Self::Fallback(expr) => Some(expr),
        }
    }
}
