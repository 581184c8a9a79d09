use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = FailureRate(0.5) & Custom(5))]
fn fetch() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
