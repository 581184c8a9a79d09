use fluxgate::circuit_breaker;

#[circuit_breaker(tripper = FailureStreak(5) retry = Cooldown(30s))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
