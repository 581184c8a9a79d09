//! The kill switch, in a process of its own: the environment is the process's.

use std::{
    env, io,
    process::Command,
    sync::{Arc, LazyLock, Mutex, mpsc},
    thread,
    time::Duration,
};

use fluxgate::{
    CallNotPermitted, CircuitBreaker, Signal, State, StaticBreaker, circuit_breaker,
    keyed::CircuitBreakers, registry,
};

use crate::reports;

/// What the child tells its parent.
const MARK: &str = "told:";
/// Set in a child.
const IS_CHILD: &str = "TEST_IS_CHILD";

/// Builds a breaker, and tells what became of it. Alone it checks that without a
/// variable nothing is commanded.
#[test]
fn child() {
    let told: Arc<Mutex<Vec<State>>> = Arc::default();
    let listener = Arc::clone(&told);
    let (reports, breaker) = reports::of(|| {
        CircuitBreaker::builder("switch::the-child")
            .listener(move |signal: &Signal| listener.lock().unwrap().push(signal.new_state))
            .build()
            .unwrap()
    });
    let info = breaker.info();
    let variable = |switch: fluxgate::KillSwitch| format!("{}={}", switch.variable, switch.state);
    let switch = info.kill_switch.map_or("none".into(), variable);
    if env::var_os("FLUXGATE_SWITCH__THE_CHILD").is_none() && env::var_os("FLUXGATE_ALL").is_none()
    {
        assert_eq!((info.state, &*switch), (State::Closed, "none"));
        assert!(reports.is_empty(), "{reports:?}");
    }
    let told = told.lock().unwrap();
    println!(
        "{MARK}{} {switch} {told:?} {}",
        info.state,
        reports.join(" | ")
    );
}

fn child_with(variables: &[(&str, &str)]) -> String {
    run("child", variables)
}

fn run(child: &str, variables: &[(&str, &str)]) -> String {
    let child = format!("environment::{child}");
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &child, "--nocapture"])
        .env_remove("FLUXGATE_ALL")
        .env(IS_CHILD, "1")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, told) = output.split_once(MARK).expect(&output);
    told.lines().next().unwrap_or_default().trim().to_owned()
}

#[test]
fn a_variable_commands_and_listeners_are_told() {
    let told = child_with(&[("FLUXGATE_SWITCH__THE_CHILD", "forced_open")]);
    let start = "forced_open FLUXGATE_SWITCH__THE_CHILD=forced_open [ForcedOpen] ";
    let report = "circuit breaker 'switch::the-child' starts forced_open, as the environment variable FLUXGATE_SWITCH__THE_CHILD commands";
    assert_eq!(told, format!("{start}{report}"));
}

#[test]
fn the_variable_for_all_gives_way_to_the_own_one() {
    let all = ("FLUXGATE_ALL", "disabled");
    assert!(child_with(&[all]).starts_with("disabled FLUXGATE_ALL=disabled [Disabled]"));
    let told = child_with(&[all, ("FLUXGATE_SWITCH__THE_CHILD", "closed")]);
    assert_eq!(told, "closed FLUXGATE_SWITCH__THE_CHILD=closed []");
}

#[test]
fn a_bad_value_is_reported_and_ignored() {
    let told = child_with(&[("FLUXGATE_SWITCH__THE_CHILD", "open")]);
    assert_eq!(
        told,
        "closed none [] circuit breaker 'switch::the-child': `FLUXGATE_SWITCH__THE_CHILD` is \
         \"open\", but may only be `disabled`, `metrics_only`, `forced_open` or `closed`; it is ignored"
    );
}

#[test]
fn command_words_command_like_states() {
    let told = child_with(&[("FLUXGATE_SWITCH__THE_CHILD", "force_open")]);
    assert!(told.starts_with("forced_open FLUXGATE_SWITCH__THE_CHILD=forced_open [ForcedOpen] "));
}

static FROZEN: StaticBreaker = StaticBreaker::new(|| CircuitBreaker::builder("switch::frozen"));

/// Freezes the time, and tells what that makes of breakers that the environment
/// commands. In the parent it does nothing: it would reset the breakers of the tests
/// beside it.
#[test]
fn child_that_freezes() {
    if env::var_os(IS_CHILD).is_none() {
        return;
    }
    let by_hand = CircuitBreaker::builder("switch::by_hand").build().unwrap();
    let keyed = CircuitBreakers::<u8>::builder("switch::keyed")
        .build()
        .unwrap();
    let key = keyed.get(&1);
    let look = || {
        let state = |breaker: &CircuitBreaker| {
            let info = breaker.info();
            let switch = info.kill_switch.map(|switch| switch.state);
            assert!(switch.is_none_or(|commanded| commanded == info.state));
            info.state
        };
        [state(&by_hand), state(&key), state(&FROZEN)]
    };
    let time = fluxgate::testing::freeze();
    let frozen = look();
    by_hand.force_open();
    time.reset_all();
    let again = look();
    key.force_open();
    drop(time);
    println!("{MARK}{frozen:?} {again:?} {:?}", look());
}

#[test]
fn freeze_hides_the_environment_until_dropped() {
    let closed = "[Closed, Closed, Closed]";
    for (variables, after) in [
        (
            &[("FLUXGATE_ALL", "disabled")][..],
            "[Disabled, Disabled, Disabled]",
        ),
        (
            &[
                ("FLUXGATE_ALL", "force_open"),
                ("FLUXGATE_SWITCH__FROZEN", "closed"),
            ],
            "[ForcedOpen, ForcedOpen, Closed]",
        ),
        (
            &[("FLUXGATE_SWITCH__KEYED_1", "metrics_only")],
            "[Closed, MetricsOnly, Closed]",
        ),
        (&[], closed),
    ] {
        let told = run("child_that_freezes", variables);
        assert_eq!(told, format!("{closed} {closed} {after}"));
    }
}

/// Lists all breakers twice, and tells what was reported.
#[test]
fn child_that_lists() {
    let breaker = CircuitBreaker::builder("switch::listed").build().unwrap();
    let (reports, ()) = reports::of(|| {
        for _ in 0..2 {
            assert!(!registry::all().is_empty());
        }
    });
    let variable = breaker.info().variable;
    let strays = reports.iter().filter(|report| report.contains("fits no"));
    let strays: Vec<_> = strays.cloned().collect();
    println!(
        "{MARK}{}={:?} {}",
        variable.name,
        variable.value,
        strays.join(" | ")
    );
}

#[test]
fn stray_variable_is_reported_with_nearest_name() {
    let told = run(
        "child_that_lists",
        &[
            ("FLUXGATE_SWITCH__LISTED", "closed"),
            ("FLUXGATE_SWITCH__LISTET", "disabled"),
            ("FLUXGATE__SETTINGS", "x"),
            ("FLUXGATE_EMPTY", ""),
        ],
    );
    assert_eq!(
        told,
        "FLUXGATE_SWITCH__LISTED=Some(\"closed\") the environment variable \
         \"FLUXGATE_SWITCH__LISTET\" fits no circuit breaker in this program, and commands \
         nothing; did you mean `FLUXGATE_SWITCH__LISTED`?"
    );
    assert_eq!(run("child_that_lists", &[]), "FLUXGATE_SWITCH__LISTED=None");
}

/// What listeners of the statics below were told, and what they saw then.
static TOLD: Mutex<Vec<(State, String)>> = Mutex::new(Vec::new());

fn told(signal: &Signal, saw: &impl std::fmt::Debug) {
    let listed = registry::find(&signal.name).is_some();
    assert!(listed, "who is told of a breaker finds it");
    TOLD.lock()
        .unwrap()
        .push((signal.new_state, format!("{saw:?}")));
}

/// Gives cause for every report, and is used by the listener it tells.
static NOSY: StaticBreaker = StaticBreaker::new(|| {
    CircuitBreaker::builder("nosy")
        .close_after(0)
        .try_listener("Pager", Err::<fn(&Signal), _>("no URL"))
        .listener(|signal: &Signal| told(signal, &NOSY.state()))
});

#[circuit_breaker(name = "nosy_function", listeners = [|signal| told(signal, &nosy_function().is_ok())])]
fn nosy_function() -> Result<(), CallNotPermitted> {
    Ok(())
}

/// Builds two statics whose listeners use them, and a subscriber that does, too.
/// Alone it checks that without a variable the listeners are told nothing.
#[test]
fn child_with_statics() {
    fn use_both() {
        let _ = NOSY.call(|| Ok::<_, io::Error>(()));
        let _ = nosy_function();
    }

    let (sender, done) = mpsc::channel();
    thread::spawn(move || {
        let _namesake = CircuitBreaker::builder("nosy").build();
        let (reports, ()) = reports::with_reaction(use_both, use_both);
        let _ = sender.send(reports);
    });
    let reports = done.recv_timeout(Duration::from_secs(30));
    let reports = reports.expect("a static that is being built was asked for");
    let told = TOLD.lock().unwrap();
    println!("{MARK}{told:?} {}", reports.join(" | "));
    let of_any_start = [
        "can't be built",
        "two circuit breakers are named 'nosy'",
        "goes without its listener Pager",
    ];
    for report in of_any_start {
        let with = |line: &&String| line.contains(report);
        assert_eq!(reports.iter().filter(with).count(), 1, "{report}");
    }
    if env::var_os("FLUXGATE_ALL").is_none() {
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(reports.len(), of_any_start.len());
    }
}

#[test]
fn nobody_is_told_before_the_static_is_in_place() {
    for (state, passes) in [
        (State::ForcedOpen, false),
        (State::Disabled, true),
        (State::MetricsOnly, true),
    ] {
        let said = run("child_with_statics", &[("FLUXGATE_ALL", state.as_str())]);
        let mut expected = [
            (state, format!("{state:?}")),
            (state, format!("{passes:?}")),
        ];
        // The first report of the one begins the other.
        expected.reverse();
        assert!(said.starts_with(&format!("{expected:?} ")), "{said}");
        for name in ["nosy", "nosy_function"] {
            let report = format!("circuit breaker '{name}' starts {state}");
            assert!(said.contains(&report), "{said}");
        }
    }
    let said = run("child_with_statics", &[("FLUXGATE_ALL", "off")]);
    assert!(said.starts_with("[] "), "{said}");
    for name in ["nosy", "nosy_function"] {
        let report = format!("circuit breaker '{name}': `FLUXGATE_ALL` is \"off\"");
        assert!(said.contains(&report), "{said}");
    }
}

static BY_KEY: LazyLock<CircuitBreakers<String>> = LazyLock::new(|| {
    let settings = |builder: fluxgate::Builder| {
        builder.listener(|signal: &Signal| told(signal, &BY_KEY.get("key").state()))
    };
    let set = CircuitBreakers::builder("nosy_set").settings(settings);
    set.build().unwrap()
});

#[test]
fn child_with_keys() {
    let (sender, done) = mpsc::channel();
    thread::spawn(move || sender.send(BY_KEY.get("key").state()));
    let state = done.recv_timeout(Duration::from_secs(30));
    let state = state.expect("a key whose breaker is being built was asked for");
    println!("{MARK}{state} {:?}", TOLD.lock().unwrap());
}

#[test]
fn reports_come_after_key_has_its_breaker() {
    let said = run("child_with_keys", &[("FLUXGATE_NOSY_SET_KEY", "disabled")]);
    assert_eq!(said, r#"disabled [(Disabled, "Disabled")]"#);
}
