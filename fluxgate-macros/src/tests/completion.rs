//! What an editor completes.

use std::{fs, path::Path};

use proc_macro2::TokenStream;

use super::{FUNCTION, faults};
use crate::settings::table::{SETTINGS, find};

/// The expansion, with a space between all tokens.
fn expanded(args: &str) -> String {
    let parsed = |text: &str| -> TokenStream { text.parse().expect("balanced") };
    crate::protect(parsed(args), parsed(FUNCTION)).to_string()
}

fn completed(args: &str) -> Vec<String> {
    let prefix = ":: fluxgate :: __private :: completion :: ";
    let text = expanded(args);
    let names = text.split(prefix).skip(1);
    let name = |text: &str| text.split_once(" ;").map(|(name, _)| name.replace(' ', ""));
    names.filter_map(name).collect()
}

#[test]
fn wrong_settings_are_named_for_the_editor() {
    let rows: &[(&str, &[&str])] = &[
        ("retr", &["setting::retr"]),
        (
            "handle = f, retry = Cool",
            &["setting::handle", "setting::retry", "retry::Cool"],
        ),
        (
            "tripper = FailureStreak(5) | (MinRequests(LEAST) & Fail)",
            &[
                "setting::tripper",
                "tripper::FailureStreak",
                "tripper::MinRequests",
                "tripper::Fail",
            ],
        ),
        (
            "tracker = !Matches(Error::Timeout) | crate::mine() | Typ",
            &["setting::tracker", "tracker::Matches", "tracker::Typ"],
        ),
        (
            "x, listeners = [LogListener, SlackListener(channel = C), Prom]",
            &[
                "setting::x",
                "setting::listeners",
                "listeners::LogListener",
                "listeners::SlackListener",
                "listeners::Prom",
            ],
        ),
        (
            "name = \"a\" 3, = 4, 5, \"retry = Cool\"",
            &["setting::name"],
        ),
    ];
    for (args, expected) in rows {
        assert_eq!(completed(args), *expected, "{args}");
    }
}

#[test]
fn sound_settings_expand_to_nothing_more() {
    let text = expanded("retry = Cooldown(5s)");
    assert!(!text.contains("completion"), "{text}");
}

#[test]
fn names_are_those_of_the_attribute() {
    let file = "../fluxgate/src/__private/completion.rs";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
    let words = |module: &str| -> Vec<String> {
        let (_, rest) = text.split_once(&format!("pub mod {module} {{")).unwrap();
        let (body, _) = rest.split_once("\n}").unwrap();
        let code = body.lines().map(str::trim);
        let code = code.filter(|line| !line.starts_with("///") && *line != "use super::Word;");
        let code = code.collect::<Vec<_>>().join(" ");
        let words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        // `pub use crate::tripper::{…}`, and `words! {…}`.
        let not = [
            "",
            "pub",
            "use",
            "crate",
            "words",
            "OnCancel",
            "SlowProbes",
            "State",
        ];
        let word = |word: &&str| !not.contains(word) && *word != module;
        words.filter(word).map(str::to_owned).collect()
    };
    let settings: Vec<_> = SETTINGS.iter().map(|setting| setting.name).collect();
    let mut expected: Vec<_> = settings
        .into_iter()
        .filter(|name| *name != "crate")
        .collect();
    let mut found = words("setting");
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    for module in [
        "window",
        "tripper",
        "retry",
        "permit",
        "on_cancel",
        "slow_probes",
        "initial_state",
        "tracker",
        "listeners",
    ] {
        assert!(find(module).is_some());
        let words = words(module);
        assert!(words.len() >= 2, "{module}: {words:?}");
        for word in words {
            let args = match module {
                "listeners" => format!("listeners = [{word}]"),
                _ => format!("{module} = {word}"),
            };
            for (_, message) in faults(&args) {
                assert!(!message.contains("unknown"), "{args}: {message}");
            }
        }
    }
}
