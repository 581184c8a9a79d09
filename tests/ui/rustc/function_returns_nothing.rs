use fluxgate::circuit_breaker;

#[circuit_breaker]
async fn quote() {}

fn main() {}
