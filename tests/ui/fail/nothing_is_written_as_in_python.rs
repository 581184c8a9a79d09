use fluxgate::circuit_breaker;

#[circuit_breaker(fallback = None)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
