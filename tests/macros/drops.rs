//! Arguments are dropped as without the attribute: each function here exists
//! twice, plain and annotated, and both must leave the same log.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use fluxgate::{Signal, State, circuit_breaker, testing};

thread_local! {
    static LOG: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

fn log(line: impl Into<String>) {
    LOG.with_borrow_mut(|log| log.push(line.into()));
}

/// What is logged while `f` runs.
fn logged<R>(f: impl FnOnce() -> R) -> Vec<String> {
    LOG.take();
    drop(f());
    LOG.take()
}

/// Logs its drop.
struct D(&'static str);

impl Drop for D {
    fn drop(&mut self) {
        log(self.0);
    }
}

struct Pair {
    x: D,
    y: D,
}

fn pair(x: &'static str, y: &'static str) -> Pair {
    Pair { x: D(x), y: D(y) }
}

fn look(_: &D) {}

type Done = io::Result<()>;

/// Ready when polled twice.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        Poll::Pending
    }
}

fn yield_now() -> Yield {
    Yield(false)
}

/// Polls a future so often.
fn poll<F: Future>(future: F, times: usize) {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..times {
        if future.as_mut().poll(&mut context).is_ready() {
            return;
        }
    }
}

macro_rules! twins {
    (
        functions { $({ $($function:tt)* })* }
        methods { $({ $($method:tt)* })* }
    ) => {
        #[allow(unused, clippy::boxed_local, clippy::many_single_char_names, clippy::toplevel_ref_arg)]
        mod plain {
            use super::*;
            $(pub(super) $($function)*)*
            pub(super) struct S(pub(super) D, pub(super) D);
            impl S {
                $(pub(super) $($method)*)*
            }
        }

        #[allow(unused, clippy::boxed_local, clippy::many_single_char_names, clippy::toplevel_ref_arg)]
        mod annotated {
            use super::*;
            $(
                #[circuit_breaker]
                pub(super) $($function)*
            )*
            pub(super) struct S(pub(super) D, pub(super) D);
            impl S {
                $(
                    #[circuit_breaker]
                    pub(super) $($method)*
                )*
            }
        }
    };
}

twins! {
    functions {
        { fn in_reverse_mention(a: D, b: D, c: D) -> Done { look(&a); look(&c); look(&b); log("body"); Ok(()) } }
        { fn unused(a: D, b: D, c: D) -> Done { log("body"); Ok(()) } }
        { fn some_unused(a: D, b: D, _c: D, d: D) -> Done { look(&b); log("body"); Ok(()) } }
        { fn wild(a: D, _: D, c: D, _: D) -> Done { look(&a); log("body"); Ok(()) } }
        { fn with_locals(a: D, b: D) -> Done { let l = D("l"); let m = D("m"); look(&b); Ok(()) } }
        { fn moved_out(a: D, b: D, c: D) -> Done { drop(b); look(&c); log("body"); Ok(()) } }
        { fn moved_into_a_local(a: D, b: D, c: D) -> Done { let a = a; look(&c); Ok(()) } }
        { fn partly_moved(a: Pair, b: Pair) -> Done { drop(a.y); look(&b.x); log("body"); Ok(()) } }
        { fn one_field(a: Pair, b: D) -> Done { let x = a.x; log("body"); Ok(()) } }
        { fn mutable(mut a: D, mut b: D) -> Done { a = D("a2"); log("body"); Ok(()) } }
        { fn tuples((x, _): (D, D), (_, y): (D, D)) -> Done { log("body"); Ok(()) } }
        { fn structs(Pair { x, .. }: Pair, b: D, Pair { y, x: _ }: Pair) -> Done { look(&b); log("body"); Ok(()) } }
        { fn nested(((a, _), b): ((D, D), D), [c, _, d]: [D; 3]) -> Done { drop(c); log("body"); Ok(()) } }
        { fn by_reference(ref a: D, ref mut b: D, c: D) -> Done { look(a); log("body"); Ok(()) } }
        { fn bound(a @ Pair { .. }: Pair, b @ D(_): D) -> Done { log("body"); Ok(()) } }
        { fn mutable_patterns((mut a, b): (D, D), mut c: D) -> Done { a = D("a2"); c = D("c2"); log("body"); Ok(()) } }
        { fn returns_early(a: D, b: D) -> Done { look(&b); if b.0 == "b" { return Ok(()); } log("body"); Ok(()) } }
        { fn fails(a: D, (b, _): (D, D)) -> Done { Err(io::Error::other("down"))? ; Ok(()) } }
        { fn generic<T, U: Into<D>>(a: T, b: U, c: impl Sized) -> Done { let b = b.into(); log("body"); Ok(()) } }
        { fn optional(a: Option<D>, b: Vec<D>, c: Box<D>, d: u8, e: &D) -> Done { log("body"); Ok(()) } }
        { fn in_a_closure(a: D, b: D) -> Done { let f = move || look(&b); f(); log("body"); Ok(()) } }
        { fn tail_temporary(a: RefCell<u8>, (b, _): (RefCell<u8>, D)) -> io::Result<u8> { Ok(*a.borrow() + *b.borrow()) } }
        { async fn awaits(a: D, b: D, c: D) -> Done { look(&c); yield_now().await; look(&a); log("body"); Ok(()) } }
        { async fn awaits_unused(a: D, _b: D, _: D) -> Done { yield_now().await; log("body"); Ok(()) } }
        { async fn awaits_patterns((x, _): (D, D), b: D, Pair { y, .. }: Pair) -> Done { look(&b); yield_now().await; log("body"); Ok(()) } }
        { async fn awaits_and_moves(a: Pair, b: D) -> Done { drop(a.x); yield_now().await; log("body"); Ok(()) } }
        { fn future(a: D, b: D) -> impl Future<Output = Done> { look(&b); async move { yield_now().await; look(&a); log("body"); Ok(()) } } }
        { fn boxed((a, _): (D, D), b: D) -> Pin<Box<dyn Future<Output = Done>>> { log("called"); Box::pin(async move { yield_now().await; look(&b); Ok(()) }) } }
    }
    methods {
        { fn by_value(self, a: D, b: D) -> Done { look(&a); look(&self.1); log("body"); Ok(()) } }
        { fn by_value_unused(self, a: D) -> Done { log("body"); Ok(()) } }
        { fn mutable_self(mut self, a: D) -> Done { self.0 = D("s2"); log("body"); Ok(()) } }
        { fn boxed_self(self: Box<Self>, (a, _): (D, D)) -> Done { drop(self.0); log("body"); Ok(()) } }
        { fn borrowed(&self, a: D, b: D) -> Done { look(&a); log("body"); Ok(()) } }
        { async fn awaits(self, a: D, b: D) -> Done { look(&b); yield_now().await; look(&self.0); log("body"); Ok(()) } }
        { async fn awaits_borrowed(&mut self, (a, _): (D, D), b: D) -> Done { yield_now().await; log("body"); Ok(()) } }
    }
}

/// Compares the logs of two calls.
macro_rules! same {
    ($($call:expr;)*) => {$(
        #[allow(clippy::redundant_closure_call)]
        {
            let plain = logged(|| { use plain::*; $call });
            let annotated = logged(|| { use annotated::*; $call });
            assert_eq!(annotated, plain, "{}", stringify!($call));
            assert!(!plain.is_empty());
        }
    )*};
}

#[test]
fn sync_arguments_drop_as_without_the_attribute() {
    let _own = testing::isolate();
    let d = D;
    let e = D("outside");
    same! {
        in_reverse_mention(d("a"), d("b"), d("c"));
        unused(d("a"), d("b"), d("c"));
        some_unused(d("a"), d("b"), d("c"), d("d"));
        wild(d("a"), d("b"), d("c"), d("d"));
        with_locals(d("a"), d("b"));
        moved_out(d("a"), d("b"), d("c"));
        moved_into_a_local(d("a"), d("b"), d("c"));
        partly_moved(pair("a.x", "a.y"), pair("b.x", "b.y"));
        one_field(pair("a.x", "a.y"), d("b"));
        mutable(d("a"), d("b"));
        tuples((d("1"), d("2")), (d("3"), d("4")));
        structs(pair("1", "2"), d("b"), pair("3", "4"));
        nested(((d("1"), d("2")), d("3")), [d("4"), d("5"), d("6")]);
        by_reference(d("a"), d("b"), d("c"));
        bound(pair("1", "2"), d("3"));
        mutable_patterns((d("a"), d("b")), d("c"));
        returns_early(d("a"), d("b"));
        fails(d("a"), (d("b"), d("c")));
        generic(d("a"), d("b"), d("c"));
        optional(Some(d("a")), vec![d("b")], Box::new(d("c")), 1, &e);
        in_a_closure(d("a"), d("b"));
        tail_temporary(RefCell::new(1), (RefCell::new(2), d("b")));
    }
}

#[test]
fn method_arguments_drop_as_without_attribute() {
    let _own = testing::isolate();
    let d = D;
    same! {
        S(d("s"), d("t")).by_value(d("a"), d("b"));
        S(d("s"), d("t")).by_value_unused(d("a"));
        S(d("s"), d("t")).mutable_self(d("a"));
        Box::new(S(d("s"), d("t"))).boxed_self((d("a"), d("b")));
        S(d("s"), d("t")).borrowed(d("a"), d("b"));
    }
}

#[test]
fn async_arguments_drop_as_without_the_attribute() {
    let _own = testing::isolate();
    let d = D;
    // Never polled, cancelled, and to the end.
    for times in [0, 1, 2] {
        same! {
            poll(awaits(d("a"), d("b"), d("c")), times);
            poll(awaits_unused(d("a"), d("b"), d("c")), times);
            poll(awaits_patterns((d("1"), d("2")), d("b"), pair("3", "4")), times);
            poll(awaits_and_moves(pair("a.x", "a.y"), d("b")), times);
            poll(future(d("a"), d("b")), times);
            poll(boxed((d("a"), d("b")), d("c")), times);
            poll(S(d("s"), d("t")).awaits(d("a"), d("b")), times);
            poll(S(d("s"), d("t")).awaits_borrowed((d("a"), d("b")), d("c")), times);
        }
    }
}

fn told(signal: &Signal) {
    log(signal.new_state.to_string());
}

#[circuit_breaker(tripper = FailureStreak(1), listeners = [told], handle = sync_breaker)]
fn opens(a: D, _b: D, (c, _): (D, D), _: D) -> Done {
    look(&a);
    look(&c);
    Err(io::Error::other("down"))
}

#[circuit_breaker(tripper = FailureStreak(1), listeners = [told])]
async fn opens_async(a: D, _b: D, (c, _): (D, D), _: D) -> Done {
    look(&a);
    yield_now().await;
    look(&c);
    Err(io::Error::other("down"))
}

#[test]
fn arguments_drop_before_listeners_are_told() {
    let _own = testing::isolate();
    let d = D;
    let call = || opens(d("a"), d("b"), (d("c1"), d("c2")), d("d"));
    let dropped = ["d", "c1", "c2", "b", "a"];
    let (last, before) = (logged(call), dropped);
    assert_eq!(last[..5], before);
    assert_eq!(last[5..], ["open"]);
    assert_eq!(sync_breaker().state(), State::Open);
    // A rejected call drops them all the same.
    assert_eq!(logged(call).len(), 5);
    let call = || poll(opens_async(d("a"), d("b"), (d("c1"), d("c2")), d("d")), 2);
    let last = logged(call);
    assert_eq!(last[..5], before);
    assert_eq!(last[5..], ["open"]);
}

#[allow(unused_variables)]
#[circuit_breaker(fallback = |_| { look(&b); log("fallback"); Ok(()) })]
fn shares_with_its_fallback(a: D, b: D, (c, _): (D, D), d: D) -> Done {
    look(&d);
    log("body");
    Err(io::Error::other("down"))
}

#[test]
fn fallback_keeps_what_it_shares() {
    let _own = testing::isolate();
    let d = D;
    let log = logged(|| shares_with_its_fallback(d("a"), d("b"), (d("c1"), d("c2")), d("d")));
    assert_eq!(log, ["body", "d", "c1", "c2", "a", "fallback", "b"]);
}
