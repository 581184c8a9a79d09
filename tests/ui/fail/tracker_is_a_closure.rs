use fluxgate::circuit_breaker;

#[circuit_breaker(tracker = |error| error.kind() == std::io::ErrorKind::TimedOut)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
