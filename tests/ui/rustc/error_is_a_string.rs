use fluxgate::circuit_breaker;

#[circuit_breaker]
fn quote() -> Result<u32, String> {
    Ok(1)
}

fn main() {}
