use fluxgate::circuit_breaker;

#[circuit_breaker]
struct Quote;

fn main() {}
