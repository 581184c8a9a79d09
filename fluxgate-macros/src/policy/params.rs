//! Arguments to parameters.

use syn::ext::IdentExt;

use super::{Argument, Call, call::listed};
use crate::{
    settings::habits,
    suggest::did_you_mean,
    tokens::{Cursor, Place, errors::Errors},
};

/// A parameter of a policy, by the original's name.
pub(crate) struct Param {
    pub(crate) name: &'static str,
    /// The original's name for it, if another.
    pub(crate) alias: Option<&'static str>,
    pub(crate) required: bool,
    /// For the message when it is missing.
    pub(crate) example: &'static str,
}

impl Param {
    pub(crate) const fn required(name: &'static str, example: &'static str) -> Self {
        Self {
            name,
            alias: None,
            required: true,
            example,
        }
    }

    pub(crate) const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    pub(crate) const fn optional(name: &'static str) -> Self {
        Self {
            name,
            alias: None,
            required: false,
            example: "",
        }
    }
}

impl<'a> Call<'a> {
    /// The arguments in the order of `params`, `None` for each that is missing.
    /// `None` as a whole if anything was wrong.
    pub(crate) fn bind(
        &self,
        params: &'static [Param],
        errors: &Errors,
    ) -> Option<Vec<Option<Argument<'a>>>> {
        let mut bound: Vec<Option<Argument<'a>>> = params.iter().map(|_| None).collect();
        let mut sound = true;
        let mut position = 0;
        let mut named: Option<String> = None;
        let mut cursor = match &self.arguments {
            Some(arguments) => arguments.clone(),
            None => Cursor::new(&[], self.name_place.clone()),
        };
        while let Some(token) = cursor.peek() {
            let name_place = token.place.clone();
            let name = token.ident().filter(|_| cursor.second_is_equals());
            let slot = if let Some(name) = name {
                let name = name.unraw().to_string();
                cursor.next();
                cursor.next();
                let slot = params.iter().position(|param| param.is(&name));
                if slot.is_none() {
                    self.unknown_argument(&name, &name_place, params, errors);
                }
                named = Some(name);
                slot
            } else {
                if let Some(name) = &named {
                    errors.at(
                        &cursor.clone().expression().whole(),
                        format!(
                            "a value without a name can't follow `{name} = …`; name this one, too"
                        ),
                    );
                    return None;
                }
                position += 1;
                if position > params.len() {
                    let most = match params.len() {
                        0 => "takes no arguments".to_owned(),
                        1 => format!("takes one argument, `{}`", params[0].name),
                        n => format!("takes {n} arguments: {}", listed_params(params)),
                    };
                    errors.at(
                        &cursor.clone().expression().whole(),
                        format!("`{}` {most}", self.name),
                    );
                    return None;
                }
                Some(position - 1)
            };
            let value = cursor.expression();
            if !cursor.is_empty() && !cursor.eat_punct(',') {
                errors.at(&cursor.place(), "expected `,` or `)`");
                return None;
            }
            let Some(slot) = slot else {
                sound = false;
                continue;
            };
            let what = format!("the {} of `{}`", params[slot].name, self.name);
            if value.is_empty() {
                errors.at(&name_place, format!("{what} has no value"));
                sound = false;
                continue;
            }
            if bound[slot].is_some() {
                errors.at(&name_place, format!("{what} is given twice"));
                sound = false;
                continue;
            }
            bound[slot] = Some(Argument {
                place: value.whole(),
                cursor: value,
                what,
            });
        }
        for (param, value) in params.iter().zip(&bound) {
            if param.required && value.is_none() && sound {
                errors.at(
                    &self.place,
                    format!(
                        "`{}` needs its {}, as in `{}`",
                        self.name, param.name, param.example
                    ),
                );
                return None;
            }
        }
        sound.then_some(bound)
    }

    fn unknown_argument(&self, name: &str, place: &Place, params: &[Param], errors: &Errors) {
        let names = params.iter().map(|param| param.name);
        let meant = did_you_mean(name, names);
        let habit = habits::argument(&self.name, name);
        let takes = match params {
            _ if habit.is_some() => format!("; {}", habit.unwrap_or_default()),
            [] => "; it takes no arguments".to_owned(),
            _ if meant.is_empty() => format!("; it takes {}", listed_params(params)),
            _ => meant,
        };
        errors.at(
            place,
            format!("`{}` has no argument `{name}`{takes}", self.name),
        );
    }
}

fn listed_params(params: &[Param]) -> String {
    let names: Vec<_> = params.iter().map(|param| param.name).collect();
    listed(&names)
}
