//! Settings of breakers by key.

use fluxgate::{Settings, keyed::CircuitBreakers, testing};

#[test]
fn keys_have_what_their_set_has_and_their_own() {
    let _world = testing::isolate();
    let text = r#"
        [set.upstream]
        close_after = 2
        [set.upstream.key.npm]
        close_after = 3
        [breaker."upstream/npm"]
        close_after = 9
        [breaker.upstream]
        close_after = 9
    "#;
    let settings: Settings = toml::from_str(text).unwrap();
    let set = CircuitBreakers::<String>::builder("upstream")
        .max_labels(1)
        .build()
        .unwrap();
    let close_after = |key: &str| set.get(key).info().settings.close_after;
    assert_eq!(close_after("labelled"), 1);
    let report = settings.apply().unwrap();
    let nearest: Vec<_> = report
        .unmatched()
        .iter()
        .map(|it| it.nearest.clone())
        .collect();
    assert_eq!(
        nearest,
        [
            Some("[set.\"upstream\"]".to_owned()),
            Some("[set.\"upstream\".key.\"npm\"]".to_owned())
        ]
    );
    // One that was there, one without a name of its own, and one that comes again.
    assert_eq!((close_after("labelled"), close_after("npm")), (2, 3));
    assert_eq!(set.overflow().info().settings.close_after, 2);
    set.remove("npm");
    assert_eq!(close_after("npm"), 3);
    let _ = Settings::default().apply().unwrap();
    assert_eq!((close_after("labelled"), close_after("npm")), (1, 1));
}
