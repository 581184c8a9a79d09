//! Shapes that are right and seldom seen.

use std::{convert::Infallible, fmt, io, pin::Pin, rc::Rc, sync::Arc};

use fluxgate::{CallNotPermitted, circuit_breaker};

struct Cell(u8);

impl Cell {
    #[circuit_breaker]
    fn behind_a_reference(self: &Arc<Self>) -> io::Result<u8> {
        Ok(self.0)
    }

    #[circuit_breaker]
    async fn counted(self: Arc<Self>) -> io::Result<u8> {
        Ok(self.0)
    }

    #[circuit_breaker]
    fn changed(mut self: Rc<Self>) -> io::Result<u8> {
        if let Some(cell) = Rc::get_mut(&mut self) {
            cell.0 += 1;
        }
        Ok(self.0)
    }

    #[circuit_breaker]
    async fn pinned(mut self: Pin<&mut Self>) -> io::Result<u8> {
        tokio::task::yield_now().await;
        self.0 += 1;
        Ok(self.0)
    }
}

#[tokio::test]
async fn receivers_that_are_pointers() {
    let shared = Arc::new(Cell(1));
    assert_eq!(shared.behind_a_reference().unwrap(), 1);
    assert_eq!(shared.counted().await.unwrap(), 1);
    assert_eq!(Rc::new(Cell(1)).changed().unwrap(), 2);
    assert_eq!(Pin::new(&mut Cell(2)).pinned().await.unwrap(), 3);
}

trait Api {
    #[circuit_breaker(tripper = FailureStreak(3))]
    async fn default_body(&self, value: u8) -> io::Result<u8> {
        Ok(value)
    }

    #[circuit_breaker]
    fn sized<T>(self, value: T) -> io::Result<(Self, T)>
    where
        Self: Sized,
    {
        Ok((self, value))
    }
}

impl Api for u8 {}

struct Buffer<const N: usize = 2>([u8; N]);

impl<const N: usize> Buffer<N> {
    #[circuit_breaker]
    fn filled<const M: usize>(&self, with: [u8; M]) -> io::Result<([u8; N], [u8; M])> {
        Ok((self.0, with))
    }
}

#[tokio::test]
async fn traits_and_constants() {
    assert_eq!(7.default_body(1).await.unwrap(), 1);
    assert_eq!(7.sized("a").unwrap(), (7, "a"));
    assert_eq!(Buffer([1, 2]).filled([3]).unwrap(), ([1, 2], [3]));
}

struct Pair(u8, String);

struct Point {
    x: u8,
    y: [u8; 2],
}

#[circuit_breaker]
fn taken_apart(
    Pair(a, mut text): Pair,
    Point { x, y: [first, _] }: Point,
    (b, (c, _)): (u8, (u8, u8)),
    &[d, _]: &[u64; 2],
    _: u8,
) -> io::Result<String> {
    text.push('!');
    Ok(format!("{text}{}", u64::from(a + x + first + b + c) + d))
}

#[circuit_breaker]
async fn taken_apart_async(
    mut count: u8,
    (ref text, _): (String, u8),
    point @ Point { x, .. }: Point,
) -> io::Result<(u8, usize)> {
    count += x + point.y[1];
    Ok((count, text.len()))
}

#[tokio::test]
async fn patterns() {
    let point = || Point { x: 1, y: [2, 3] };
    assert_eq!(
        taken_apart(Pair(1, "a".to_owned()), point(), (1, (1, 0)), &[1, 0], 9).unwrap(),
        "a!7"
    );
    assert_eq!(
        taken_apart_async(1, ("ab".to_owned(), 0), point())
            .await
            .unwrap(),
        (5, 2)
    );
}

#[circuit_breaker(fallback = |_| vec![0].into_iter())]
fn opaque() -> impl Iterator<Item = u8> {
    vec![1, 2].into_iter()
}

#[circuit_breaker]
async fn opaque_inside(text: &str) -> Result<impl Fn(usize) -> usize + '_, io::Error> {
    Ok(move |more| text.len() + more)
}

#[circuit_breaker]
fn borrowed(bytes: &[u8]) -> io::Result<Box<dyn Iterator<Item = u8> + '_>> {
    Ok(Box::new(bytes.iter().copied()))
}

#[circuit_breaker(fallback = |_| None, failure_if = Option::is_none)]
fn option(value: Option<u8>) -> Option<u8> {
    let value = value?;
    Some(value + 1)
}

#[circuit_breaker]
fn large(bytes: [u8; 256]) -> io::Result<[u8; 256]> {
    Ok(bytes)
}

#[circuit_breaker]
async fn descends(n: u32) -> io::Result<u32> {
    if n == 0 {
        return Ok(0);
    }
    Ok(Box::pin(descends(n - 1)).await? + 1)
}

#[tokio::test]
async fn results_of_many_kinds() {
    assert_eq!(opaque().sum::<u8>(), 3);
    assert_eq!(opaque_inside("ab").await.unwrap()(1), 3);
    assert_eq!(borrowed(&[1, 2]).unwrap().sum::<u8>(), 3);
    assert_eq!((option(Some(1)), option(None)), (Some(2), None));
    assert_eq!(large([7; 256]).unwrap()[255], 7);
    assert_eq!(descends(3).await.unwrap(), 3);
}

/// An error that is neither `Send` nor anything but made from a rejection.
struct Local(Rc<str>);

impl From<CallNotPermitted> for Local {
    fn from(rejection: CallNotPermitted) -> Self {
        Local(rejection.to_string().into())
    }
}

#[circuit_breaker(tracker = Matches(Local(text) if !text.is_empty()))]
fn local() -> Result<Infallible, Local> {
    Err(Local("down".into()))
}

#[circuit_breaker(tracker = TypeOf(io::Error))]
fn generic<T, E>(value: impl FnOnce() -> Result<T, E>) -> Result<T, E>
where
    T: fmt::Debug + 'static,
    E: From<CallNotPermitted> + std::error::Error + 'static,
{
    value()
}

#[circuit_breaker]
async fn asks<F>(ask: F) -> io::Result<u8>
where
    F: AsyncFn(u8) -> io::Result<u8>,
{
    ask(1).await
}

#[tokio::test]
async fn errors_and_closures_of_the_callers() {
    assert_eq!(&*local().err().unwrap().0, "down");
    assert_eq!(generic::<_, io::Error>(|| Ok(1)).unwrap(), 1);
    assert_eq!(asks(async |n| Ok(n + 1)).await.unwrap(), 2);
}

mod outer {
    pub(super) mod inner {
        use fluxgate::circuit_breaker;

        #[circuit_breaker(handle = breaker)]
        pub(in crate::rare) fn seen_from_outside() -> std::io::Result<super::super::Public> {
            Ok(super::super::Public)
        }
    }
}

pub(crate) struct Public;

#[test]
fn visibility_and_paths() {
    assert!(outer::inner::seen_from_outside().is_ok());
    let name = concat!(module_path!(), "::outer::inner::seen_from_outside");
    assert_eq!(*outer::inner::breaker().name(), *name);
}

#[circuit_breaker]
#[tokio::main(flavor = "current_thread")]
async fn above_main() -> io::Result<u8> {
    Ok(1)
}

#[tokio::main(flavor = "current_thread")]
#[circuit_breaker]
async fn below_main() -> io::Result<u8> {
    Ok(1)
}

#[test]
fn beside_tokio_main() {
    assert_eq!((above_main().unwrap(), below_main().unwrap()), (1, 1));
}
