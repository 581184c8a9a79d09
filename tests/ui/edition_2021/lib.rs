#![deny(warnings, tail_expr_drop_order, clippy::all)]
#![allow(clippy::needless_return)]
use fg::circuit_breaker;
use std::io;
#[circuit_breaker(key = tenant)]
pub async fn keyed(tenant: String) -> io::Result<usize> { return Ok(tenant.len()); }
#[circuit_breaker(key = tenant, fallback = |_| return Ok(0))]
pub async fn keyed_f(tenant: String) -> io::Result<usize> { return Ok(tenant.len()); }
#[circuit_breaker(key = tenant, fallback = async |_| return Ok(0))]
pub async fn keyed_fa(tenant: &str) -> io::Result<usize> { return Ok(tenant.len()); }
#[circuit_breaker(key = tenant)]
pub fn keyed_s(tenant: String) -> io::Result<usize> { return Ok(tenant.len()); }
#[circuit_breaker(key = tenant)]
pub fn keyed_fut(tenant: String) -> impl std::future::Future<Output = io::Result<usize>> { return async move { return Ok(tenant.len()); } }
#[circuit_breaker(key = tenant)]
pub fn keyed_box(tenant: String) -> std::pin::Pin<Box<dyn std::future::Future<Output = io::Result<usize>>>> { return Box::pin(async move { return Ok(tenant.len()); }) }
#[circuit_breaker(handle = plain_b)]
pub fn plain() -> io::Result<usize> { return Ok(1); }
#[circuit_breaker]
pub async fn plain_async(s: String) -> io::Result<usize> { return Ok(s.len()); }
#[circuit_breaker(fallback = |_| return Ok(0))]
pub fn plain_f(s: String) -> io::Result<usize> { return Ok(s.len()); }
#[circuit_breaker(fallback = |_| return Ok(0), tracker = TypeOf(io::Error) | Matches(_ if false), listeners = [|_| {}], retry = Cooldown(5s), window = TimeWindow(5s), tripper = FailureStreak(5))]
pub async fn plain_fa(s: String) -> io::Result<usize> { return Ok(s.len()); }
pub struct C { b: fg::CircuitBreaker }
impl C {
#[circuit_breaker(breaker = self.b)]
pub async fn m(&mut self, s: String) -> io::Result<usize> { return Ok(s.len()); }
#[circuit_breaker(breaker = self.b.clone())]
pub async fn m2(&self, s: String) -> io::Result<usize> { return Ok(s.len()); }
}
fg::breaker! { pub static B = { tripper = FailureStreak(5) }; }
