use fluxgate::circuit_breaker;

#[circuit_breaker]
fn quote() -> std::io::Result<u32> {
    __FLUXGATE_BREAKER.reset();
    Ok(1)
}

fn main() {}
