use fluxgate::circuit_breaker;

#[circuit_breaker]
static QUOTE: fn() -> u32 = || 1;

fn main() {}
