use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = MinRequests(calls) & FailureRate(0.5))]
fn quote(calls: u64) -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
