use fluxgate::{CallError, circuit_breaker};

async fn cached(_: CallError<std::io::Error>) -> std::io::Result<String> {
    Ok(String::new())
}

#[circuit_breaker(fallback = cached)]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
