use fluxgate::circuit_breaker;

#[circuit_breaker(
    tripper = FailureStreak(5) or FailureRate(0.5),
    tracker = ~TypeOf(std::io::Error),
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
