use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = FailureRate(50))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
