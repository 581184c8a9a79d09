use fluxgate::circuit_breaker;

#[circuit_breaker(retry = Cooldown(5m))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
