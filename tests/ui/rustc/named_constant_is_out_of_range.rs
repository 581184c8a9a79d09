use fluxgate::circuit_breaker;

const RATIO: f64 = 1.5;
const CALLS: u64 = 0;
const WAIT: std::time::Duration = std::time::Duration::ZERO;

#[circuit_breaker(
    tripper = MinRequests(CALLS) & FailureRate(RATIO),
    retry = Cooldown(WAIT),
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
