use fluxgate::circuit_breaker;

fn wrapped(error: std::fmt::Error) -> std::io::Error {
    std::io::Error::other(error)
}

#[circuit_breaker(map_rejection = wrapped)]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
