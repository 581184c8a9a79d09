use fluxgate::circuit_breaker;

enum ApiError { Timeout }

#[circuit_breaker(tracker = Matches(ApiError::TimedOut), fallback = |_| Ok(0))]
fn quote() -> Result<u32, ApiError> {
    Err(ApiError::Timeout)
}

fn main() {}
