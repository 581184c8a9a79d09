use fluxgate::circuit_breaker;

#[circuit_breaker(initial_state = ForceOpen)]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
