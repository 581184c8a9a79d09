//! What is generated, where the compiled tests can't see it.

use proc_macro2::{TokenStream, TokenTree};

use super::protected;
use crate::{expand, policy};

fn expanded(args: &str) -> TokenStream {
    let protected = protected(args, super::FUNCTION).unwrap_or_else(|error| panic!("{error}"));
    expand::function(&protected)
}

fn idents(tokens: TokenStream, visit: &mut impl FnMut(proc_macro2::Ident)) {
    for tree in tokens {
        match tree {
            TokenTree::Ident(ident) => visit(ident),
            TokenTree::Group(group) => idents(group.stream(), visit),
            _ => {}
        }
    }
}

/// So that an editor leads from the attribute to the runtime.
#[test]
fn names_of_policies_keep_their_spans() {
    let args = "window = CountWindow(9), tripper = MinRequests(5) & FailureRate(0.5), \
                retry = Cooldown(5s), permit = RampUp(0.1, 1.0, 60s), \
                throttle = Adaptive(1.5), listeners = [LogListener], \
                on_cancel = FailAfter(5s)";
    let mut found = Vec::new();
    idents(expanded(args), &mut |ident| {
        if ident.span().source_text().is_some_and(|text| ident == text) {
            found.push(ident.to_string());
        }
    });
    for name in [
        "CountWindow",
        "MinRequests",
        "FailureRate",
        "Cooldown",
        "RampUp",
        "Adaptive",
        "LogListener",
        "FailAfter",
    ] {
        assert!(
            found.iter().any(|found| found == name),
            "{name} in {found:?}"
        );
    }
}

#[test]
fn renamed_crate_is_used_throughout() {
    let args = "crate = renamed, tracker = TypeOf(E) | Custom(f), tripper = FailureStreak(N), \
                retry = Backoff(D), listeners = [LogListener, |_| {}], handle = h, fallback = f, \
                failure_if = g, on_cancel = Fail, throttle = Adaptive(K, window = D, min = M)";
    idents(expanded(args), &mut |ident| {
        assert_ne!(ident, "fluxgate");
    });
    idents(expanded("crate = renamed, classify = f"), &mut |ident| {
        assert_ne!(ident, "fluxgate");
    });
    let args = "crate = renamed, key = symbol, max_keys = N, handle = h, listeners = [LogListener]";
    idents(expanded(args), &mut |ident| {
        assert_ne!(ident, "fluxgate");
    });
}

#[test]
fn key_is_looked_up_before_the_body() {
    let text = expanded("key = symbol, retry = Always, max_keys = 5").to_string();
    for part in [
        "StaticBreakers < < :: std :: string :: String as :: fluxgate :: __private :: KeyType > :: Key >",
        ". settings (| builder | builder . retry (:: fluxgate :: retry :: Always)) . max_keys (5)",
        "& symbol) } ; return :: fluxgate :: __private :: call",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let text = expanded("key = a + b, key_type = u8").to_string();
    assert!(text.contains("& (a + b)"), "{text}");
}

#[test]
fn only_what_was_given_is_set() {
    let text = expanded("retry = Always").to_string();
    assert!(
        text.contains(". retry (:: fluxgate :: retry :: Always)"),
        "{text}"
    );
    for method in ["window", "tripper", "permit", "listener", "close_after"] {
        assert!(
            !text.contains(&format!(". {method} (")),
            "{method} in {text}"
        );
    }
}

#[test]
fn durations_are_written_out() {
    let text = expanded("retry = Cooldown(1.5s)").to_string();
    assert!(
        text.contains(":: core :: time :: Duration :: new (1 , 500000000)"),
        "{text}"
    );
}

#[test]
fn function_stays_after_an_error() {
    let item: TokenStream = super::FUNCTION.parse().unwrap();
    let text = crate::protect("tripper =".parse().unwrap(), item).to_string();
    assert!(text.contains("compile_error"), "{text}");
    assert!(
        text.ends_with("-> Result < u32 , Error > { body () }"),
        "{text}"
    );
}

/// The ranges of the macro and those of the runtime are the same.
#[test]
fn limits_are_those_of_the_runtime() {
    use fluxgate::__private::bounds;
    use policy::RatioLimits;
    let mut values = vec![
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::MIN_POSITIVE,
        -0.0,
    ];
    for base in [0.0_f64, 0.1, 0.5, 1.0, 1.1, 1.5, 2.0, 100.0] {
        let above = f64::from_bits(base.to_bits() + 1);
        let below = f64::from_bits(base.to_bits().saturating_sub(1));
        values.extend([base, -base, above, below]);
    }
    for value in values {
        assert_eq!(
            RatioLimits::Share.hold(value),
            bounds::ratio(value),
            "{value}"
        );
        assert_eq!(
            RatioLimits::Probability.hold(value),
            bounds::probability(value),
            "{value}"
        );
        assert_eq!(
            RatioLimits::Jitter.hold(value),
            bounds::jitter_ratio(value),
            "{value}"
        );
        assert_eq!(
            RatioLimits::Multiplier.hold(value),
            bounds::multiplier(value),
            "{value}"
        );
        assert_eq!(
            RatioLimits::ThrottleK.hold(value),
            bounds::throttle_k(value),
            "{value}"
        );
    }
}
