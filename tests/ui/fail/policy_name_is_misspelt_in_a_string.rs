use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = "MinRequests(20) & FailureRat(0.5)")]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
