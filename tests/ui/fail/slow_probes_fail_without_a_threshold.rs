use fluxgate::circuit_breaker;

#[circuit_breaker(slow_probes = Fail, tripper = MinRequests(20) & FailureRate(0.5))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
