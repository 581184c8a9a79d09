use std::{future::Future, pin::Pin};

use fluxgate::circuit_breaker;

type Answer = Pin<Box<dyn Future<Output = u32> + Send>>;

#[circuit_breaker(fallback = |_| Box::pin(async { 0 }))]
fn quote() -> Answer {
    Box::pin(async { 1 })
}

fn main() {}
