//! Recorded calls: replayed, guessed, written and read.

use fluxgate::sim::{Ended, Entry, Trace};
use proptest::prelude::*;

use crate::{ms, usual};

/// Any calls of a minute: some refused if `refusals`.
fn calls(refusals: bool) -> impl Strategy<Value = Vec<Entry>> {
    let ended = prop_oneof![
        6 => Just(Ended::Success),
        6 => Just(Ended::Failure),
        1 => Just(Ended::Overloaded),
        1 => Just(Ended::Alive),
        1 => Just(Ended::Ignored),
        1 => Just(Ended::Cancelled),
    ];
    let call = (0..60_000_u64, 0..500_u64, ended, 0..4_u8);
    let call = call.prop_map(move |(at, took, ended, refused)| {
        if refusals && refused == 0 {
            Entry::refused(ms(at))
        } else {
            Entry::ran(ms(at), ms(took), ended)
        }
    });
    prop::collection::vec(call, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn complete_trace_has_no_guess(entries in calls(false)) {
        let replay = Trace::new(entries).run(usual);
        for figure in [
            replay.answered(), replay.failed(), replay.overloaded(), replay.refused(),
            replay.wrongly_refused(),
        ] {
            prop_assert_eq!(figure.share(), 0.0);
            prop_assert_eq!(figure.range(), (figure.value(), figure.value()));
            prop_assert_eq!(figure.to_string(), figure.value().to_string());
        }
        let total = replay.run().total();
        prop_assert_eq!(
            total.answered + total.failed + total.overloaded + total.refused,
            total.offered
        );
    }

    #[test]
    fn guesses_stay_within_their_range(entries in calls(true)) {
        let trace = Trace::new(entries);
        let refused = trace.entries().iter().filter(|entry| entry.ended.is_none()).count();
        let replay = trace.run(usual);
        let figures = [
            replay.answered(), replay.failed(), replay.overloaded(), replay.refused(),
            replay.wrongly_refused(),
        ];
        for figure in figures {
            let (least, most) = figure.range();
            prop_assert!(least <= figure.value() && figure.value() <= most);
            prop_assert!((0.0..=1.0).contains(&figure.share()));
            let guessed = (figure.share() * figure.value() as f64).round() as usize;
            prop_assert!(guessed <= refused);
            let is_range = figure.to_string().contains(" to ");
            let is_unsure = figure.share() > 0.2 || figure.value() == 0 && most > 0;
            prop_assert_eq!(is_range, is_unsure);
        }
        // The same seed: the same guesses.
        prop_assert_eq!(trace.run(usual).run().svg(), replay.run().svg());
    }

    #[test]
    fn traces_survive_jsonl_and_csv(
        entries in calls(true),
        odd in prop::collection::vec((any::<u32>(), 0..1_000_000_000_u32), 0..20),
    ) {
        let odd = odd.into_iter().map(|(secs, nanos)| {
            let at = std::time::Duration::new(u64::from(secs % 4_000_000), nanos);
            Entry::ran(at, std::time::Duration::from_nanos(u64::from(nanos)), Ended::Success)
        });
        let trace = Trace::new(entries.into_iter().chain(odd));
        let (mut jsonl, mut csv) = (Vec::new(), Vec::new());
        trace.write_jsonl(&mut jsonl).unwrap();
        trace.write_csv(&mut csv).unwrap();
        prop_assert_eq!(&Trace::from_jsonl(jsonl.as_slice()).unwrap(), &trace);
        prop_assert_eq!(&Trace::from_csv(csv.as_slice()).unwrap(), &trace);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Trace::from_jsonl(bytes.as_slice());
        let _ = Trace::from_csv(bytes.as_slice());
    }
}

#[test]
fn guess_is_near_its_neighbours() {
    // A long good time, refusals in the middle, then a bad time: near the good calls
    // most refused ones are taken for good.
    let good = (0..100).map(|n| Entry::ran(ms(n * 10), ms(1), Ended::Success));
    let unknown = (100..200).map(|n| Entry::refused(ms(n * 10)));
    let bad = (200..300).map(|n| Entry::ran(ms(n * 10), ms(1), Ended::Failure));
    let trace = Trace::new(good.chain(unknown).chain(bad));
    let replay = trace.run(|breaker: fluxgate::Builder| {
        // Never opens, so that every guess counts.
        breaker.tripper(fluxgate::tripper::FailureStreak::new(1_000_000))
    });
    assert_eq!(replay.answered().value() + replay.failed().value(), 300);
    let good = replay.answered().value() - 100;
    assert!((35..=65).contains(&good), "{good} of 100");
    assert_eq!(replay.answered().range(), (100, 200));
    assert!(
        replay.answered().to_string().starts_with("100 to 200 ("),
        "{}",
        replay.answered()
    );
}

#[test]
fn bad_lines_say_what_was_expected() {
    let jsonl = |text: &str| Trace::from_jsonl(text.as_bytes()).unwrap_err().to_string();
    let good = r#"{"at": 0, "took": 0.1, "outcome": "success"}"#;
    for (line, message) in [
        (
            r#"{"at": 0, "took": 0.1, "outcome": "succes"}"#,
            "unknown variant `succes`",
        ),
        (r#"{"at": 0, "outcome": "success"}"#, "needs `took`"),
        (
            r#"{"at": 0, "took": 1, "outcome": "refused"}"#,
            "has no `took`",
        ),
        (
            r#"{"at": 0, "took": -1, "outcome": "success"}"#,
            "`took` is -1",
        ),
        (
            r#"{"at": 1e300, "took": 1, "outcome": "success"}"#,
            "`at` is 1",
        ),
        (
            r#"{"at": 0, "took": 1, "outcome": "success", "x": 1}"#,
            "unknown field `x`",
        ),
        (r#"{"at": 0, "took": 1"#, "EOF"),
        ("hello", "expected value"),
        ("\u{0}", "expected value"),
    ] {
        let found = jsonl(&format!("{good}\n\n{line}\n{good}"));
        assert!(found.starts_with("the trace, line 3: "), "{found}");
        assert!(found.contains(message), "{found}");
        assert!(found.contains("; expected `at` in seconds"), "{found}");
    }
    let long = format!("{good}\n{}", "x".repeat(10_000));
    assert!(jsonl(&long).contains("line 2: longer than 4096 bytes"));

    let csv = |text: &str| Trace::from_csv(text.as_bytes()).unwrap_err().to_string();
    for (line, message) in [
        ("0,0.1,succes", "unknown variant `succes`"),
        ("0,,success", "needs `took`"),
        ("0,1,refused", "has no `took`"),
        ("x,1,success", "invalid float literal"),
        ("0,1", "found record with 2 fields"),
    ] {
        let found = csv(&format!(
            "at,took,outcome\n0,0.1,success\n{line}\n0,0.1,success\n"
        ));
        assert!(found.starts_with("the trace, line 3: "), "{found}");
        assert!(found.contains(message), "{found}");
    }
}

#[test]
fn files_are_read_by_their_name() {
    let folder = std::env::temp_dir().join(format!("fluxgate-traces-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let trace = Trace::new([
        Entry::ran(ms(5), ms(2), Ended::Alive),
        Entry::refused(ms(9)),
    ]);
    let (jsonl, csv) = (folder.join("calls.jsonl"), folder.join("calls.CSV"));
    trace
        .write_jsonl(std::fs::File::create(&jsonl).expect("a file"))
        .expect("written");
    trace
        .write_csv(std::fs::File::create(&csv).expect("a file"))
        .expect("written");
    assert_eq!(Trace::read(&jsonl).expect("read"), trace);
    assert_eq!(Trace::read(&csv).expect("read"), trace);
    std::fs::write(&csv, "at,took,outcome\n1,2\n").expect("written");
    let error = Trace::read(&csv).unwrap_err();
    assert_eq!(error.line(), Some(2));
    assert!(error.to_string().contains("calls.CSV, line 2: "), "{error}");
    std::fs::remove_dir_all(&folder).expect("removed");
    let error = Trace::read(&csv).unwrap_err();
    assert!(error.to_string().contains("calls.CSV: "), "{error}");
}
