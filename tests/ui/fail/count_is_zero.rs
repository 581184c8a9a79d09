use fluxgate::circuit_breaker;

#[circuit_breaker(window = CountWindow(0))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
