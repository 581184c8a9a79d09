use fluxgate::circuit_breaker;

#[circuit_breaker(triper = FailureStreak(5))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
