use fluxgate::circuit_breaker;

#[circuit_breaker(tracker = Matches(error.is_timeout()))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
