use fluxgate::circuit_breaker;

#[circuit_breaker]
fn quote() -> u32 {
    1
}

fn main() {}
