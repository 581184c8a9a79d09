use fluxgate::circuit_breaker;

#[circuit_breaker(throttle = Adaptive(1.05))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
