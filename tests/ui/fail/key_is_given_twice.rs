use fluxgate::circuit_breaker;

#[circuit_breaker(retry = Always, retry = Never)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
