use fluxgate::circuit_breaker;

#[circuit_breaker(
    window = CountWindow(0),
    tripper = FailureRat(0.5) | MinRequests(-1) & FailureRate(2),
    retry = Backoff(initial = 10s, max_duration = 5s),
    permit = RampUp(0.9, 0.1, 60s),
    max_half_open_calls = "ten",
    colour = 7,
)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
