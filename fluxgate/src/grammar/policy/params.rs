//! Parameters of policies, and their arguments.

use super::{Argument, PolicyCall, call::listed};
use crate::grammar::{
    habits,
    suggest::did_you_mean,
    tokens::{
        Cursor, Location,
        errors::{ErrorList, Reported},
    },
};

/// A parameter of a policy, by the original's name.
pub(crate) struct Param {
    name: &'static str,
    /// The original's name for it, if another.
    alias: Option<&'static str>,
    /// What messages call it, if not by its name.
    noun: Option<&'static str>,
}

impl Param {
    /// Returns a parameter that messages call "the `name`".
    pub(crate) const fn new(name: &'static str) -> Self {
        Self {
            name,
            alias: None,
            noun: None,
        }
    }

    /// Lets it be given by another name, too.
    pub(crate) const fn or(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Sets what messages call it, with its article.
    pub(crate) const fn called(mut self, noun: &'static str) -> Self {
        self.noun = Some(noun);
        self
    }

    fn is(&self, name: &str) -> bool {
        self.name == name || self.alias == Some(name)
    }

    /// Returns what messages call its value.
    fn what(&self, policy: &str) -> String {
        match self.noun {
            Some(noun) => format!("{noun} of `{policy}`"),
            None => format!("the {} of `{policy}`", self.name),
        }
    }
}

/// What a policy takes: so many parameters that are required, then optional ones.
pub(crate) struct Params<const R: usize, const O: usize> {
    pub(crate) required: [Param; R],
    pub(crate) optional: [Param; O],
    /// For the message when one is missing.
    pub(crate) example: &'static str,
}

/// The arguments in the order of the parameters.
pub(crate) type BoundArguments<'a, const R: usize, const O: usize> =
    ([Argument<'a>; R], [Option<Argument<'a>>; O]);

impl<const R: usize> Params<R, 0> {
    /// Returns parameters that are all required.
    pub(crate) const fn required(required: [Param; R], example: &'static str) -> Self {
        Self {
            required,
            optional: [],
            example,
        }
    }
}

impl<const R: usize, const O: usize> Params<R, O> {
    fn all(&self) -> Vec<&Param> {
        self.required.iter().chain(&self.optional).collect()
    }
}

impl<'a> PolicyCall<'a> {
    /// Finds the argument of each parameter, by position or by name.
    pub(crate) fn bind<const R: usize, const O: usize>(
        &self,
        params: &Params<R, O>,
        errors: &ErrorList,
    ) -> Result<BoundArguments<'a, R, O>, Reported> {
        let slots = self.slots(&params.all(), errors)?;
        let mut slots = slots.into_iter();
        let mut required: [Option<Argument<'a>>; R] = [const { None }; R];
        for (param, slot) in params.required.iter().zip(&mut required) {
            *slot = slots.next().flatten();
            if slot.is_none() {
                return Err(errors.at(
                    &self.place,
                    format!(
                        "`{}` needs its {}, as in `{}`",
                        self.name, param.name, params.example
                    ),
                ));
            }
        }
        let required = required.map(|slot| slot.expect("each was found"));
        let optional = std::array::from_fn(|_| slots.next().flatten());
        Ok((required, optional))
    }

    /// Puts every argument into the slot of its parameter.
    fn slots(
        &self,
        params: &[&Param],
        errors: &ErrorList,
    ) -> Result<Vec<Option<Argument<'a>>>, Reported> {
        let mut slots: Vec<Option<Argument<'a>>> = params.iter().map(|_| None).collect();
        let mut sound = Ok(());
        let mut position = 0;
        let mut named: Option<String> = None;
        let mut cursor = match &self.arguments {
            Some(arguments) => arguments.clone(),
            None => Cursor::new(&[], self.name_place),
        };
        while !cursor.is_empty() {
            let place = cursor.place();
            let name = argument_name(&mut cursor);
            let slot = if let Some(name) = &name {
                params
                    .iter()
                    .position(|param| param.is(name))
                    .ok_or_else(|| self.unknown_argument(name, &place, params, errors))
            } else {
                position += 1;
                Ok(self.positional(position, named.as_ref(), &cursor, params, errors)?)
            };
            named = name.or(named);
            let value = cursor.expression();
            if !cursor.is_empty() && !cursor.eat_punct(',') {
                return Err(errors.at(&cursor.place(), "expected `,` or `)`"));
            }
            let filled = slot.and_then(|slot| {
                let what = params[slot].what(&self.name);
                if value.is_empty() {
                    return Err(errors.at(&place, format!("{what} has no value")));
                }
                if slots[slot].is_some() {
                    return Err(errors.at(&place, format!("{what} is given twice")));
                }
                slots[slot] = Some(Argument {
                    place: value.whole(),
                    cursor: value,
                    what,
                });
                Ok(())
            });
            sound = sound.and(filled);
        }
        sound.map(|()| slots)
    }

    /// Returns the slot of the argument at a position, which counts from 1.
    fn positional(
        &self,
        position: usize,
        named: Option<&String>,
        cursor: &Cursor<'_>,
        params: &[&Param],
        errors: &ErrorList,
    ) -> Result<usize, Reported> {
        let message = if let Some(name) = named {
            format!("a value without a name can't follow `{name} = …`; name this one, too")
        } else if position > params.len() {
            match params {
                [] => format!("`{}` takes no arguments", self.name),
                [one] => format!("`{}` takes one argument, `{}`", self.name, one.name),
                _ => format!(
                    "`{}` takes {} arguments: {}",
                    self.name,
                    params.len(),
                    listed_params(params)
                ),
            }
        } else {
            return Ok(position - 1);
        };
        Err(errors.at(&cursor.clone().expression().whole(), message))
    }

    fn unknown_argument(
        &self,
        name: &str,
        place: &Location,
        params: &[&Param],
        errors: &ErrorList,
    ) -> Reported {
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
        )
    }
}

/// Takes `name =`, if that is next.
fn argument_name(cursor: &mut Cursor<'_>) -> Option<String> {
    let name = cursor.peek()?.ident()?;
    if !cursor.second_is_equals() {
        return None;
    }
    cursor.next();
    cursor.next();
    Some(name.to_owned())
}

fn listed_params(params: &[&Param]) -> String {
    let names: Vec<_> = params.iter().map(|param| param.name).collect();
    listed(&names)
}
