//! Numbers in settings: constants and expressions of any type of number.

use crate::__private::bounds::whole;

/// Converts a number of calls or keys to the type that the setting has.
#[inline]
pub fn count<T: Setting>(value: impl Whole) -> T {
    T::from_whole(whole(value.widened()))
}

/// Converts a ratio or a multiplier.
#[inline]
pub fn ratio(value: impl Real) -> f64 {
    value.real()
}

/// Types of numbers of calls or keys.
#[diagnostic::on_unimplemented(
    message = "a number of calls or keys must be an integer, but is a `{Self}`",
    label = "expected an integer of any type"
)]
pub trait Whole {
    #[doc(hidden)]
    fn widened(self) -> i128;
}

/// Types of ratios.
#[diagnostic::on_unimplemented(
    message = "a ratio must be an `f64` or an `f32`, but is a `{Self}`",
    label = "expected an `f64`, as in `0.5`"
)]
pub trait Real {
    #[doc(hidden)]
    fn real(self) -> f64;
}

/// Types that settings of the builder have.
pub trait Setting {
    #[doc(hidden)]
    fn from_whole(value: u64) -> Self;
}

macro_rules! whole {
    ($($integer:ident)*) => {$(
        impl Whole for $integer {
            #[inline]
            fn widened(self) -> i128 {
                i128::try_from(self).unwrap_or(i128::MAX)
            }
        }
    )*};
}

whole!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

macro_rules! setting {
    ($($integer:ident)*) => {$(
        impl Setting for $integer {
            #[inline]
            fn from_whole(value: u64) -> Self {
                Self::try_from(value).unwrap_or(Self::MAX)
            }
        }
    )*};
}

setting!(u32 u64 usize);

impl Real for f64 {
    #[inline]
    fn real(self) -> f64 {
        self
    }
}

impl Real for f32 {
    #[inline]
    fn real(self) -> f64 {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_type_become_settings() {
        assert_eq!(count::<u64>(20_u8), 20);
        assert_eq!(count::<u32>(20_usize), 20);
        assert_eq!(count::<u64>(-1_i32), 0);
        assert_eq!(count::<u32>(u64::MAX), u32::MAX);
        assert_eq!(count::<u64>(u128::MAX), u64::MAX);
        assert!((ratio(0.5_f32) - 0.5).abs() < f64::EPSILON);
    }
}
