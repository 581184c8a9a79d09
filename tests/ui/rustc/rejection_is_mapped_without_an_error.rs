use fluxgate::circuit_breaker;

#[circuit_breaker(map_rejection = |rejection| rejection.to_string())]
fn quote() -> Option<u32> {
    Some(1)
}

fn main() {}
