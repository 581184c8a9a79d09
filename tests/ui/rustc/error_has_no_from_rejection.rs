use fluxgate::circuit_breaker;

struct ApiError;

#[circuit_breaker]
async fn quote() -> Result<u32, ApiError> {
    Ok(1)
}

fn main() {}
