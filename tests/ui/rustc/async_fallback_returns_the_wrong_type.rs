use fluxgate::circuit_breaker;

#[circuit_breaker(fallback = async |_| 1)]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
