use fluxgate::circuit_breaker;

#[circuit_breaker(classify = |result: &std::io::Result<u32>| result.is_err())]
fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
