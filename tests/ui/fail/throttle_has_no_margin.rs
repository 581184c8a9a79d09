use fluxgate::circuit_breaker;

#[circuit_breaker(throttle = "Adaptive(k = 1.0)")]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
