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
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
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
        assert!(found.starts_with("the trace, line 3"), "{found}");
        assert!(found.contains(message), "{found}");
        assert!(found.contains("; expected `at` in seconds"), "{found}");
    }
    let long = format!("{good}\n{}", "x".repeat(10_000));
    assert!(jsonl(&long).contains("line 2: longer than 4096 bytes"));

    let csv = |text: &str| Trace::from_csv(text.as_bytes()).unwrap_err().to_string();
    for (line, message) in [
        ("0,0.1,succes", ": unknown variant `succes`"),
        ("0,,success", ": a call that ran needs `took`"),
        ("0,1,refused", ": a call that was refused has no `took`"),
        ("x,1,success", ", column 1: `at`: invalid float literal"),
        ("0,x,success", ", column 2: `took`: invalid float literal"),
        ("0,NaN,success", ": `took` is NaN, and must be seconds"),
        ("inf,1,success", ": `at` is inf, and must be seconds"),
        ("-0.5,1,success", ": `at` is -0.5, and must be seconds"),
        ("1763000000,1,success", "from 0 to 315360000"),
        ("0,1", ": the header has 3 fields, and this line 2"),
        ("0,1,success,", ": the header has 3 fields, and this line 4"),
    ] {
        let found = csv(&format!(
            "at,took,outcome\n0,0.1,success\n{line}\n0,0.1,success\n"
        ));
        assert!(found.starts_with("the trace, line 3"), "{found}");
        assert!(found.contains(message), "{found}");
        assert!(found.contains("expected `at` in seconds"), "{found}");
    }
}

#[test]
fn bad_headers_are_refused() {
    for (header, message) in [
        ("at,outcome,foo", "line 1, column 3: `foo` is no column"),
        ("at,at,outcome", "line 1, column 2: `at` stands twice"),
        ("took,outcome", "line 1: no `at` in the header"),
        ("0,0.1,success", "line 1, column 1: `0` is no column"),
    ] {
        let found = Trace::from_csv(format!("{header}\n0,1,success\n").as_bytes());
        let found = found.unwrap_err().to_string();
        assert!(
            found.starts_with(&format!("the trace, {message}")),
            "{found}"
        );
    }
    let without_took = Trace::from_csv("at,outcome\n3,refused\n".as_bytes()).expect("read");
    assert_eq!(without_took.entries(), [Entry::refused(ms(3000))]);
    assert_eq!(
        Trace::from_csv("".as_bytes()).expect("read"),
        Trace::default()
    );
}

#[test]
fn columns_are_told() {
    let error = |text: &str| Trace::from_jsonl(text.as_bytes()).unwrap_err();
    let found = error("{\"at\": 0, \"took\": NaN, \"outcome\": \"success\"}");
    assert_eq!((found.line(), found.column()), (Some(1), Some(19)));
    let found = error("{\"at\": 0, \"took\": -4, \"outcome\": \"success\"}");
    assert_eq!((found.line(), found.column()), (Some(1), Some(20)));
    assert!(
        found
            .to_string()
            .contains("line 1, column 20: `took` is -4, and must be"),
        "{found}"
    );
}

#[test]
fn files_of_other_editors_are_read() {
    let wanted = Trace::new([
        Entry::refused(ms(250)),
        Entry::ran(ms(500), ms(20), Ended::Failure),
    ]);
    // Unsorted, with a byte order mark, lines that end as on Windows, and quotes.
    let jsonl = "\u{feff}{\"at\":0.5,\"took\":0.02,\"outcome\":\"failure\"}\r\n\r\n\
        {\"at\":0.25,\"outcome\":\"refused\"}";
    assert_eq!(Trace::from_jsonl(jsonl.as_bytes()).expect("read"), wanted);
    let csv = "\u{feff}at,took,outcome\r\n0.5, 0.02 ,\"failure\"\r\n\r\n\"0.25\",,refused";
    assert_eq!(Trace::from_csv(csv.as_bytes()).expect("read"), wanted);
}

/// Gives the same bytes for ever, and counts them.
struct Endless<'a>(&'a [u8], usize);

impl std::io::Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        for byte in &mut *buffer {
            *byte = self.0[self.1 % self.0.len()];
            self.1 += 1;
        }
        Ok(buffer.len())
    }
}

#[test]
fn endless_lines_are_refused() {
    let start = b"at,took,outcome\n0,1,success\n";
    for line in [&b"x"[..], b"\"\"", b" ", b","] {
        let mut endless = Endless(line, 0);
        let reader = std::io::Read::chain(&start[..], &mut endless);
        let error = Trace::from_csv(reader).unwrap_err().to_string();
        assert!(error.contains("longer than 4096 bytes"), "{error}");
        assert!(endless.1 < 100_000, "{}", endless.1);

        let mut endless = Endless(line, 0);
        let error = Trace::from_jsonl(std::io::BufReader::new(&mut endless)).unwrap_err();
        assert_eq!(error.line(), Some(1), "{error}");
        assert!(endless.1 < 100_000, "{}", endless.1);
    }
    // In quotes a record goes on over lines.
    let mut endless = Endless(b"x\n", 0);
    let reader = std::io::Read::chain(&b"at,took,outcome\n\"0"[..], &mut endless);
    let error = Trace::from_csv(reader).unwrap_err().to_string();
    assert!(error.contains("longer than 4096 bytes"), "{error}");
    let mut endless = Endless(b"x", 0);
    let reader = std::io::Read::chain(&start[..], &mut endless);
    assert_eq!(Trace::from_csv(reader).unwrap_err().line(), Some(3));
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
