use fluxgate::circuit_breaker;

const ATTEMPTS: u32 = 3;

#[circuit_breaker(tracker = Custom(ATTEMPTS))]
async fn quote() -> std::io::Result<u32> {
    Ok(1)
}

fn main() {}
