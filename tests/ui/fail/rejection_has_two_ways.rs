use fluxgate::circuit_breaker;

#[circuit_breaker(fallback = |_| Ok(1), map_rejection = |_| "no")]
fn quote() -> Result<u32, &'static str> {
    Ok(1)
}

fn main() {}
