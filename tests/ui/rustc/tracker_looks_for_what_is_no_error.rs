use fluxgate::circuit_breaker;

#[circuit_breaker(tracker = TypeOf(String))]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
