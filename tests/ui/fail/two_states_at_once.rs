use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = Closed & HalfOpened & FailureRate(0.5))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
