use fluxgate::circuit_breaker;

#[circuit_breaker(name: "quotes")]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
