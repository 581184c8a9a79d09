use fluxgate::circuit_breaker;

const CALLS: u64 = 20;

#[circuit_breaker(
    window = CountWindow(10),
    tripper = MinRequests(CALLS) & FailureRate(0.5),
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
