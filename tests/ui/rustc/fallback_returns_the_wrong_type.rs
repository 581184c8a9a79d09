use fluxgate::circuit_breaker;

#[circuit_breaker(fallback = |_| 1)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
