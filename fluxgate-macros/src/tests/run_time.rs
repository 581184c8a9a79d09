//! What reads policies at run time, against what reads them here: the same files where
//! they can be, and the same words for the same texts.

use std::{collections::BTreeSet, fs, path::Path};

use fluxgate::{
    CircuitBreaker, OnCancel, ParsePolicyError, Settings, SlowProbes, permit::AnyPermit,
    retry::AnyRetry, throttle::Adaptive, tripper::Rule, window::AnyWindow,
};
use proc_macro2::{TokenStream, TokenTree};
use syn::LitStr;

use super::faults;

/// Files that both crates have, by where they are in the macro crate and in
/// `fluxgate/src/grammar`.
const SAME: [(&str, &str); 10] = [
    ("suggest.rs", "suggest.rs"),
    ("tokens/literal.rs", "tokens/literal.rs"),
    ("tokens/visible.rs", "tokens/visible.rs"),
    ("policy/value/exact.rs", "policy/value/exact.rs"),
    ("policy/value/limits.rs", "policy/value/limits.rs"),
    ("analysis/branch.rs", "analysis/branch.rs"),
    ("analysis/implies.rs", "analysis/implies.rs"),
    ("analysis/lints.rs", "analysis/lints.rs"),
    ("settings/habits/policies.rs", "habits/policies.rs"),
    ("settings/habits/names.rs", "habits/names.rs"),
];

fn source(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Without its tests, and without the whitespace that depends on the length of paths.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.split_whitespace().collect()
}

#[test]
fn shared_files_are_the_same() {
    for (here, there) in SAME {
        let here_text = source(&format!("src/{here}")).replace("crate::", "crate::grammar::");
        let there_text = source(&format!("../fluxgate/src/grammar/{there}"));
        assert!(
            code(&here_text) == code(&there_text),
            "fluxgate/src/grammar/{there} is to be fluxgate-macros/src/{here}, with \
             `crate::grammar::` for `crate::` and without the tests: copy what was changed"
        );
    }
}

/// Keys whose values are read at run time, too.
const KEYS: [&str; 7] = [
    "window",
    "tripper",
    "retry",
    "permit",
    "on_cancel",
    "slow_probes",
    "throttle",
];

fn read_there(key: &str, text: &str) -> Vec<String> {
    fn faults<T>(read: Result<T, ParsePolicyError>) -> Vec<String> {
        match read {
            Ok(_) => Vec::new(),
            Err(error) => error.faults().map(ToString::to_string).collect(),
        }
    }
    match key {
        "window" => faults(text.parse::<AnyWindow>()),
        "tripper" => faults(text.parse::<Rule>()),
        "retry" => faults(text.parse::<AnyRetry>()),
        "permit" => faults(text.parse::<AnyPermit>()),
        "on_cancel" => faults(text.parse::<OnCancel>()),
        "slow_probes" => faults(text.parse::<SlowProbes>()),
        "throttle" => faults(text.parse::<Adaptive>()),
        _ => unreachable!("{key}"),
    }
}

fn read_here(key: &str, text: &str) -> Vec<String> {
    // What depends on the window is for callers that know it.
    let window = if key == "tripper" {
        "window = Custom(mine()), "
    } else {
        ""
    };
    // A rule that says what is slow, which `slow_probes = Fail` needs.
    let rule = if key == "slow_probes" {
        "tripper = MinRequests(2) & SlowRate(0.5, 1s), "
    } else {
        ""
    };
    let found = faults(&format!("{window}{rule}{key} = {text:?}"));
    found.into_iter().map(|(_, message)| message).collect()
}

/// Takes out what is said of code, which only the attribute reads, and of the
/// attribute itself.
fn plain(message: &str) -> String {
    let mut text = message.to_owned();
    for (from, to) in [
        ("`InFlight`, `Custom`", "`InFlight`"),
        ("`Never`, `Custom`", "`Never`"),
        ("`All`, `Custom`", "`All`"),
        ("`TimeWindow`, `Custom`", "`TimeWindow`"),
        (
            "a rule of your own goes into `Custom(…)`",
            "one of your own is set in the code",
        ),
        (
            "a tripper of your own goes into `Custom(…)`",
            "one of your own is set in the code",
        ),
        (
            "a window of your own goes into `Custom(…)`",
            "one of your own is set in the code",
        ),
        (
            "a retry of your own goes into `Custom(…)`",
            "one of your own is set in the code",
        ),
        (
            "a permit of your own goes into `Custom(…)`",
            "one of your own is set in the code",
        ),
        (
            "; one of your own in `Custom(…)` can look at as many things as it likes",
            "",
        ),
        (
            "; take what is inside out of the attribute, into a function or a constant",
            "",
        ),
        ("; write it with fewer brackets around each other", ""),
        (
            "this string is empty; leave the key out",
            "this is empty; leave the setting out",
        ),
        (
            "expected the end of the string",
            "expected the end of the text",
        ),
    ] {
        text = text.replace(from, to);
    }
    text
}

/// Compares what the two say. Code is refused at run time, in words of its own.
fn compare(key: &str, text: &str, different: &mut Vec<String>) {
    let there: Vec<_> = read_there(key, text);
    if there.iter().any(|message| message.contains("Rust code")) {
        return;
    }
    let here = read_here(key, text);
    // The attribute takes what follows for more of itself, or knows what code is meant.
    let is_attribute = |message: &String| {
        message.starts_with("settings are separated by")
            || message.starts_with("expected `,` before the next key")
            || message.contains("did you mean `Custom`?")
            || message.contains("can't be a closure")
    };
    if here.iter().any(is_attribute) {
        return;
    }
    let (here, there): (Vec<_>, Vec<_>) = (
        here.iter().map(|message| plain(message)).collect(),
        there.iter().map(|message| plain(message)).collect(),
    );
    if here != there {
        different.push(format!(
            "{key} = {text:?}\n attribute: {here:#?}\n  run time: {there:#?}"
        ));
    }
}

/// Collects the values of policies in every string of the macros' tests, as written
/// in strings or as tokens.
fn corpus() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for folder in ["src/tests", "../tests/ui", "../tests/ui-pass"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let Ok(files) = fs::read_dir(&folder) else {
            continue;
        };
        for file in files {
            let path = file.expect("an entry").path();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            if let Ok(tokens) = text.parse::<TokenStream>() {
                values(tokens, &mut found);
            }
        }
    }
    found
}

fn values(tokens: TokenStream, found: &mut BTreeSet<(String, String)>) {
    let trees: Vec<_> = tokens.into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => values(group.stream(), found),
            TokenTree::Literal(literal) => {
                let text = syn::parse2::<LitStr>(TokenTree::from(literal.clone()).into());
                let Ok(text) = text else { continue };
                if let Ok(inside) = text.value().parse::<TokenStream>() {
                    values(inside, found);
                }
            }
            TokenTree::Ident(key) => {
                let Some(TokenTree::Punct(equals)) = trees.get(at + 1) else {
                    continue;
                };
                if equals.as_char() == '=' && KEYS.contains(&key.to_string().as_str()) {
                    let value = trees[at + 2..].iter().take_while(
                        |tree| !matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ','),
                    );
                    let value: TokenStream = value.cloned().collect();
                    let text = match syn::parse2::<LitStr>(value.clone()) {
                        Ok(text) => text.value(),
                        Err(_) => value.to_string(),
                    };
                    // What is longer only takes time, here.
                    if text.len() < 2_000 {
                        found.insert((key.to_string(), text));
                    }
                }
            }
            TokenTree::Punct(_) => {}
        }
    }
}

#[track_caller]
fn none(different: &[String], compared: usize) {
    let shown = different.len().min(40);
    assert!(
        different.is_empty(),
        "{} of {compared} differ:\n{}",
        different.len(),
        different[..shown].join("\n")
    );
}

#[test]
fn texts_of_all_tests_read_alike() {
    let corpus = corpus();
    let mut different = Vec::new();
    for (key, text) in &corpus {
        compare(key, text, &mut different);
    }
    none(&different, corpus.len());
    assert!(corpus.len() > 150, "{} texts", corpus.len());
}

/// A generator for tests alone.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).expect("small")
    }
}

#[test]
fn garbled_texts_read_alike() {
    const BITS: [&str; 40] = [
        "(",
        ")",
        ",",
        "&",
        "|",
        "!",
        "=",
        "-",
        ".",
        "%",
        " ",
        "0",
        "1",
        "9",
        "s",
        "ms",
        "e",
        "_",
        "\"",
        "'",
        "[",
        "}",
        "]",
        "~",
        "0x",
        "0.5",
        "Closed",
        "HalfOpened",
        "count = ",
        "threshold = ",
        "FailureRate(",
        "FailureStreak(3)",
        "MinRequests(20)",
        "min",
        "r#",
        "h",
        "true",
        "1e9",
        "^",
        "\n",
    ];
    const SEEDS: [(&str, &str); 16] = [
        (
            "tripper",
            "FailureStreak(5) | MinRequests(20) & FailureRate(0.5)",
        ),
        (
            "tripper",
            "MinRequests(20) & (FailureRate(0.5) | SlowRate(0.3, threshold = 1s))",
        ),
        (
            "tripper",
            "Closed() & FailureRate(ratio = 1) | HalfOpened & AvgLatency(250ms)",
        ),
        (
            "tripper",
            "InFlight(10, older_than = 2s) | ((FailureStreak(0x10)))",
        ),
        ("tripper", "MinRequests(1_000) & FailureRate(1e-2)"),
        (
            "retry",
            "Backoff(initial = 10s, multiplier = 2.0, max_duration = 300s)",
        ),
        ("retry", "Backoff(5s, jitter_ratio = 0.2)"),
        ("retry", "Cooldown(1.5min)"),
        ("retry", "Never"),
        ("permit", "RampUp(0.1, 1.0, 60s)"),
        ("permit", "Random(ratio = 0.5)"),
        ("window", "CountWindow(100)"),
        ("window", "TimeWindow(60s, slots = 6)"),
        ("on_cancel", "FailAfter(250ms)"),
        ("slow_probes", "Fail"),
        (
            "throttle",
            "Adaptive(k = 1.5, window = 10s, min = 20, floor = 0.01)",
        ),
    ];
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let (mut different, mut compared) = (Vec::new(), 0);
    for (key, text) in SEEDS {
        for _ in 0..150 {
            let mut chars: Vec<String> = text.chars().map(String::from).collect();
            for _ in 0..=dice.below(3) {
                let at = dice.below(chars.len().max(1)).min(chars.len());
                match dice.below(3) {
                    0 if at < chars.len() => drop(chars.remove(at)),
                    1 if at < chars.len() => chars[at] = BITS[dice.below(BITS.len())].to_owned(),
                    _ => chars.insert(at, BITS[dice.below(BITS.len())].to_owned()),
                }
            }
            compared += 1;
            compare(key, &chars.concat(), &mut different);
        }
    }
    none(&different, compared);
}

/// Returns what the settings say of a rule beside a window and a number of probes, for a
/// breaker that there is.
fn whole_there(window: &str, tripper: &str, reopen_after: Option<u64>) -> Vec<String> {
    let reopen_after = reopen_after.map(|count| count.to_string());
    let variables = [
        ("FLUXGATE__BREAKER__DIFFERENTIAL__WINDOW", Some(window)),
        ("FLUXGATE__BREAKER__DIFFERENTIAL__TRIPPER", Some(tripper)),
        (
            "FLUXGATE__BREAKER__DIFFERENTIAL__REOPEN_AFTER",
            reopen_after.as_deref(),
        ),
    ];
    let given = variables
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    match Settings::from_variables(given).apply() {
        Ok(_) => Vec::new(),
        Err(error) => error.faults().map(|fault| fault.message.clone()).collect(),
    }
}

fn whole_here(window: &str, tripper: &str, reopen_after: Option<u64>) -> Vec<String> {
    let reopen_after = reopen_after.map(|count| format!(", reopen_after = {count}"));
    let reopen_after = reopen_after.unwrap_or_default();
    let attribute = format!("window = {window:?}, tripper = {tripper:?}{reopen_after}");
    let found = faults(&attribute);
    found.into_iter().map(|(_, message)| message).collect()
}

#[test]
fn whole_rules_of_all_tests_are_judged_alike() {
    let _breaker = CircuitBreaker::builder("differential")
        .build()
        .expect("defaults");
    let corpus = corpus();
    let sound = |wanted: &'static str| {
        let texts = corpus.iter().filter(move |(key, _)| key == wanted);
        let texts = texts.filter(|(key, text)| match key.as_str() {
            // A rule that alone is none is compared with the others above.
            "tripper" => read_there(key, text).is_empty() && read_here(key, text).is_empty(),
            _ => read_there(key, text).is_empty(),
        });
        texts.map(|(_, text)| text.as_str()).collect::<Vec<_>>()
    };
    let (windows, rules) = (sound("window"), sound("tripper"));
    let (mut different, mut compared, mut refused) = (Vec::new(), 0, 0);
    for window in &windows {
        for rule in &rules {
            for reopen_after in [None, Some(1), Some(3)] {
                let here = whole_here(window, rule, reopen_after);
                let there = whole_there(window, rule, reopen_after);
                compared += 1;
                refused += usize::from(!here.is_empty());
                if here != there {
                    different.push(format!(
                        "{window:?} {rule:?} {reopen_after:?}\n attribute: {here:#?}\n  settings: {there:#?}"
                    ));
                }
            }
        }
    }
    none(&different, compared);
    assert!(
        compared > 300 && refused > 20,
        "{compared} compared, {refused} refused"
    );
}
