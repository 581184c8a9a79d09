//! Keys whose own code panics, lies, or asks the set.

use std::{
    fmt,
    hash::{Hash, Hasher},
    io,
    sync::{Mutex, OnceLock},
};

use fluxgate::{
    CircuitBreaker, State,
    clock::ManualClock,
    keyed::{CircuitBreakers, CircuitBreakersBuilder, Key},
    registry,
    tripper::FailureStreak,
};

fn built<K: Key>(builder: CircuitBreakersBuilder<K>) -> CircuitBreakers<K> {
    builder
        .settings(|breaker| {
            breaker
                .tripper(FailureStreak::new(1))
                .clock(ManualClock::new())
        })
        .build()
        .expect("valid settings")
}

fn fail(breaker: &CircuitBreaker) {
    let _ = breaker.call(|| Err::<(), _>(io::Error::other("down")));
}

/// Each key has a breaker of its own.
fn check_apart<K: Key>(set: &CircuitBreakers<K>, a: &K, b: &K) {
    fail(&set.get(a));
    assert_eq!(set.get(a).state(), State::Open);
    assert_eq!(set.get(b).state(), State::Closed);
    assert_eq!(set.len(), 2);
    let _ = set.all();
}

/// A key by its number, with code of its own for the rest.
macro_rules! key {
    ($name:ident, |$f:ident, $me:ident| $show:expr) => {
        #[derive(Clone, PartialEq, Eq, Hash)]
        struct $name(u32);

        impl fmt::Display for $name {
            fn fmt(&self, $f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $me = self;
                $show
            }
        }
    };
}

#[test]
fn panicking_display_leaves_key_without_name() {
    key!(Panics, |_f, me| panic!("{} is shown", me.0));
    let set = built(CircuitBreakers::<Panics>::builder("panics"));
    check_apart(&set, &Panics(1), &Panics(2));
    assert_eq!(set.get(&Panics(1)).name(), "panics/*");
}

#[test]
fn failing_display_leaves_key_without_name() {
    key!(Fails, |_f, _me| Err(fmt::Error));
    let set = built(CircuitBreakers::<Fails>::builder("fails"));
    check_apart(&set, &Fails(1), &Fails(2));
    assert_eq!(set.get(&Fails(1)).name(), "fails/*");
}

#[test]
fn display_may_ask_the_set() {
    static SET: OnceLock<CircuitBreakers<Asks>> = OnceLock::new();
    key!(Asks, |f, me| {
        let set = SET.get().expect("built");
        let name = set.get(&Asks(me.0 + 1)).name().clone();
        set.get(me);
        write!(f, "{} before {name}, of {}", me.0, set.len())
    });
    let set = SET.get_or_init(|| built(CircuitBreakers::builder("asks")));
    check_apart(set, &Asks(1), &Asks(9));
    assert!(set.stats().not_built > 0);
}

#[test]
fn settings_may_ask_the_set_or_panic() {
    static SET: OnceLock<CircuitBreakers<u32>> = OnceLock::new();
    static PANIC: Mutex<bool> = Mutex::new(false);
    let set = SET.get_or_init(|| {
        CircuitBreakers::builder("settings")
            .settings(|breaker| {
                if let Some(set) = SET.get() {
                    set.get(&1);
                    set.get(&2);
                }
                assert!(
                    !*PANIC
                        .lock()
                        .unwrap_or_else(std::sync::PoisonError::into_inner),
                    "no settings"
                );
                breaker
            })
            .build()
            .expect("valid settings")
    });
    assert_eq!(set.get(&1).name(), "settings/1");
    *PANIC
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = true;
    assert_eq!(set.get(&3).name(), "settings/*");
    assert_eq!(set.len(), 1);
    *PANIC
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner) = false;
    assert_eq!(set.get(&3).name(), "settings/3");
}

#[test]
fn equal_hashes_are_bounded() {
    #[derive(Clone, PartialEq, Eq)]
    struct Same(u32);
    impl Hash for Same {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }
    impl fmt::Display for Same {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    let set = built(CircuitBreakers::<Same>::builder("same hash"));
    for key in 0..5000 {
        set.get(&Same(key));
    }
    assert_eq!(set.len(), 32);
    assert_eq!(set.stats().equal_hashes, 5000 - 32);
}

#[test]
fn keys_that_equal_nothing_are_bounded() {
    #[derive(Clone)]
    struct Never;
    impl PartialEq for Never {
        fn eq(&self, _: &Self) -> bool {
            false
        }
    }
    impl Eq for Never {}
    impl Hash for Never {
        fn hash<H: Hasher>(&self, _: &mut H) {}
    }
    impl fmt::Display for Never {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("never")
        }
    }
    let set = built(CircuitBreakers::<Never>::builder("never").max_keys(8));
    for _ in 0..100 {
        set.get(&Never);
    }
    assert!(set.len() <= 8 && set.remove(&Never).is_none());
}

#[test]
fn eq_and_drop_may_ask_the_set_and_panic() {
    static SET: OnceLock<CircuitBreakers<Asks>> = OnceLock::new();
    #[derive(Clone)]
    struct Asks(u32);
    impl PartialEq for Asks {
        fn eq(&self, other: &Self) -> bool {
            if self.0 < 100 {
                SET.get().expect("built").get(&Asks(self.0 + 100));
            }
            self.0 == other.0
        }
    }
    impl Eq for Asks {}
    impl Hash for Asks {
        fn hash<H: Hasher>(&self, state: &mut H) {
            // Pairs of keys have one hash.
            state.write_u32(self.0 / 2);
        }
    }
    impl fmt::Display for Asks {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    impl Drop for Asks {
        fn drop(&mut self) {
            if let Some(set) = SET.get() {
                let _ = set.stats();
            }
            assert!(self.0 != 7 || std::thread::panicking(), "dropped");
        }
    }
    let set = SET.get_or_init(|| built(CircuitBreakers::builder("eq").max_keys(10)));
    for key in 0..100 {
        if key != 7 {
            set.get(&Asks(key));
        }
    }
    // Owned by the set, evicted by another's key.
    let seven = std::mem::ManuallyDrop::new(Asks(7));
    set.get(&*seven);
    for key in 0..100 {
        if key != 7 {
            set.get(&Asks(key));
        }
    }
    assert!(set.find(&*seven).is_none());
}

#[test]
fn panic_in_clone_or_hash_breaks_nothing() {
    struct Panics(u32);
    impl Clone for Panics {
        fn clone(&self) -> Self {
            assert!(self.0 != 1, "not cloned");
            Self(self.0)
        }
    }
    impl PartialEq for Panics {
        fn eq(&self, other: &Self) -> bool {
            assert!(self.0 != 3, "not compared");
            self.0 == other.0
        }
    }
    impl Eq for Panics {}
    impl Hash for Panics {
        fn hash<H: Hasher>(&self, state: &mut H) {
            assert!(self.0 != 2, "not hashed");
            state.write_u32(self.0);
        }
    }
    impl fmt::Display for Panics {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    let set = built(CircuitBreakers::<Panics>::builder("unwinds"));
    set.get(&Panics(3));
    for key in [1, 2, 3] {
        let got = std::panic::AssertUnwindSafe(|| drop(set.get(&Panics(key))));
        assert!(std::panic::catch_unwind(got).is_err(), "{key}");
    }
    assert_eq!(set.len(), 1);
    fail(&set.get(&Panics(4)));
    assert_eq!(set.get(&Panics(4)).state(), State::Open);
}

#[test]
fn long_keys_share_the_overflow_breaker() {
    let set = built(CircuitBreakers::<String>::builder("long"));
    let fits = "x".repeat(1024);
    assert!(set.get(&fits).name().starts_with("long/xxx"));
    for key in 0..100 {
        let long = format!("{key}{fits}");
        assert_eq!(set.get(&long).name(), "long/*");
        assert_eq!(set.get(long.as_str()).name(), "long/*");
    }
    let stats = set.stats();
    assert_eq!((stats.keys, stats.too_long), (1, 200));
}

#[test]
fn names_belong_to_one_key() {
    let set = built(CircuitBreakers::<String>::builder("names"));
    let long = "x".repeat(100);
    let keys = [
        "*".to_owned(),
        "\\*".to_owned(),
        "\\\\*".to_owned(),
        "a\nb".to_owned(),
        "a\\nb".to_owned(),
        format!("{long}a"),
        format!("{long}b"),
        "\u{202e}evil".to_owned(),
        "\u{1b}[31mred".to_owned(),
    ];
    let mut names = vec![set.overflow().name().to_string()];
    names.extend(keys.iter().map(|key| set.get(key).name().to_string()));
    for name in &names {
        assert!(
            name.chars().all(|c| !c.is_control() && c != '\u{202e}'),
            "{name:?}"
        );
    }
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(registry::find(r"names/a\nb").is_some());
}

#[test]
fn keys_that_look_alike_do_not_share_a_name() {
    key!(Alike, |f, _me| f.write_str("alike"));
    let set = built(CircuitBreakers::<Alike>::builder("looks"));
    check_apart(&set, &Alike(1), &Alike(2));
    assert_eq!(set.get(&Alike(1)).name(), "looks/alike");
    assert_eq!(set.get(&Alike(2)).name(), "looks/*");
}
