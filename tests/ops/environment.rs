//! The kill switch, in a process of its own: the environment is the process's.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex},
};

use fluxgate::{CircuitBreaker, Signal, State};

use crate::reports;

/// What the child tells its parent.
const MARK: &str = "told:";

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
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "environment::child", "--nocapture"])
        .env_remove("FLUXGATE_ALL")
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
