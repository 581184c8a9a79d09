//! Listeners, keys that exclude each other, and what can not be protected.

use super::{accepted, faults_on, refused};

const UNSEEN: &str = "the type of this key can't be seen here; add what keys are kept as";

#[test]
fn listeners() {
    let slack = |inside: &str| format!("listeners = [SlackListener({inside})]");
    refused(
        &slack("channel = \"C1\""),
        "SlackListener(channel = \"C1\")",
        "`SlackListener` needs its token, as in `SlackListener(channel = env(\"SLACK_CHANNEL\")",
    );
    refused(
        &slack("channel = \"\", token = env(\"T\")"),
        "\"\"",
        "the channel of `SlackListener` must not be empty",
    );
    refused(
        &slack("channel = \"C1\", token = \" \""),
        "\" \"",
        "the token of `SlackListener` must not be empty",
    );
    refused(
        &slack("channel = \"C1\", token = \"xoxb-1\""),
        "\"xoxb-1\"",
        "a token in the source is a token in every copy of it; write `token = env(\"SLACK_BOT_TOKEN\")`",
    );
    refused(
        &slack("channel = env(\"\"), token = env(\"T\")"),
        "env(\"\")",
        "`env` needs the name of an environment variable",
    );
    refused(
        &slack("channel = 5, token = env(\"T\")"),
        "5",
        "the channel of `SlackListener` must be a string or `env(\"NAME\")`",
    );
    refused(
        &slack("chanel = \"C1\", token = t()"),
        "chanel",
        "`SlackListener` has no argument `chanel`; did you mean `channel`?",
    );
    refused(
        "listeners = [LogListener(1)]",
        "1",
        "`LogListener` takes no arguments",
    );
    refused(
        "listeners = [\"log\"]",
        "\"log\"",
        "expected a listener: `LogListener`",
    );
    refused(
        "listeners = [LogListener LogListener]",
        "LogListener",
        "expected `,` or `]` after a listener",
    );
    refused(
        "listeners = [LogListener, #[cfg(test)] Mine]",
        "#[cfg(test)] Mine",
        "a listener in the list can't have attributes",
    );
    accepted("listeners = []");
    accepted(
        "listeners = [fluxgate::listener::LogListener::new().level(State::Open, Level::ERROR)]",
    );
}

fn not_a_function(item: &proc_macro2::TokenStream) -> syn::Error {
    crate::item::function::ParsedFunction::parse(item)
        .map(|_| ())
        .unwrap_err()
}

#[test]
fn what_can_not_be_protected() {
    let on = |item: &str| faults_on("", item);
    assert!(
        on("const fn f() -> Result<u8, E> { x }")[0]
            .1
            .starts_with("a `const fn` can't be protected")
    );
    assert_eq!(on("const fn f() -> Result<u8, E> { x }")[0].0, "const");
    assert!(
        on("fn f() -> Result<u8, E>;")[0]
            .1
            .starts_with("there is no body to protect here")
    );
    assert!(
        on("fn f() -> ! { loop {} }")[0]
            .1
            .starts_with("a function that never returns")
    );
    for (item, kind) in [
        ("struct S;", "struct"),
        ("impl S { fn f() {} }", "impl"),
        ("pub mod m {}", "mod"),
        ("const C: u8 = 1;", "const"),
        ("const F: fn() -> u8 = f;", "const"),
        ("static F: fn() -> u8 = f;", "static"),
        ("unsafe extern \"C\" { fn f(); }", "extern"),
    ] {
        let item: proc_macro2::TokenStream = item.parse().unwrap();
        let error = not_a_function(&item);
        assert!(
            error.to_string().starts_with(&format!(
                "`#[circuit_breaker]` protects functions, and this is `{kind}`"
            )),
            "{error}"
        );
        assert_eq!(error.span().source_text().as_deref(), Some(kind));
    }
    for item in ["|x| x + 1", "let x = 1;", "x()"] {
        let item: proc_macro2::TokenStream = item.parse().unwrap();
        let error = not_a_function(&item);
        assert!(
            error
                .to_string()
                .starts_with("`#[circuit_breaker]` protects functions, and this is none"),
            "{error}"
        );
    }
    for function in [
        "const unsafe fn f(",
        "pub(crate) extern \"C\" fn f(",
        "fn f(",
    ] {
        let item = format!("{function}) -> ");
        let error = not_a_function(&item.parse().unwrap()).to_string();
        assert!(!error.contains("protects functions"), "{error}");
    }
}

#[test]
fn one_breaker_for_each_key() {
    accepted("key = symbol");
    accepted("key = &symbol, max_keys = 10, max_labels = 0, handle = quotes");
    accepted("key = symbol.len(), key_type = usize, max_keys = KEYS");
    accepted("breaker = QUOTES, key = symbol.to_uppercase()");
    refused("key = symbol.len()", "symbol.len()", UNSEEN);
    refused(
        "key = elsewhere",
        "elsewhere",
        "`quote` has no argument `elsewhere`, but `symbol`",
    );
    refused(
        "key = symbols",
        "symbols",
        "`quote` has no argument `symbols`; did you mean `symbol`?",
    );
    refused(
        "key = \"symbol\"",
        "\"symbol\"",
        "`key` takes an expression over the arguments; write `key = symbol`, without quotes",
    );
    refused(
        "key = 5",
        "5",
        "`key` takes an expression over the arguments; a key that is always the same",
    );
    refused(
        "key = |symbol| symbol",
        "|symbol| symbol",
        "`key` takes an expression over the arguments: what the closure would return",
    );
    refused(
        "key = symbol, key_type = \"String\"",
        "\"String\"",
        "`key_type` takes a type, as in `key_type = String`; write it without quotes",
    );
    refused(
        "key = symbol, max_keys = 0",
        "0",
        "max_keys must be at least 1, but is 0",
    );
    refused(
        "key = symbol, max_labels = 2.5",
        "2.5",
        "max_labels is a number of keys and must be a whole number, but is 2.5",
    );
    refused(
        "key = symbol, capacity = 5",
        "capacity",
        "unknown key `capacity`; how many keys there may be is `max_keys = 1000`",
    );
    for setting in ["key_type = String", "max_keys = 5", "max_labels = 5"] {
        let (name, _) = setting.split_once(' ').unwrap();
        refused(
            setting,
            name,
            &format!("`{name}` is about one breaker for each key; add what the key is"),
        );
        refused(
            &format!("breaker = QUOTES, key = symbol, {setting}"),
            name,
            &format!("`{name}` belongs to the breaker, and this function uses one that is"),
        );
    }
}

#[test]
fn a_classifier_is_alone() {
    accepted("classify = fluxgate::http::classify");
    accepted("breaker = PAYMENTS, classify = |result| outcome(result), fallback = f");
    refused(
        "classify = f, tracker = All",
        "tracker",
        "`tracker` would never be asked: `classify` says what every result means",
    );
    refused(
        "failure_if = g, classify = f",
        "failure_if",
        "`failure_if` would never be asked: `classify` says what every result means",
    );
    refused(
        "classify = \"classify\"",
        "\"classify\"",
        "`classify` takes a function or a closure; write `classify = classify`, without quotes",
    );
    refused(
        "classifier = f",
        "classifier",
        "unknown key `classifier`; what every result means is `classify = |result| …`",
    );
}

#[test]
fn key_type_is_that_of_the_argument() {
    let unseen = |item: &str| {
        let found = faults_on("key = tenant", item);
        assert!(found.len() <= 1, "{item}: {found:?}");
        found.iter().any(|(_, text)| text.starts_with(UNSEEN))
    };
    for seen in [
        "&str",
        "&'static str",
        "String",
        "&mut String",
        "u64",
        "&ids::Tenant",
        "Box<str>",
    ] {
        let item = format!("fn f(a: &str, mut tenant: {seen}) -> Result<u8, E> {{ x }}");
        assert!(!unseen(&item), "{item}");
    }
    for hidden in [
        "T",
        "&T",
        "impl Id",
        "Id<T>",
        "Cow<'_, str>",
        "Id<&str>",
        "&dyn Id",
        "Self",
    ] {
        let item = format!("fn f<T: Id>(tenant: {hidden}) -> Result<u8, E> {{ x }}");
        assert!(unseen(&item), "{item}");
    }
    assert!(unseen("fn f((tenant, _): (u8, u8)) -> Result<u8, E> { x }"));
}

#[test]
fn keys_that_exclude_each_other() {
    refused(
        "breaker = PAYMENTS, window = CountWindow(9)",
        "window",
        "`window` belongs to the breaker, and this function uses one that is defined elsewhere",
    );
    refused(
        "breaker = PAYMENTS, handle = x",
        "handle",
        "`handle` makes a way to a breaker of the function's own",
    );
    accepted("breaker = PAYMENTS, tracker = All, fallback = f, failure_if = g");
}

#[test]
fn arguments_in_settings_are_refused() {
    for (args, underlined, message) in [
        (
            "tripper = FailureStreak(symbol)",
            "symbol",
            "`symbol` is an argument of `quote`, and its breaker is made once, for all calls; write a constant",
        ),
        (
            "name = symbol",
            "symbol",
            "`symbol` is an argument of `quote`, and its breaker is made once, for all calls; for one breaker for each `symbol` write `key = symbol`",
        ),
        (
            "retry = Cooldown(symbol.len())",
            "symbol",
            "`symbol` is an argument of `quote`",
        ),
    ] {
        refused(args, underlined, message);
    }
    accepted("tripper = Custom(|symbol| symbol.failure_count() > 5), listeners = [|symbol| {}]");
    accepted("retry = Cooldown(config::symbol), tracker = Matches(symbol)");
    let method = "fn get(&mut self, limit: u64) -> Result<u32, Error> { x }";
    let found = faults_on("tripper = self.rule", method);
    assert!(
        found[0].1.contains("write `breaker = self.breaker`"),
        "{found:#?}"
    );
    let found = faults_on("close_after = self.limit", method);
    assert!(
        found[0].1.contains("write `breaker = self.breaker`"),
        "{found:#?}"
    );
    assert_eq!(
        faults_on("breaker = self.breaker, fallback = |_| limit", method),
        []
    );
}

#[test]
fn handle_like_the_function_is_refused() {
    refused(
        "handle = quote",
        "quote",
        "`handle` makes a function beside this one",
    );
}

#[test]
fn track_caller_is_refused() {
    for attr in [
        "#[track_caller]",
        "#[cfg_attr(debug_assertions, track_caller)]",
        "#[cfg_attr(all(unix, test), inline, track_caller)]",
        "#[cfg_attr(unix, cfg_attr(test, track_caller))]",
    ] {
        let found = faults_on(
            "",
            &format!("{attr} async fn f() -> Result<u8, E> {{ g() }}"),
        );
        assert_eq!(found.len(), 1, "{attr}: {found:?}");
        assert_eq!(found[0].0, "track_caller", "{attr}");
        assert!(found[0].1.contains("`#[track_caller]` is lost"));
    }
    for attr in [
        "#[cfg(track_caller)]",
        "#[doc = \"track_caller\"]",
        "#[cfg_attr(track_caller, inline)]",
    ] {
        let found = faults_on("", &format!("{attr} fn f() -> Result<u8, E> {{ g() }}"));
        assert_eq!(found, [], "{attr}");
    }
}
