//! Bodies mean what they mean without the attribute: `?`, `return`, inference,
//! coercions; and their futures stay as they were.

use std::{cell::Cell, error::Error, fmt::Debug, io, rc::Rc, sync::Arc};

use fluxgate::circuit_breaker;

#[circuit_breaker]
fn question_mark(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    let parsed: u8 = text.parse()?;
    if parsed > 100 {
        return Err("too large".into());
    }
    Ok(parsed)
}

#[circuit_breaker]
async fn question_mark_async(text: &str) -> Result<u8, Box<dyn Error + Send + Sync>> {
    let parsed: u8 = text.parse()?;
    tokio::task::yield_now().await;
    if parsed > 100 {
        return Err("too large".into());
    }
    Ok(parsed)
}

/// Nothing but the return type says what is collected, parsed or made.
#[circuit_breaker]
fn inference() -> io::Result<(Vec<u8>, Option<u16>)> {
    Ok((Default::default(), "7".parse().ok()))
}

#[circuit_breaker]
async fn inference_async() -> io::Result<(Vec<u8>, Option<u16>)> {
    tokio::task::yield_now().await;
    Ok((Default::default(), "7".parse().ok()))
}

#[circuit_breaker]
fn unsized_coercion() -> io::Result<Box<dyn Debug>> {
    Ok(Box::new(1))
}

#[circuit_breaker]
async fn unsized_coercion_async(early: bool) -> io::Result<Box<dyn Debug>> {
    if early {
        return Ok(Box::new("early"));
    }
    tokio::task::yield_now().await;
    Ok(Box::new(1))
}

#[circuit_breaker]
fn closure_coercion(n: u8) -> io::Result<fn(u8) -> u8> {
    match n {
        0 => Ok(|x| x),
        _ => Ok(|x| x + 1),
    }
}

#[circuit_breaker]
fn diverges(panics: bool) -> io::Result<u8> {
    if panics {
        panic!("as asked");
    }
    let mut n = 0;
    loop {
        n += 1;
        if n == 3 {
            return Ok(n);
        }
    }
}

#[tokio::test]
async fn inference_and_coercions() {
    assert_eq!(question_mark("7").unwrap(), 7);
    assert!(question_mark("x").is_err());
    assert_eq!(question_mark_async("7").await.unwrap(), 7);
    assert_eq!(
        question_mark_async("101").await.unwrap_err().to_string(),
        "too large"
    );
    assert_eq!(inference().unwrap(), (vec![], Some(7)));
    assert_eq!(inference_async().await.unwrap(), (vec![], Some(7)));
    assert_eq!(format!("{:?}", unsized_coercion().unwrap()), "1");
    assert_eq!(
        format!("{:?}", unsized_coercion_async(true).await.unwrap()),
        "\"early\""
    );
    assert_eq!(closure_coercion(1).unwrap()(1), 2);
    assert_eq!(diverges(false).unwrap(), 3);
    assert!(std::panic::catch_unwind(|| diverges(true)).is_err());
}

#[circuit_breaker]
async fn sends(text: String, shared: Arc<u8>) -> io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(text.len() + usize::from(*shared))
}

/// `Send`, but not `Sync`: a borrow of it across an await would not be `Send`.
#[circuit_breaker]
async fn sends_a_cell(cell: Cell<u8>) -> io::Result<u8> {
    cell.set(1);
    tokio::task::yield_now().await;
    Ok(cell.get())
}

#[circuit_breaker(tracker = Custom(|error| error.kind() == io::ErrorKind::Other), failure_if = |n| *n > 3, fallback = |_| Ok(0))]
async fn sends_with_everything(cell: Cell<u8>) -> io::Result<u8> {
    tokio::task::yield_now().await;
    Ok(cell.get())
}

#[circuit_breaker]
async fn does_not_send(rc: Rc<u8>) -> io::Result<u8> {
    tokio::task::yield_now().await;
    Ok(*rc)
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[tokio::test]
async fn futures_stay_send() {
    assert_eq!(
        is_send(sends("ab".to_owned(), Arc::new(1))).await.unwrap(),
        3
    );
    assert_eq!(is_send(sends_a_cell(Cell::new(0))).await.unwrap(), 1);
    assert_eq!(
        is_send(sends_with_everything(Cell::new(0))).await.unwrap(),
        0
    );
    assert_eq!(does_not_send(Rc::new(1)).await.unwrap(), 1);
}

async fn plain(buffer: [u8; 256]) -> io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(buffer.len())
}

#[circuit_breaker]
async fn protected(buffer: [u8; 256]) -> io::Result<usize> {
    tokio::task::yield_now().await;
    Ok(buffer.len())
}

/// A ticket, a reference and a few states, and no further copy of the arguments.
#[test]
fn futures_grow_by_a_bounded_amount() {
    let (plain, protected) = (
        size_of_val(&plain([0; 256])),
        size_of_val(&protected([0; 256])),
    );
    assert!(protected <= plain + 64, "{plain} bytes became {protected}");
}

/// A body that `macro_rules` captured comes in a group of its own.
macro_rules! with_body {
    ($name:ident, $asynchronous:ident, $body:block) => {
        #[circuit_breaker]
        fn $name() -> io::Result<u8> $body

        #[circuit_breaker]
        async fn $asynchronous() -> io::Result<u8> $body
    };
}

with_body!(captured, captured_too, {
    let parsed: u8 = "7".parse().map_err(io::Error::other)?;
    Ok(parsed)
});

#[tokio::test]
async fn bodies_captured_by_a_macro() {
    assert_eq!(captured().unwrap(), 7);
    assert_eq!(captured_too().await.unwrap(), 7);
}
