use fluxgate::circuit_breaker;

#[circuit_breaker(
    tripper = "
        FailureStreak(5)
            | MinRequests(20) & FailureRate(50)
    "
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
