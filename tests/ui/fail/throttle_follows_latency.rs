use fluxgate::circuit_breaker;

#[circuit_breaker(throttle = Gradient(1.5))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
